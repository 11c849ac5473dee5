//! Trains the weights of the built-in scorer: `train DATA WEIGHTS`.
//!
//! Guarantee: the same labelled files give the same bytes.

mod ablation;
mod choose;
mod corpus;
mod fit;
mod recipe;
mod train;
mod words;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;

use crate::corpus::Files;
use crate::recipe::Recipe;
use crate::train::train;

/// Trains the weights of the built-in sentiment scorer, and says how good they are.
#[derive(Debug, Parser)]
#[command(name = "train", version)]
struct Cli {
    /// The folder of labelled texts, with `train` and `dev` in it.
    data: PathBuf,
    /// The file of weights that is written.
    #[arg(required_unless_present = "ablation", conflicts_with = "ablation")]
    weights: Option<PathBuf>,
    /// Trains once for each choice that was made, with that choice changed, and prints what it brings.
    #[arg(long)]
    ablation: bool,
    /// Leaves out a template, by its name; may be repeated.
    #[arg(long = "without", value_name = "TEMPLATE", conflicts_with = "ablation")]
    without: Vec<String>,
    /// Rows of weights, as a power of two.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(8..=22), conflicts_with = "ablation")]
    bits: u32,
    /// How many fits, in different orders, the weights are the mean of.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=20))]
    fits: u64,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let Some(path) = &cli.weights else {
        return ablation::run(&cli.data, cli.fits);
    };
    let start = Instant::now();
    let base = Recipe {
        bits: cli.bits,
        fits: cli.fits,
        ..Recipe::default()
    };
    let recipe = cli
        .without
        .iter()
        .try_fold(base, |recipe, name| recipe.without(name))?;
    let trained = train(&Files::read(&cli.data)?, &recipe, &cli.data)?;
    println!(
        "{} texts, {} features of texts",
        trained.texts, trained.features
    );
    for note in &trained.notes {
        let rule = note.rule.name();
        println!(
            "{:24} {rule:7} {:14} {:.4}",
            note.file, note.measure, note.value
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
