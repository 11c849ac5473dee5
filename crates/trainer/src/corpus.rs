//! The labelled texts: the files, the targets of their labels, and their weights.
//!
//! Terms: a *step* is the threshold between two neighbouring classes; its *target* is the probability
//! that the class of a text is above it. A *register* is a kind of text with its own labelling
//! conventions. Each register has its own bias in training; the weights keep that of tweets.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use moodvane_sentiment::evaluation::{LabelKind, LabelScale, LabelledText, parse_labelled};
use xxhash_rust::xxh3::Xxh3;

use crate::logistic::logistic;
use crate::recipe::DataMix;

/// The register of tweets. The weights keep its bias.
pub(crate) const TWEETS: usize = 0;
/// The number of registers.
pub(crate) const REGISTERS: usize = 10;

/// A training file.
struct Source {
    name: &'static str,
    register: usize,
    weight: f32,
}

const fn source(name: &'static str, register: usize, weight: f32) -> Source {
    Source {
        name,
        register,
        weight,
    }
}

/// All training files. Their weights were tuned coarsely on the development files.
const SOURCES: [Source; 12] = [
    source("semeval2013-16_A_3class", TWEETS, 1.0),
    source("semeval2016_CE_5point", TWEETS, 0.7),
    source("semeval2018_Voc_5class", 1, 1.0),
    source("sst5_phrases_5class", 2, 0.3),
    source("sst5_sentences_5class", 2, 0.5),
    source("sanders_3class", 3, 0.7),
    source("airline_3class", 4, 0.7),
    source("stsgold_2class", 5, 1.0),
    source("selfdrive_5class", 6, 0.5),
    source("vader_nytEditorialSnippets_real", 7, 0.5),
    source("vader_amazonReviewSnippets_real", 8, 0.5),
    source("vader_movieReviewSnippets_real", 9, 0.5),
];

/// Neutral texts invented for this project: weather bulletins, sentences with a negator, news, adverts and
/// plain statements.
const NEUTRAL: &str = include_str!("../data/neutral.tsv");

/// A text and the target of its label.
#[derive(Clone)]
pub(crate) struct Example {
    pub(crate) text: String,
    /// The name of its file.
    pub(crate) file: &'static str,
    /// The label, on the scale of its file.
    pub(crate) label: usize,
    pub(crate) scale: LabelScale,
    /// Its id: equal for a text that is in several files.
    pub(crate) id: String,
    /// The topic of the label, if any.
    pub(crate) topic: Option<String>,
    pub(crate) register: usize,
    /// The probability of a class above each step.
    pub(crate) targets: [f32; 4],
    /// The weight of each step.
    pub(crate) weights: [f32; 4],
}

/// The contents of the training files, in the order of [`SOURCES`], and their hash.
pub(crate) struct TrainingFiles {
    texts: Vec<String>,
    fingerprint: u64,
}

impl TrainingFiles {
    /// Reads all training files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut hash = Xxh3::new();
        let mut texts = Vec::new();
        for source in &SOURCES {
            let path = folder.join("train").join(format!("{}.tsv", source.name));
            let file = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            hash.update(source.name.as_bytes());
            hash.update(file.as_bytes());
            texts.push(file);
        }
        hash.update(NEUTRAL.as_bytes());
        Ok(Self {
            texts,
            fingerprint: hash.digest(),
        })
    }
}

/// The training examples of a data mix, and the hash of the files.
pub(crate) struct Corpus {
    pub(crate) examples: Vec<Example>,
    pub(crate) fingerprint: u64,
}

impl Corpus {
    /// Parses the files and selects and weights their texts.
    ///
    /// # Errors
    /// If a file is not a valid labelled file.
    pub(crate) fn parse(files: &TrainingFiles, mix: &DataMix) -> anyhow::Result<Self> {
        let mut examples = Vec::new();
        let sentences = training_sentences(&files.texts);
        for (source, file) in SOURCES.iter().zip(&files.texts) {
            let labels = file_labels(source.name)?;
            let rows = parse_labelled(file, labels).with_context(|| source.name.to_owned())?;
            if !is_included(source, mix) {
                continue;
            }
            let counts = label_counts(&rows);
            let usable = rows
                .iter()
                .filter(|row| is_for_training(row.id, &sentences));
            examples.extend(usable.map(|row| {
                let balance = class_weight(&counts, row.label, mix.class_balance);
                example(row, labels, source, mix, balance)
            }));
        }
        examples.extend(neutral_examples(mix)?);
        Ok(Self {
            examples,
            fingerprint: files.fingerprint,
        })
    }
}

/// The invented neutral texts, labelled as tweets with three classes; none if they have no weight.
fn neutral_examples(mix: &DataMix) -> anyhow::Result<Vec<Example>> {
    if mix.neutral_weight <= 0.0 {
        return Ok(Vec::new());
    }
    let labels = LabelKind::Classes(LabelScale::Three);
    let source = source("neutral", TWEETS, 1.0);
    let rows = parse_labelled(NEUTRAL, labels).context("neutral.tsv")?;
    let rows = rows.iter();
    Ok(rows
        .map(|row| example(row, labels, &source, mix, mix.neutral_weight))
        .collect())
}

