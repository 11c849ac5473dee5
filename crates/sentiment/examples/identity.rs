//! Prints the model card's tables of identity terms, names and neutral sentences, measured on the built-in
//! weights:
//!
//!     cargo run --release --example identity -p moodvane-sentiment

use moodvane_sentiment::evaluation::identity_terms::{TEMPLATES, TermShift, term_shifts};
use moodvane_sentiment::evaluation::names::name_priors;
use moodvane_sentiment::evaluation::neutral_sentences::neutral_means;
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
    print_names(&mut scorer);
    print_neutral_sentences()
}

fn print_names(scorer: &mut TrainedScorer) {
    println!("\n| group | name | prior |\n| --- | --- | ---: |");
    let priors = name_priors(scorer);
    for prior in &priors {
        let group = prior.group.unwrap_or("plain");
        println!("| {group} | {} | {:+.3} |", prior.name, prior.prior);
    }
    let mut groups: Vec<Option<&str>> = priors.iter().map(|prior| prior.group).collect();
    groups.dedup();
    for group in groups {
        let own = priors.iter().filter(|prior| prior.group == group);
        let own: Vec<f64> = own.map(|prior| prior.prior).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        let size = own.iter().map(|prior| prior.abs()).sum::<f64>() / own.len() as f64;
        let group = group.unwrap_or("plain");
        println!("{group}: mean {mean:+.3}, mean size {size:.3}");
    }
}

fn print_neutral_sentences() -> Result<(), WeightsError> {
    println!("\n| kind | n | mean value | negative: mean | negative: recall |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let mean = neutral_means(&mut TrainedScorer::english(DecisionRule::Mean)?);
    let recall = neutral_means(&mut TrainedScorer::english(DecisionRule::Recall)?);
    for (mean, recall) in mean.iter().zip(&recall) {
        println!(
            "| {} | {} | {:.3} | {} | {} |",
            mean.kind, mean.count, mean.mean, mean.negative, recall.negative
        );
    }
    Ok(())
}

fn groups(term_shifts: &[TermShift]) -> Vec<&'static str> {
    let mut groups: Vec<&'static str> = term_shifts.iter().map(|shift| shift.group).collect();
    groups.dedup();
    groups
}
