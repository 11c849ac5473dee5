//! The real loading and scoring, on tiny models of random weights: `.ci/bert` runs these.
#![cfg(feature = "libtorch")]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use moodvane_bert::{BertConfig, Languages, load};
use moodvane_model::{Language, Score};
use moodvane_sentiment::{Scorer, Text};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use support::{BEYOND, Tiny};

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
    scorer.score_texts(&texts, &mut scores).unwrap();
    scores
}

fn error(config: &BertConfig) -> String {
    load(config).err().unwrap().to_string()
}

#[test]
fn a_score_does_not_depend_on_the_batch_it_is_in() {
    for kind in ["bert", "distilbert", "roberta"] {
        let tiny = Tiny::new(kind, 5, "rust_model.ot");
        let mut scorer = load(&tiny.config(&["five"])).unwrap();
        let together = score_all(scorer.as_mut(), &TEXTS);
        let mut values = Vec::new();
        for (text, together) in TEXTS.iter().zip(together) {
            let (alone, together) = (scorer.score(text), together.unwrap());
            let apart = (alone.value() - together.value()).abs();
            assert!(apart < 1e-5, "{kind} {text}: {alone:?}, {together:?}");
            assert_eq!(alone.sentiment, together.sentiment, "{kind} {text}");
            values.push(alone.micros());
        }
        // Else all texts would be alike to the model, and the above could not fail.
        values.sort_unstable();
        values.dedup();
        assert!(values.len() >= 5, "{kind}: {values:?}");
    }
}

#[test]
fn one_at_a_time_a_score_is_the_same_to_the_last_bit() {
    let tiny = Tiny::new("bert", 5, "rust_model.ot");
    let config = BertConfig {
        batch: 1,
        ..tiny.config(&["five"])
    };
    let mut scorer = load(&config).unwrap();
    let forth = score_all(scorer.as_mut(), &TEXTS);
    let mut reversed = TEXTS;
    reversed.reverse();
    let mut back = score_all(scorer.as_mut(), &reversed);
    back.reverse();
    assert_eq!(forth, back);
    let again = score_all(load(&config).unwrap().as_mut(), &TEXTS);
    assert_eq!(forth, again);
}

#[test]
fn each_label_map_says_what_the_outputs_mean() {
    let tiny = Tiny::new("distilbert", 3, "rust_model.ot");
    let values = |labels: &[&str]| -> Vec<u32> {
        let scores = score_all(load(&tiny.config(labels)).unwrap().as_mut(), &TEXTS);
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
    // The other way round, a value is mirrored at neutral.
    let turned = values(&["positive", "neutral", "negative"]);
    for (one, other) in three.iter().zip(&turned) {
        assert!(one.abs_diff(4_000_000 - other) <= 2, "{one} {other}");
    }
    let five = Tiny::new("distilbert", 5, "rust_model.ot");
    let of = |labels: &[&str]| score_all(load(&five.config(labels)).unwrap().as_mut(), &TEXTS);
    assert_eq!(of(&["five"]), of(&["stars"]));
    assert_eq!(
        of(&["stars"]),
        of(&["1_star", "2_stars", "3_stars", "4_stars", "5_stars"])
    );
    assert_ne!(
        of(&["five"]),
        of(&["5_stars", "4_stars", "3_stars", "2_stars", "1_star"])
    );
}

#[test]
fn both_forms_of_weights_are_the_same_model() {
    let torch = Tiny::new("bert", 5, "rust_model.ot");
    let tensors = Tiny::new("bert", 5, "model.safetensors");
    let of = |tiny: &Tiny| score_all(load(&tiny.config(&["five"])).unwrap().as_mut(), &TEXTS);
    assert_eq!(of(&torch), of(&tensors));
}

#[test]
fn what_is_wrong_with_a_folder_is_said_before_anything_is_scored() {
    let tiny = Tiny::new("bert", 5, "rust_model.ot");
    let labels = error(&tiny.config(&["three"]));
    assert!(
        labels.contains("the model has 5 labels (LABEL_0, LABEL_1, "),
        "{labels}"
    );
    let absent = BertConfig {
        folder: tiny.path().join("none"),
        ..tiny.config(&["five"])
    };
    assert!(error(&absent).contains("cannot read"), "{}", error(&absent));
    fs::remove_file(tiny.path().join("vocab.txt")).unwrap();
    let vocabulary = error(&tiny.config(&["five"]));
    assert!(vocabulary.contains("vocab.txt"), "{vocabulary}");
}

#[test]
fn damaged_weights_are_refused() {
    let damages: [fn(Vec<u8>) -> Vec<u8>; 3] = [
        |_| b"these are no weights".to_vec(),
        |whole| whole[..whole.len() / 2].to_vec(),
        |_| Vec::new(),
    ];
    for name in ["rust_model.ot", "model.safetensors"] {
        let tiny = Tiny::new("bert", 5, name);
        let path = tiny.path().join(name);
        let whole = fs::read(&path).unwrap();
        for damage in damages {
            fs::write(&path, damage(whole.clone())).unwrap();
            let error = error(&tiny.config(&["five"]));
            assert!(error.contains("cannot be loaded"), "{name}: {error}");
        }
    }
}

#[test]
fn weights_of_another_model_are_refused() {
    let tiny = Tiny::new("bert", 5, "rust_model.ot");
    let text = fs::read_to_string(tiny.path().join("config.json")).unwrap();
    tiny.put(
        "config.json",
        &text.replace(",\"3\":\"LABEL_3\",\"4\":\"LABEL_4\"", ""),
    );
    let outputs = error(&tiny.config(&["three"]));
    assert!(outputs.contains("cannot be loaded"), "{outputs}");
    tiny.put(
        "config.json",
        &text.replace("\"hidden_size\":32", "\"hidden_size\":16"),
    );
    assert!(error(&tiny.config(&["five"])).contains("cannot be loaded"));
    tiny.put("config.json", &text.replace("\"hidden_size\":32,", ""));
    assert!(
        error(&tiny.config(&["five"])).contains("hidden_size"),
        "{}",
        error(&tiny.config(&["five"]))
    );
}

#[test]
fn a_text_that_the_model_cannot_judge_has_no_score_and_harms_no_other() {
    let tiny = Tiny::new("bert", 5, "rust_model.ot");
    let mut scorer = load(&tiny.config(&["five"])).unwrap();
    let scores = score_all(scorer.as_mut(), &["good", BEYOND, "the rain is awful"]);
    let alone = [scorer.score("good"), scorer.score("the rain is awful")];
    assert_eq!(scores[1], None);
    for (score, alone) in [scores[0], scores[2]].into_iter().zip(alone) {
        assert!((score.unwrap().value() - alone.value()).abs() < 1e-5);
    }
}

#[test]
fn it_is_asked_for_the_languages_that_it_speaks() {
    let tiny = Tiny::new("bert", 5, "rust_model.ot");
    let german = Language::parse("de").unwrap();
    let languages = Languages::Some(vec![german]);
    let config = BertConfig {
        languages,
        ..tiny.config(&["five"])
    };
    let scorer = load(&config).unwrap();
    assert!(scorer.speaks(Some(german)) && !scorer.speaks(Some(Language::parse("en").unwrap())));
    assert!(scorer.fingerprint().starts_with("bert-1-") && scorer.at_once() == 32);
}

#[test]
fn any_text_has_a_score_and_what_is_too_long_is_cut() {
    for kind in ["bert", "distilbert", "roberta"] {
        let tiny = Tiny::new(kind, 5, "rust_model.ot");
        let mut scorer = load(&tiny.config(&["five"])).unwrap();
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
