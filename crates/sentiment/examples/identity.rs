//! The model card's table of terms of identity, of the weights that are built in:
//!
//!     cargo run --release --example identity -p moodvane-sentiment

use moodvane_sentiment::measure::identity::{FRAMES, Shift, shifts};
use moodvane_sentiment::{LexiconScorer, Rule, TrainedScorer, WeightsError};

fn main() -> Result<(), WeightsError> {
    let mut scorer = TrainedScorer::english(Rule::Mean)?;
    let trained = shifts(&mut scorer);
    let lexicon = shifts(&mut LexiconScorer::new());
    println!(
        "| group | term | trained: mean | most | classes changed of {} | lexicon: mean |",
        FRAMES.len()
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for (ours, theirs) in trained.iter().zip(&lexicon) {
        let Shift {
            group,
            term,
            mean,
            most,
            classes,
        } = ours;
        println!(
            "| {group} | {term} | {mean:+.3} | {most:+.3} | {classes} | {:+.3} |",
            theirs.mean
        );
    }
    for group in groups(&trained) {
        let means: Vec<f64> = trained
            .iter()
            .filter(|s| s.group == group)
            .map(|s| s.mean)
            .collect();
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        let least = means.iter().copied().fold(f64::INFINITY, f64::min);
        let most = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        println!("{group}: mean {mean:+.3}, from {least:+.3} to {most:+.3}");
    }
    Ok(())
}

fn groups(shifts: &[Shift]) -> Vec<&'static str> {
    let mut groups: Vec<&'static str> = shifts.iter().map(|shift| shift.group).collect();
    groups.dedup();
    groups
}
