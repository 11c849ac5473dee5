//! Trains weights from labelled files by a recipe.
//!
//! Guarantee: equal files and recipes give equal bytes.

use std::collections::BTreeMap;
use std::path::Path;

use moodvane_sentiment::evaluation::GroupReport;
use moodvane_sentiment::trained::{
    DecisionRule, LOGIT_SCALE, RuleParameters, TemplateSet, Weights, WeightsHeader, encode_weights,
};

use crate::corpus::{Corpus, Example, TrainingFiles};
use crate::features::feature_rows;
use crate::fit::{FeatureRows, FitParameters, Fitted, Target, fit};
use crate::held_out::{calibrate, held_out, score};
use crate::names::NameWords;
use crate::recipe::Recipe;
use crate::tune::{DevSet, ScoredFile};
use crate::words::word_table;

/// The result of a training.
pub(crate) struct Trained {
    /// The content of the file of weights.
    pub(crate) bytes: Vec<u8>,
    /// The number of texts.
    pub(crate) texts: usize,
    /// The number of features of all texts.
    pub(crate) features: usize,
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) rules: RuleParameters,
    pub(crate) dev: DevSet,
}

/// A measure of a rule on a development file.
pub(crate) struct Measurement {
    pub(crate) file: &'static str,
    pub(crate) rule: DecisionRule,
    pub(crate) measure: &'static str,
    pub(crate) value: f64,
}

/// Trains weights by a recipe and tunes the rules on the development files below `data`.
///
/// # Errors
/// If a file cannot be read or parsed.
pub(crate) fn train(
    files: &TrainingFiles,
    recipe: &Recipe,
    data: &Path,
) -> anyhow::Result<Trained> {
    let corpus = Corpus::parse(files, &recipe.mix)?;
    let FittedModel {
        mut header,
        rows,
        words,
        features,
    } = fit_model(&corpus.examples, recipe, corpus.fingerprint);
    let weights = Weights::read(encode_weights(&header, &rows, &words))?;
    let texts = if recipe.cross_fit {
        held_out(&corpus.examples, recipe)?
    } else {
        score(&weights, &corpus.examples)
    };
    header.calibration = Some(calibrate(&texts));
    let weights = Weights::read(encode_weights(&header, &rows, &words))?;
    let dev = DevSet::read(data, &weights)?;
    header.rules = dev.tune_rules();
    let measurements = measure_rules(&dev, &header.rules);
    let entries = measurements.iter().map(|m| {
        let measure = format!("{}:{}", m.rule, m.measure);
        (m.file.to_owned(), measure, format!("{:.4}", m.value))
    });
    header.dev = entries.collect();
    Ok(Trained {
        bytes: encode_weights(&header, &rows, &words),
        texts: corpus.examples.len(),
        features,
        measurements,
        rules: header.rules,
        dev,
    })
}

/// A fitted and quantised model.
pub(crate) struct FittedModel {
    pub(crate) header: WeightsHeader,
    pub(crate) rows: Vec<[i8; 4]>,
    pub(crate) words: Vec<u32>,
    /// The number of features of all texts.
    features: usize,
}

/// Fits a model to examples.
pub(crate) fn fit_model(examples: &[Example], recipe: &Recipe, training: u64) -> FittedModel {
    let words = if recipe.whole_hashtags {
        Vec::new()
    } else {
        word_table(examples)
    };
    let names = NameWords::find(examples);
    let features = feature_rows(examples, &words, &names, recipe);
    let fitted = mean_of_fits(&features, &targets(examples), recipe);
    let (header, rows) = quantise(&fitted, recipe.templates, recipe.bits, &words, training);
    FittedModel {
        header,
        rows,
        words,
        features: features.features.len(),
    }
}

fn targets(examples: &[Example]) -> Vec<Target> {
    let mut topics: BTreeMap<&str, usize> = BTreeMap::new();
    let mut topic_number = |topic| {
        let next = topics.len();
        *topics.entry(topic).or_insert(next)
    };
    let targets = examples.iter().map(|example| Target {
        register: example.register,
        topic: example.topic.as_deref().map(&mut topic_number),
        probabilities: example.targets,
        weights: example.weights,
    });
    targets.collect()
}

