//! The labelled texts: which files there are, what their labels say of each step, and how much
//! each counts.
//!
//! Terms: a *step* lies between two neighbouring classes; its *target* is the probability that the
//! text lies above it. A *register* is a kind of text with its own habits of labelling; it gets its
//! own bias in training, of which the tweets' is kept.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use moodvane_sentiment::measure::{Labelled, Labels, Scale, read_labelled};
use xxhash_rust::xxh3::Xxh3;

use crate::recipe::Mix;

/// The register of tweets, whose bias the weights keep.
pub(crate) const TWEETS: usize = 0;
/// How many registers there are.
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

/// Every training file. Weights were chosen on the development files, coarsely.
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

/// A text, and what its label says.
pub(crate) struct Example {
    pub(crate) text: String,
    pub(crate) register: usize,
    pub(crate) targets: [f32; 4],
    pub(crate) weights: [f32; 4],
}

/// The training files as they are, in the order of the sources, and a hash of them.
pub(crate) struct Files {
    texts: Vec<String>,
    fingerprint: u64,
}

impl Files {
    /// Reads all of them.
    ///
    /// # Errors
    /// Where one cannot be read.
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
        Ok(Self {
            texts,
            fingerprint: hash.digest(),
        })
    }
}

/// All training texts of a mix, and a hash of the files.
pub(crate) struct Corpus {
    pub(crate) examples: Vec<Example>,
    pub(crate) fingerprint: u64,
}

impl Corpus {
    /// The texts of the files, as the mix has them.
    ///
    /// # Errors
    /// Where a file is not of its form.
    pub(crate) fn of(files: &Files, mix: &Mix) -> anyhow::Result<Self> {
        let mut examples = Vec::new();
        let sentences = sentences(&files.texts);
        for (source, file) in SOURCES.iter().zip(&files.texts) {
            let labels = labels(source.name)?;
            let rows = read_labelled(file, labels).with_context(|| source.name.to_owned())?;
            if !is_in(source, mix) {
                continue;
            }
            let counts = counts(&rows);
            let fair = rows.iter().filter(|row| is_fair(row.id, &sentences));
            examples.extend(fair.map(|row| {
                let balance = balance(&counts, row.label, mix.balance);
                example(row, labels, source, mix, balance)
            }));
        }
        Ok(Self {
            examples,
            fingerprint: files.fingerprint,
        })
    }
}

/// The names of the training files.
#[cfg(test)]
pub(crate) fn names() -> Vec<&'static str> {
    SOURCES.iter().map(|source| source.name).collect()
}

fn is_in(source: &Source, mix: &Mix) -> bool {
    let is_prose = source.name.contains("sst5") || source.name.contains("vader");
    let are_phrases = source.name == "sst5_phrases_5class";
    (mix.prose || !is_prose) && (mix.phrases || !are_phrases)
}

fn counts(rows: &[Labelled<'_>]) -> [usize; 5] {
    let mut counts = [0; 5];
    for row in rows {
        counts[row.label] += 1;
    }
    counts
}

/// How much more a text of this label counts: a power of the mean count of a label over its own.
fn balance(counts: &[usize; 5], label: usize, power: f32) -> f32 {
    if power == 0.0 {
        return 1.0;
    }
    let labels = counts.iter().filter(|count| **count > 0).count().max(1);
    let mean = counts.iter().sum::<usize>() as f32 / labels as f32;
    (mean / counts[label].max(1) as f32).powf(power)
}

fn labels(name: &str) -> anyhow::Result<Labels> {
    Labels::by_name(name).with_context(|| format!("{name}: the name does not say what labels mean"))
}

/// The ids of the sentences that are for training.
fn sentences(files: &[String]) -> HashSet<&str> {
    let index = SOURCES
        .iter()
        .position(|source| source.name == "sst5_sentences_5class");
    let file = index.and_then(|index| files.get(index));
    let lines = file.into_iter().flat_map(|file| file.lines());
    lines.filter_map(|line| line.split('\t').next()).collect()
}

/// Whether a text may be trained on: a phrase may only if its sentence is, for there are phrases of
/// the development sentences in the training file. A phrase's id is its sentence's, with two more
/// numbers.
fn is_fair(id: &str, sentences: &HashSet<&str>) -> bool {
    let Some(numbers) = id.strip_prefix("sst-train-") else {
        return true;
    };
    let number = numbers.split('-').next().unwrap_or_default();
    sentences.contains(&id[..id.len() - numbers.len() + number.len()])
}

/// Of negative and positive tweets, so many are not very negative, or are very positive.
const NOT_VERY_NEGATIVE: f32 = 0.88;
const VERY_POSITIVE: f32 = 0.10;

fn example(
    row: &Labelled<'_>,
    labels: Labels,
    source: &Source,
    mix: &Mix,
    balance: f32,
) -> Example {
    let weight = balance * if mix.weighed { source.weight } else { 1.0 };
    let (targets, weights) = match labels {
        Labels::Classes(Scale::Five) => (
            std::array::from_fn(|step| f32::from(u8::from(row.label > step))),
            [weight; 4],
        ),
        Labels::Classes(Scale::Three) => {
            let unsure = weight * mix.unsure;
            let weights = [unsure, weight, weight, unsure];
            match row.label {
                0 => ([NOT_VERY_NEGATIVE, 0.0, 0.0, 0.0], weights),
                1 => ([1.0, 1.0, 0.0, 0.0], weights),
                _ => ([1.0, 1.0, 1.0, VERY_POSITIVE], weights),
            }
        }
        Labels::Raters => (
            std::array::from_fn(|step| rated_above(row.number, step)),
            [weight; 4],
        ),
    };
    Example {
        text: row.text.to_owned(),
        register: if mix.registers {
            source.register
        } else {
            TWEETS
        },
        targets,
        weights,
    }
}

/// How probable it is that a text of this mean rating lies above a step: raters differ, so that
/// near a step it is not certain.
fn rated_above(rating: f64, step: usize) -> f32 {
    const STEPS: [f64; 4] = [-2.0, -0.5, 0.5, 2.0];
    const SPREAD: f64 = 0.35;
    crate::fit::logistic(((rating - STEPS[step]) / SPREAD) as f32)
}

/// A development file.
pub(crate) fn dev<T>(
    folder: &Path,
    name: &str,
    work: impl FnOnce(&[Labelled<'_>]) -> T,
) -> anyhow::Result<T> {
    let path = folder.join("dev").join(format!("{name}.tsv"));
    let file =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows = read_labelled(&file, labels(name)?).with_context(|| name.to_owned())?;
    Ok(work(&rows))
}
