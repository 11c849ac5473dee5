//! From labelled files and a recipe to the bytes of the weights.
//!
//! Guarantee: the same files and recipe give the same bytes.

use std::path::Path;

use moodvane_sentiment::trained::{
    FeatureReader, Header, LOGIT, Of, Rule, Rules, Sink, Template, Templates, Weights,
    write_weights,
};

use crate::choose::{Dev, Judged};
use crate::corpus::{Corpus, Example, Files};
use crate::fit::{Fitted, Goal, Plan, Rows, fit};
use crate::recipe::Recipe;
use crate::words;

/// What comes out of a training.
pub(crate) struct Trained {
    /// The file of weights.
    pub(crate) bytes: Vec<u8>,
    /// How many texts there were, and how many features they had.
    pub(crate) texts: usize,
    pub(crate) features: usize,
    pub(crate) notes: Vec<Note>,
    pub(crate) rules: Rules,
    pub(crate) dev: Dev,
}

/// What was measured on a development file.
pub(crate) struct Note {
    pub(crate) file: &'static str,
    pub(crate) rule: Rule,
    pub(crate) measure: &'static str,
    pub(crate) value: f64,
}

/// Trains by a recipe; the rules are chosen on the development files of `data`.
///
/// # Errors
/// Where a file cannot be read.
pub(crate) fn train(files: &Files, recipe: &Recipe, data: &Path) -> anyhow::Result<Trained> {
    let corpus = Corpus::of(files, &recipe.mix)?;
    let words = if recipe.whole_hashtags {
        Vec::new()
    } else {
        words::cells(&corpus.examples)
    };
    let rows = rows(&corpus.examples, &words, recipe.templates, recipe.bits);
    let (texts, features) = (corpus.examples.len(), rows.features.len());
    let (fingerprint, goals) = (corpus.fingerprint, goals(corpus.examples));
    let fitted = mean_of_fits(&rows, &goals, recipe);
    let (mut header, quantised) =
        quantise(&fitted, recipe.templates, recipe.bits, &words, fingerprint);
    let weights = Weights::read(write_weights(&header, &quantised, &words))?;
    let dev = Dev::read(data, &weights)?;
    header.rules = dev.choose();
    let notes = notes(&dev, &header.rules);
    let noted = notes.iter().map(|note| {
        let what = format!("{}:{}", note.rule, note.measure);
        (note.file.to_owned(), what, format!("{:.4}", note.value))
    });
    header.dev = noted.collect();
    Ok(Trained {
        bytes: write_weights(&header, &quantised, &words),
        texts,
        features,
        notes,
        rules: header.rules,
        dev,
    })
}

/// Collects the features of texts, each once per text as often as it occurs.
struct Collect {
    bits: u32,
    rows: Rows,
}

impl Sink for Collect {
    fn add(&mut self, _: Template, hash: u64, _: Of) {
        self.rows.features.push((hash >> (64 - self.bits)) as u32);
    }
}

fn rows(examples: &[Example], words: &[u32], templates: Templates, bits: u32) -> Rows {
    let cells: Vec<u8> = words.iter().flat_map(|cell| cell.to_le_bytes()).collect();
    let mut reader = FeatureReader::new(templates);
    let mut sink = Collect {
        bits,
        rows: Rows::default(),
    };
    for example in examples {
        reader.read(&example.text, &cells, &mut sink);
        let end = sink.rows.features.len();
        sink.rows.ends.push(end);
    }
    sink.rows
}

fn goals(examples: Vec<Example>) -> Vec<Goal> {
    let goal = |example: Example| Goal {
        register: example.register,
        targets: example.targets,
        weights: example.weights,
    };
    examples.into_iter().map(goal).collect()
}

/// The mean of several fits: what the order of the texts did to them evens out.
fn mean_of_fits(rows: &Rows, goals: &[Goal], recipe: &Recipe) -> Fitted {
    let plan = |seed| Plan {
        bits: recipe.bits,
        epochs: recipe.epochs,
        rate: recipe.rate,
        l2: recipe.l2,
        shared: recipe.shared,
        seed,
    };
    let mut sum = fit(rows, goals, &plan(1));
    for seed in 2..=recipe.fits {
        let next = fit(rows, goals, &plan(seed));
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

/// The number that the largest weight of a column becomes.
const LARGEST: f32 = 127.0;

/// Weights as bytes.
fn quantise(
    fitted: &Fitted,
    templates: Templates,
    bits: u32,
    words: &[u32],
    training: u64,
) -> (Header, Vec<[i8; 4]>) {
    let largest = fitted.weights.iter().fold([1e-6_f32; 4], |largest, row| {
        std::array::from_fn(|k| largest[k].max(row[k].abs()))
    });
    let rows = fitted.weights.iter();
    let rows = rows
        .map(|row| std::array::from_fn(|k| (row[k] / largest[k] * LARGEST).round() as i8))
        .collect();
    let header = Header {
        templates,
        bits,
        words: words.len(),
        scale: largest
            .map(|largest| (f64::from(largest / LARGEST) * f64::from(1 << 20)).round() as i64),
        bias: fitted.bias.map(|bias| (bias * LOGIT as f32).round() as i64),
        training,
        ..Header::default()
    };
    (header, rows)
}

/// How good the rules are, each on the measures that it is for.
fn notes(dev: &Dev, rules: &Rules) -> Vec<Note> {
    let note = |judged: &Judged, rule, measure, value| Note {
        file: judged.name,
        rule,
        measure,
        value,
    };
    let recall = |judged: &Judged| judged.report(Rule::Recall, rules).macro_recall;
    let mae = |judged: &Judged| judged.report(Rule::Mae, rules).macro_mae;
    let accuracy = dev.sentences.report(Rule::Likely, rules).accuracy;
    let means = dev.topics.report(Rule::Mean, rules);
    let (classes, values) = (means.group_class_r, means.group_value_r);
    vec![
        note(&dev.all_3, Rule::Recall, "macro_recall", recall(&dev.all_3)),
        note(
            &dev.tweeteval,
            Rule::Recall,
            "macro_recall",
            recall(&dev.tweeteval),
        ),
        note(&dev.all_5, Rule::Mae, "macro_mae", mae(&dev.all_5)),
        note(&dev.topics, Rule::Mae, "macro_mae", mae(&dev.topics)),
        note(&dev.sentences, Rule::Likely, "accuracy", accuracy),
        note(
            &dev.topics,
            Rule::Mean,
            "group_class_r",
            classes.unwrap_or(0.0),
        ),
        note(
            &dev.topics,
            Rule::Mean,
            "group_value_r",
            values.unwrap_or(0.0),
        ),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