/// The mean of several fits, which averages out the effect of the order of the texts.
fn mean_of_fits(rows: &FeatureRows, targets: &[Target], recipe: &Recipe) -> Fitted {
    let parameters = |seed| FitParameters {
        bits: recipe.bits,
        epochs: recipe.epochs,
        rate: recipe.rate,
        l2: recipe.l2,
        shared: recipe.shared,
        name_dropout: recipe.name_dropout,
        feature_dropout: recipe.feature_dropout,
        topic_l2: recipe.topic_l2,
        seed,
    };
    let mut sum = fit(rows, targets, &parameters(1));
    for seed in 2..=recipe.fits {
        let next = fit(rows, targets, &parameters(seed));
        for (sum, next) in sum.weights.iter_mut().zip(&next.weights) {
            for k in 0..4 {
                sum[k] += next[k];
            }
        }
        for k in 0..4 {
            sum.bias[k] += next.bias[k];
        }
    }
    let share = 1.0 / recipe.fits.max(1) as f32;
    sum.weights
        .iter_mut()
        .for_each(|row| *row = row.map(|weight| weight * share));
    sum.bias = sum.bias.map(|bias| bias * share);
    sum
}

/// The quantised value of the largest weight of a column.
const MAX_QUANTISED: f32 = 127.0;

/// Quantises weights to bytes, with a scale for each column.
fn quantise(
    fitted: &Fitted,
    templates: TemplateSet,
    bits: u32,
    words: &[u32],
    training: u64,
) -> (WeightsHeader, Vec<[i8; 4]>) {
    let largest = fitted.weights.iter().fold([1e-6_f32; 4], |largest, row| {
        std::array::from_fn(|k| largest[k].max(row[k].abs()))
    });
    let rows = fitted.weights.iter();
    let rows = rows
        .map(|row| std::array::from_fn(|k| (row[k] / largest[k] * MAX_QUANTISED).round() as i8))
        .collect();
    let header = WeightsHeader {
        templates,
        bits,
        word_cells: words.len(),
        scale: largest.map(|largest| {
            (f64::from(largest / MAX_QUANTISED) * f64::from(1 << 20)).round() as i64
        }),
        bias: fitted
            .bias
            .map(|bias| (bias * LOGIT_SCALE as f32).round() as i64),
        training,
        ..WeightsHeader::default()
    };
    (header, rows)
}

/// Measures each rule by the measures that it optimises.
fn measure_rules(dev: &DevSet, rules: &RuleParameters) -> Vec<Measurement> {
    let measurement = |file: &ScoredFile, rule, measure, value| Measurement {
        file: file.name,
        rule,
        measure,
        value,
    };
    let recall = |file: &ScoredFile| file.report(DecisionRule::Recall, rules).macro_recall;
    let mae = |file: &ScoredFile| file.report(DecisionRule::Mae, rules).macro_mae;
    let accuracy = dev.sentences.report(DecisionRule::Likely, rules).accuracy;
    let means = dev.topics.report(DecisionRule::Mean, rules).groups;
    let group = |measure: fn(&GroupReport) -> Option<f64>| {
        let measured = means.as_ref().and_then(measure);
        measured.unwrap_or(0.0)
    };
    vec![
        measurement(
            &dev.all_3,
            DecisionRule::Recall,
            "macro_recall",
            recall(&dev.all_3),
        ),
        measurement(
            &dev.tweeteval,
            DecisionRule::Recall,
            "macro_recall",
            recall(&dev.tweeteval),
        ),
        measurement(&dev.all_5, DecisionRule::Mae, "macro_mae", mae(&dev.all_5)),
        measurement(
            &dev.topics,
            DecisionRule::Mae,
            "macro_mae",
            mae(&dev.topics),
        ),
        measurement(&dev.sentences, DecisionRule::Likely, "accuracy", accuracy),
        measurement(
            &dev.topics,
            DecisionRule::Mean,
            "group_emd",
            group(|g| Some(g.emd)),
        ),
        measurement(
            &dev.topics,
            DecisionRule::Mean,
            "group_r",
            group(|g| g.feeling.r),
        ),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
