//! Trains the weights of the built-in scorer: `train DATA WEIGHTS`.
//!
//! `train` reads the labelled files ([`corpus`]), fits the weights ([`fit`]) by a [`recipe`], tunes the
//! decision rules ([`tune`]) and writes the weights. [`ablation`] trains once for each choice.
//!
//! Guarantee: equal labelled files give equal bytes.

mod ablation;
mod corpus;
mod features;
mod fit;
mod held_out;
mod logistic;
mod names;
mod recipe;
mod train;
mod tune;
mod words;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;

use crate::corpus::{Corpus, TrainingFiles};
use crate::held_out::{calibrate_lexicon, held_out, write_held_out};
use crate::recipe::Recipe;
use crate::train::train;

/// Trains the weights of the built-in sentiment scorer and prints their quality.
#[derive(Debug, Parser)]
#[command(name = "train", version)]
struct Cli {
    /// The folder of labelled texts, with the subfolders `train` and `dev`.
    data: PathBuf,
    /// The file to write the weights to.
    #[arg(required_unless_present_any = ["ablation", "held_out", "calibrate_lexicon"], conflicts_with_all = ["ablation", "held_out", "calibrate_lexicon"])]
    weights: Option<PathBuf>,
    /// Trains once for each choice of the recipe, with that choice changed, and prints the results as a table.
    #[arg(long)]
    ablation: bool,
    /// Removes a feature template by its name; may be repeated.
    #[arg(long = "without", value_name = "TEMPLATE", conflicts_with = "ablation")]
    without: Vec<String>,
    /// Number of rows of weights, as a power of two.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(8..=22), conflicts_with = "ablation")]
    bits: u32,
    /// Number of fits, in different orders, whose mean the weights are.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=20))]
    fits: u64,
    /// Writes the probabilities of the training texts, each by a model not trained on it, as a
    /// tab-separated file for `crates/sentiment/study/quantify.py`, and trains no weights.
    #[arg(long, value_name = "FILE", conflicts_with = "ablation")]
    held_out: Option<PathBuf>,
    /// Writes the calibration of the lexicon scorer, and trains no weights.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ablation", "held_out"])]
    calibrate_lexicon: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if cli.ablation {
        return ablation::run(&cli.data, cli.fits);
    }
    let start = Instant::now();
    let base = Recipe {
        bits: cli.bits,
        fits: cli.fits,
        ..Recipe::default()
    };
    let recipe = cli
        .without
        .iter()
        .try_fold(base, |recipe, name| recipe.without_template(name))?;
    let corpus = || Corpus::parse(&TrainingFiles::read(&cli.data)?, &recipe.mix);
    if let Some(file) = &cli.held_out {
        return write_held_out(file, &held_out(&corpus()?.examples, &recipe)?);
    }
    if let Some(file) = &cli.calibrate_lexicon {
        let calibration = calibrate_lexicon(&corpus()?.examples);
        return fs::write(file, format!("{calibration}\n"))
            .with_context(|| format!("cannot write {}", file.display()));
    }
    let path = cli.weights.as_ref().context("no file for the weights")?;
    let trained = train(&TrainingFiles::read(&cli.data)?, &recipe, &cli.data)?;
    println!("{} texts with {} features", trained.texts, trained.features);
    for measurement in &trained.measurements {
        let rule = measurement.rule.name();
        println!(
            "{:24} {rule:7} {:14} {:.4}",
            measurement.file, measurement.measure, measurement.value
        );
    }
    fs::write(path, &trained.bytes).with_context(|| format!("cannot write {}", path.display()))?;
    let seconds = start.elapsed().as_secs_f32();
    println!(
        "{}: {} bytes, {seconds:.0} s",
        path.display(),
        trained.bytes.len()
    );
    Ok(())
}
