//! Trains the weights of the built-in scorer: `train DATA WEIGHTS`.
//!
//! Guarantee: the same labelled files give the same bytes.

mod choose;
mod corpus;
mod fit;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use moodvane_sentiment::trained::{
    FeatureReader, Header, LOGIT, Of, Rule, Sink, Template, Templates, Weights, write_weights,
};

use crate::choose::{Dev, Judged};
use crate::corpus::{Corpus, Example};
use crate::fit::{Fitted, Goal, Plan, Rows, fit};

/// Trains the weights of the built-in sentiment scorer, and says how good they are.
#[derive(Debug, Parser)]
#[command(name = "train", version)]
struct Cli {
    /// The folder of labelled texts, with `train` and `dev` in it.
    data: PathBuf,
    /// The file of weights that is written.
    weights: PathBuf,
    /// Leaves out a template, by its name, for an ablation; may be repeated.
    #[arg(long = "without", value_name = "TEMPLATE")]
    without: Vec<String>,
    /// Leaves hashtags whole.
    #[arg(long)]
    whole_hashtags: bool,
    /// Rows of weights, as a power of two.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(8..=22))]
    bits: u32,
    /// L2: how strongly weights are held near 0.
    #[arg(long, default_value_t = 14.0)]
    l2: f32,
    /// How often the texts are gone through.
    #[arg(long, default_value_t = 5)]
    epochs: u32,
    /// The rate of learning at the start.
    #[arg(long, default_value_t = 0.1)]
    rate: f32,
    /// How many fits, in different orders, the weights are the mean of.
    #[arg(long, default_value_t = 3)]
    fits: u64,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let start = Instant::now();
    let since = || start.elapsed().as_secs_f32();
    let templates = templates(&cli.without)?;
    let corpus = Corpus::read(&cli.data)?;
    let words = if cli.whole_hashtags {
        Vec::new()
    } else {
        words::cells(&corpus.examples)
    };
    let rows = rows(&corpus.examples, &words, templates, cli.bits);
    println!(
        "{} texts, {} features of texts, {:.0} s",
        corpus.examples.len(),
        rows.features.len(),
        since()
    );
    let (fingerprint, goals) = (corpus.fingerprint, goals(corpus.examples));
    let fitted = mean_of_fits(&rows, &goals, &cli);
    println!("fitted, {:.0} s", since());
    let (header, quantised) = quantise(&fitted, templates, cli.bits, &words, fingerprint);
    let bytes = with_rules(header, &quantised, &words, &cli.data)?;
    fs::write(&cli.weights, &bytes)
        .with_context(|| format!("cannot write {}", cli.weights.display()))?;
    println!(
        "{}: {} bytes, {:.0} s",
        cli.weights.display(),
        bytes.len(),
        since()
    );
    Ok(())
}

fn templates(without: &[String]) -> anyhow::Result<Templates> {
    // Three pieces in a row bring nothing that two, and two with one between, do not.
    let all = Templates::ALL.without(Template::Three);
    without.iter().try_fold(all, |templates, name| {
        let found = Template::ALL
            .into_iter()
            .find(|template| template.name() == name);
        let found = found.with_context(|| {
            let names = Template::ALL.map(Template::name).join(", ");
            format!("\"{name}\" is no template; there are {names}")
        })?;
        Ok(templates.without(found))
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
fn mean_of_fits(rows: &Rows, goals: &[Goal], cli: &Cli) -> Fitted {
    let plan = |seed| Plan {
        bits: cli.bits,
        epochs: cli.epochs,
        rate: cli.rate,
        l2: cli.l2,
        seed,
    };
    let mut sum = fit(rows, goals, &plan(1));
    for seed in 2..=cli.fits {
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
    let share = 1.0 / cli.fits.max(1) as f32;
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

/// The file of weights with rules that were chosen on the development files, and how good they are.
fn with_rules(
    mut header: Header,
    rows: &[[i8; 4]],
    words: &[u32],
    data: &Path,
) -> anyhow::Result<Vec<u8>> {
    let weights = Weights::read(write_weights(&header, rows, words))?;
    let dev = Dev::read(data, &weights)?;
    header.rules = dev.choose();
    let mut note = |judged: &Judged, rule: Rule, measure: &str, value: f64| {
        let value = format!("{value:.4}");
        println!("{:24} {rule:7} {measure:14} {value}", judged.name);
        header
            .dev
            .push((judged.name.to_owned(), format!("{rule}:{measure}"), value));
    };
    let rules = header.rules;
    for judged in [&dev.all_3, &dev.tweeteval] {
        note(
            judged,
            Rule::Recall,
            "macro_recall",
            judged.report(Rule::Recall, &rules).macro_recall,
        );
    }
    for judged in [&dev.all_5, &dev.topics] {
        note(
            judged,
            Rule::Mae,
            "macro_mae",
            judged.report(Rule::Mae, &rules).macro_mae,
        );
    }
    note(
        &dev.sentences,
        Rule::Likely,
        "accuracy",
        dev.sentences.report(Rule::Likely, &rules).accuracy,
    );
    let means = dev.topics.report(Rule::Mean, &rules);
    note(
        &dev.topics,
        Rule::Mean,
        "group_class_r",
        means.group_class_r.unwrap_or(0.0),
    );
    note(
        &dev.topics,
        Rule::Mean,
        "group_value_r",
        means.group_value_r.unwrap_or(0.0),
    );
    Ok(write_weights(&header, rows, words))
}
