//! Loads and scores with model models of random weights. `.ci/bert` runs these tests.
#![cfg(feature = "libtorch")]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use moodvane_bert::{BertConfig, Languages, load};
use moodvane_model::{ErrorChain, Language, Score};
use moodvane_sentiment::{Scorer, Text};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use support::{TestModel, WORD_WITHOUT_EMBEDDING};

const TEXTS: [&str; 7] = [
    "the rain is awful",
    "good",
    "the sun is great today ! the sun is very very good . not bad !",
    "",
    "a fine day",
    "not bad not bad not bad not bad not bad not bad not bad not bad not bad not bad not bad",
    "zebra xylophone",
];

fn score_all(scorer: &mut dyn Scorer, texts: &[&str]) -> Vec<Option<Score>> {
    let texts: Vec<Text<'_>> = texts.iter().map(|text| Text::plain(text)).collect();
    let mut scores = Vec::new();
    scorer.score_batch(&texts, &mut scores).unwrap();
    scores
}

fn error(config: &BertConfig) -> String {
    ErrorChain(&load(config).err().unwrap()).to_string()
}

#[test]
fn score_is_independent_of_batch() {
    for kind in ["bert", "distilbert", "roberta"] {
        let model = TestModel::new(kind, 5, "rust_model.ot");
        let mut scorer = load(&model.config(&["five"])).unwrap();
        let together = score_all(scorer.as_mut(), &TEXTS);
        let mut values = Vec::new();
        for (text, together) in TEXTS.iter().zip(together) {
            let (alone, together) = (scorer.score(text), together.unwrap());
            let difference = (alone.value() - together.value()).abs();
            assert!(difference < 1e-5, "{kind} {text}: {alone:?}, {together:?}");
            assert_eq!(alone.sentiment, together.sentiment, "{kind} {text}");
            values.push(alone.micros());
        }
        // The texts must have different scores, or the assertions above could not fail.
        values.sort_unstable();
        values.dedup();
        assert!(values.len() >= 5, "{kind}: {values:?}");
    }
}

#[test]
fn score_is_bit_identical_with_batch_of_one() {
    let model = TestModel::new("bert", 5, "rust_model.ot");
    let config = BertConfig {
        batch: 1,
        ..model.config(&["five"])
    };
    let mut scorer = load(&config).unwrap();
    let forward = score_all(scorer.as_mut(), &TEXTS);
    let mut reversed = TEXTS;
    reversed.reverse();
    let mut backward = score_all(scorer.as_mut(), &reversed);
    backward.reverse();
    assert_eq!(forward, backward);
    let again = score_all(load(&config).unwrap().as_mut(), &TEXTS);
    assert_eq!(forward, again);
}

#[test]
fn label_map_determines_classes() {
    let model = TestModel::new("distilbert", 3, "rust_model.ot");
    let values = |labels: &[&str]| -> Vec<u32> {
        let scores = score_all(load(&model.config(labels)).unwrap().as_mut(), &TEXTS);
        scores
            .into_iter()
            .map(|score| score.unwrap().micros())
            .collect()
    };
    let three = values(&["three"]);
    assert!(
        three
            .iter()
            .all(|value| (1_000_000..=3_000_000).contains(value)),
        "{three:?}"
    );
    // Reversing the labels mirrors a value at neutral.
    let reversed = values(&["positive", "neutral", "negative"]);
    for (one, other) in three.iter().zip(&reversed) {
        assert!(one.abs_diff(4_000_000 - other) <= 2, "{one} {other}");
    }
    let five = TestModel::new("distilbert", 5, "rust_model.ot");
    let scores = |labels: &[&str]| score_all(load(&five.config(labels)).unwrap().as_mut(), &TEXTS);
    assert_eq!(scores(&["five"]), scores(&["stars"]));
    assert_eq!(
        scores(&["stars"]),
        scores(&["1_star", "2_stars", "3_stars", "4_stars", "5_stars"])
    );
    assert_ne!(
        scores(&["five"]),
        scores(&["5_stars", "4_stars", "3_stars", "2_stars", "1_star"])
    );
}

#[test]
fn weight_formats_give_equal_scores() {
    let torch = TestModel::new("bert", 5, "rust_model.ot");
    let tensors = TestModel::new("bert", 5, "model.safetensors");
    let scores =
        |model: &TestModel| score_all(load(&model.config(&["five"])).unwrap().as_mut(), &TEXTS);
    assert_eq!(scores(&torch), scores(&tensors));
}