/// A neutral example with the id `id`.
#[cfg(test)]
pub(crate) fn plain_example(text: &str) -> Example {
    Example {
        text: text.to_owned(),
        file: "test",
        label: 1,
        scale: LabelScale::Three,
        id: "id".to_owned(),
        topic: None,
        register: TWEETS,
        targets: [1.0, 1.0, 0.0, 0.0],
        weights: [1.0; 4],
    }
}

/// The names of the training files.
#[cfg(test)]
pub(crate) fn names() -> Vec<&'static str> {
    SOURCES.iter().map(|source| source.name).collect()
}

fn is_included(source: &Source, mix: &DataMix) -> bool {
    let is_prose = source.name.contains("sst5") || source.name.contains("vader");
    let is_phrases = source.name == "sst5_phrases_5class";
    (mix.prose || !is_prose) && (mix.sst_phrases || !is_phrases)
}

fn label_counts(rows: &[LabelledText<'_>]) -> [usize; 5] {
    let mut counts = [0; 5];
    for row in rows {
        counts[row.label] += 1;
    }
    counts
}

/// The weight of a label: a power of the mean count of all labels over its own count.
fn class_weight(counts: &[usize; 5], label: usize, power: f32) -> f32 {
    if power == 0.0 {
        return 1.0;
    }
    let labels = counts.iter().filter(|count| **count > 0).count().max(1);
    let mean = counts.iter().sum::<usize>() as f32 / labels as f32;
    (mean / counts[label].max(1) as f32).powf(power)
}

fn file_labels(name: &str) -> anyhow::Result<LabelKind> {
    LabelKind::by_name(name)
        .with_context(|| format!("{name}: the file name does not state the scale of the labels"))
}

/// The ids of SST's training sentences.
fn training_sentences(files: &[String]) -> HashSet<&str> {
    let index = SOURCES
        .iter()
        .position(|source| source.name == "sst5_sentences_5class");
    let file = index.and_then(|index| files.get(index));
    let lines = file.into_iter().flat_map(|file| file.lines());
    lines.filter_map(|line| line.split('\t').next()).collect()
}

/// Whether a text may be used for training. A phrase may only if its sentence is a training sentence,
/// since the training file also has phrases of development sentences. The id of a phrase is that of its
/// sentence with two more numbers.
fn is_for_training(id: &str, sentences: &HashSet<&str>) -> bool {
    let Some(numbers) = id.strip_prefix("sst-train-") else {
        return true;
    };
    let number = numbers.split('-').next().unwrap_or_default();
    sentences.contains(&id[..id.len() - numbers.len() + number.len()])
}

/// The share of negative tweets that are not very negative.
const NOT_VERY_NEGATIVE: f32 = 0.88;
/// The share of positive tweets that are very positive.
const VERY_POSITIVE: f32 = 0.10;

fn example(
    row: &LabelledText<'_>,
    labels: LabelKind,
    source: &Source,
    mix: &DataMix,
    balance: f32,
) -> Example {
    let weight = balance
        * if mix.source_weights {
            source.weight
        } else {
            1.0
        };
    let (targets, weights) = match labels {
        LabelKind::Classes(LabelScale::Five) => (
            std::array::from_fn(|step| f32::from(u8::from(row.label > step))),
            [weight; 4],
        ),
        LabelKind::Classes(LabelScale::Three) => {
            let outer = weight * mix.outer_step_weight;
            let weights = [outer, weight, weight, outer];
            match row.label {
                0 => ([NOT_VERY_NEGATIVE, 0.0, 0.0, 0.0], weights),
                1 => ([1.0, 1.0, 0.0, 0.0], weights),
                _ => ([1.0, 1.0, 1.0, VERY_POSITIVE], weights),
            }
        }
        LabelKind::Raters => (
            std::array::from_fn(|step| probability_above(row.number, step)),
            [weight; 4],
        ),
    };
    Example {
        text: row.text.to_owned(),
        file: source.name,
        label: row.label,
        scale: labels.scale(),
        id: row.id.to_owned(),
        topic: row.topic.map(str::to_owned),
        register: if mix.register_biases {
            source.register
        } else {
            TWEETS
        },
        targets,
        weights,
    }
}

/// The probability that the class of a text with this mean rating is above a step. Raters differ, so
/// that it is uncertain near a step.
fn probability_above(rating: f64, step: usize) -> f32 {
    const STEPS: [f64; 4] = [-2.0, -0.5, 0.5, 2.0];
    const SPREAD: f64 = 0.35;
    logistic(((rating - STEPS[step]) / SPREAD) as f32)
}

/// Reads a development file and passes its rows to `work`.
pub(crate) fn with_dev_file<T>(
    folder: &Path,
    name: &str,
    work: impl FnOnce(&[LabelledText<'_>]) -> T,
) -> anyhow::Result<T> {
    let path = folder.join("dev").join(format!("{name}.tsv"));
    let file =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows = parse_labelled(&file, file_labels(name)?).with_context(|| name.to_owned())?;
    Ok(work(&rows))
}
