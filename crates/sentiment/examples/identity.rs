//! Prints the model card's table of identity terms, measured on the built-in weights:
//!
//!     cargo run --release --example identity -p moodvane-sentiment

use moodvane_sentiment::evaluation::identity_terms::{TEMPLATES, TermShift, term_shifts};
use moodvane_sentiment::{DecisionRule, LexiconScorer, TrainedScorer, WeightsError};

fn main() -> Result<(), WeightsError> {
    let mut scorer = TrainedScorer::english(DecisionRule::Mean)?;
    let trained = term_shifts(&mut scorer);
    let lexicon = term_shifts(&mut LexiconScorer::new());
    println!(
        "| group | term | trained: mean | most | classes changed of {} | lexicon: mean |",
        TEMPLATES.len()
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for (ours, theirs) in trained.iter().zip(&lexicon) {
        let TermShift {
            group,
            term,
            mean,
            max,
            changed_classes,
        } = ours;
        println!(
            "| {group} | {term} | {mean:+.3} | {max:+.3} | {changed_classes} | {:+.3} |",
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

fn groups(term_shifts: &[TermShift]) -> Vec<&'static str> {
    let mut groups: Vec<&'static str> = term_shifts.iter().map(|shift| shift.group).collect();
    groups.dedup();
    groups
}