#[test]
fn load_rejects_invalid_folder() {
    let model = TestModel::new("bert", 5, "rust_model.ot");
    let labels = error(&model.config(&["three"]));
    assert!(
        labels.contains("the model has 5 labels (LABEL_0, LABEL_1, "),
        "{labels}"
    );
    let missing = BertConfig {
        folder: model.path().join("none"),
        ..model.config(&["five"])
    };
    assert!(
        error(&missing).contains("cannot read"),
        "{}",
        error(&missing)
    );
    fs::remove_file(model.path().join("vocab.txt")).unwrap();
    let vocabulary = error(&model.config(&["five"]));
    assert!(vocabulary.contains("vocab.txt"), "{vocabulary}");
}

#[test]
fn load_rejects_damaged_weights() {
    let damages: [fn(Vec<u8>) -> Vec<u8>; 3] = [
        |_| b"not weights".to_vec(),
        |weights| weights[..weights.len() / 2].to_vec(),
        |_| Vec::new(),
    ];
    for name in ["rust_model.ot", "model.safetensors"] {
        let model = TestModel::new("bert", 5, name);
        let path = model.path().join(name);
        let weights = fs::read(&path).unwrap();
        for damage in damages {
            fs::write(&path, damage(weights.clone())).unwrap();
            let error = error(&model.config(&["five"]));
            assert!(error.contains("cannot load the model"), "{name}: {error}");
        }
    }
}

#[test]
fn load_rejects_weights_of_other_model() {
    let model = TestModel::new("bert", 5, "rust_model.ot");
    let text = fs::read_to_string(model.path().join("config.json")).unwrap();
    model.put(
        "config.json",
        &text.replace(",\"3\":\"LABEL_3\",\"4\":\"LABEL_4\"", ""),
    );
    let outputs = error(&model.config(&["three"]));
    assert!(outputs.contains("cannot load the model"), "{outputs}");
    model.put(
        "config.json",
        &text.replace("\"hidden_size\":32", "\"hidden_size\":16"),
    );
    assert!(error(&model.config(&["five"])).contains("cannot load the model"));
    model.put("config.json", &text.replace("\"hidden_size\":32,", ""));
    assert!(
        error(&model.config(&["five"])).contains("hidden_size"),
        "{}",
        error(&model.config(&["five"]))
    );
}

#[test]
fn unscorable_text_does_not_affect_others() {
    let model = TestModel::new("bert", 5, "rust_model.ot");
    let mut scorer = load(&model.config(&["five"])).unwrap();
    let scores = score_all(
        scorer.as_mut(),
        &["good", WORD_WITHOUT_EMBEDDING, "the rain is awful"],
    );
    let alone = [scorer.score("good"), scorer.score("the rain is awful")];
    assert_eq!(scores[1], None);
    for (score, alone) in [scores[0], scores[2]].into_iter().zip(alone) {
        assert!((score.unwrap().value() - alone.value()).abs() < 1e-5);
    }
}

#[test]
fn scorer_reports_languages_fingerprint_and_batch() {
    let model = TestModel::new("bert", 5, "rust_model.ot");
    let german = Language::parse("de").unwrap();
    let languages = Languages::Some(vec![german]);
    let config = BertConfig {
        languages,
        ..model.config(&["five"])
    };
    let scorer = load(&config).unwrap();
    assert!(
        scorer.supports_language(Some(german))
            && !scorer.supports_language(Some(Language::parse("en").unwrap()))
    );
    assert!(scorer.fingerprint().starts_with("bert-2-") && scorer.max_batch_size() == 32);
}

#[test]
fn scores_any_text_and_truncates_long_text() {
    for kind in ["bert", "distilbert", "roberta"] {
        let model = TestModel::new(kind, 5, "rust_model.ot");
        let mut scorer = load(&model.config(&["five"])).unwrap();
        let long = "good bad ".repeat(2_000);
        assert_eq!(scorer.score(&long), scorer.score(&long[..long.len() / 2]));
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let texts = prop::collection::vec(".{0,60}|[a-z<>\\[\\]# ]{0,40}", 1..6);
        for _ in 0..40 {
            let texts = texts.new_tree(&mut runner).unwrap().current();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            for (text, score) in texts.iter().zip(score_all(scorer.as_mut(), &texts)) {
                let value = score
                    .unwrap_or_else(|| panic!("{kind}: no score for {text:?}"))
                    .value();
                assert!((0.0..=4.0).contains(&value));
            }
        }
    }
}
