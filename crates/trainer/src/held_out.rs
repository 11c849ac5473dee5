//! Probabilities of training texts from models that were not trained on them (cross-fitting).
//!
//! A model is overconfident on its own training texts, so what its probabilities mean is measured on
//! texts held out: the texts are divided into folds, and each fold is scored by a model fitted to the
//! other folds. Texts about a topic, and copies of a text, are in the same fold.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;
use moodvane_model::{Calibration, Score, Sentiment};
use moodvane_sentiment::evaluation::LabelScale;
use moodvane_sentiment::trained::{
    ClassProbabilities, DecisionRule, TrainedScorer, Weights, encode_weights,
};
use moodvane_sentiment::{LexiconScorer, Scorer};
use xxhash_rust::xxh3::xxh3_64;

use crate::corpus::Example;
use crate::recipe::Recipe;
use crate::train::fit_model;

/// The number of folds.
const FOLDS: u64 = 5;

/// A text that was scored by a model not trained on it.
pub(crate) struct HeldOut {
    pub(crate) file: &'static str,
    pub(crate) scale: LabelScale,
    /// The label on `scale`.
    pub(crate) label: usize,
    pub(crate) topic: Option<String>,
    pub(crate) probabilities: ClassProbabilities,
}

/// Scores every example by a model fitted to the other folds.
///
/// # Errors
/// If fitted weights cannot be read back, which is a fault of the encoding.
pub(crate) fn held_out(examples: &[Example], recipe: &Recipe) -> anyhow::Result<Vec<HeldOut>> {
    let folds = folds(examples);
    let mut scored = Vec::with_capacity(examples.len());
    for fold in 0..FOLDS {
        let with_folds = || examples.iter().zip(&folds);
        let others: Vec<Example> = with_folds()
            .filter(|(_, own)| **own != fold)
            .map(|(example, _)| example.clone())
            .collect();
        let model = fit_model(&others, recipe, 0);
        let weights = Weights::read(encode_weights(&model.header, &model.rows, &model.words))?;
        let own: Vec<Example> = with_folds()
            .filter(|(_, own)| **own == fold)
            .map(|(example, _)| example.clone())
            .collect();
        scored.extend(score(&weights, &own));
    }
    Ok(scored)
}

/// Scores examples by a model.
pub(crate) fn score(weights: &Weights, examples: &[Example]) -> Vec<HeldOut> {
    let mut scorer = TrainedScorer::new(weights.clone(), DecisionRule::default());
    let scored = examples.iter().map(|example| HeldOut {
        file: example.file,
        scale: example.scale,
        label: example.label,
        topic: example.topic.clone(),
        probabilities: scorer.class_probabilities(&example.text),
    });
    scored.collect()
}

/// The file that values are calibrated on: tweets with five labels on 160 topics. Its labels are towards
/// the topic, as a reader of posts about a city takes them.
const CALIBRATION_FILE: &str = "semeval2016_CE_5point";

/// The calibration of the values of held-out texts.
pub(crate) fn calibrate(texts: &[HeldOut]) -> Calibration {
    let mut calibration = Calibration::default();
    for text in texts.iter().filter(|text| text.file == CALIBRATION_FILE) {
        if let Some(label) = Sentiment::ALL.get(text.label) {
            let value = f64::from(text.probabilities.value_micros()) / 1e6;
            calibration.add(*label, Score::new(*label, value));
        }
    }
    calibration
}

/// The calibration of the lexicon scorer, which is not trained.
pub(crate) fn calibrate_lexicon(examples: &[Example]) -> Calibration {
    let mut scorer = LexiconScorer::new();
    let mut calibration = Calibration::default();
    for example in examples.iter().filter(|e| e.file == CALIBRATION_FILE) {
        if let Some(label) = Sentiment::ALL.get(example.label) {
            calibration.add(*label, scorer.score(&example.text));
        }
    }
    calibration
}

/// Writes held-out texts as tab-separated lines: file, number of labels, label, topic, and the five
/// probabilities in units of 1/65536.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write_held_out(path: &Path, texts: &[HeldOut]) -> anyhow::Result<()> {
    let mut lines = "file\tlabels\tlabel\ttopic\tp0\tp1\tp2\tp3\tp4\n".to_owned();
    for text in texts {
        let [p0, p1, p2, p3, p4] = text.probabilities.0;
        let (labels, topic) = (text.scale.labels(), text.topic.as_deref().unwrap_or(""));
        let (file, label) = (text.file, text.label);
        let _ = writeln!(
            lines,
            "{file}\t{labels}\t{label}\t{topic}\t{p0}\t{p1}\t{p2}\t{p3}\t{p4}"
        );
    }
    fs::write(path, lines).with_context(|| format!("cannot write {}", path.display()))
}

/// The fold of each example: all texts of a topic share one, because a model learns the mood of a topic
/// from its names; other texts are divided by a hash. Copies of a text share its fold.
fn folds(examples: &[Example]) -> Vec<u64> {
    let mut topics: HashMap<u64, u64> = HashMap::new();
    for example in examples {
        if let Some(topic) = &example.topic {
            let topic = xxh3_64(topic.as_bytes());
            topics.entry(text_key(&example.text)).or_insert(topic);
        }
    }
    let unit = |example: &Example| {
        let key = text_key(&example.text);
        topics.get(&key).copied().unwrap_or(key)
    };
    examples.iter().map(|e| unit(e) % FOLDS).collect()
}

/// Equal for texts that differ only in case, punctuation and white space.
fn text_key(text: &str) -> u64 {
    let letters: String = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    xxh3_64(letters.as_bytes())
}
