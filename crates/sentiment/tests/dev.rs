//! Reproduces the figures of the model card: the built-in weights and the lexicon scorer on the optional
//! labelled files.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::PathBuf;

use moodvane_sentiment::evaluation::{Evaluation, LabelKind, Report, parse_labelled};
use moodvane_sentiment::{DecisionRule, LexiconScorer, Scorer, TrainedScorer};

/// The folder of the optional development files. Without it, a test reports on stderr that it is skipped
/// and returns; where `CI` is set, it fails.
fn dev_files() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/labelled/dev"
    ));
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "the optional data set {} is required where CI is set",
        folder.display()
    );
    // Written to the stream itself, because the test harness captures `eprintln!`.
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    let reason = "optional data set ../shared/data/labelled/dev is missing";
    let message = format!("SKIPPED {test}: {reason}\n");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    None
}

fn report(file: &std::path::Path, scorer: &mut dyn Scorer) -> Report {
    let text = std::fs::read_to_string(file).unwrap();
    let labels = LabelKind::by_name(&file.file_name().unwrap().to_string_lossy()).unwrap();
    let mut evaluation = Evaluation::with_calibration(labels.scale(), scorer.calibration());
    for row in parse_labelled(&text, labels).unwrap() {
        evaluation.add(row.label, row.topic, scorer.score(row.text));
    }
    evaluation.report()
}

/// A row of the table: file, rule, measure (higher is better), VADER's result by `study/vader.py`, and the
/// minimum for the trained scorer.
type Row = (&'static str, DecisionRule, fn(&Report) -> f64, f64, f64);

const ROWS: [Row; 6] = [
    (
        "ALL_3class",
        DecisionRule::Recall,
        |r| r.macro_recall,
        0.5467,
        0.652,
    ),
    (
        "tweeteval_val_3class",
        DecisionRule::Recall,
        |r| r.macro_recall,
        0.6128,
        0.703,
    ),
    (
        "ALL_5class_tweets",
        DecisionRule::Mae,
        |r| -r.macro_mae,
        -0.9036,
        -0.748,
    ),
    (
        "semeval2016_CE_5point",
        DecisionRule::Mae,
        |r| -r.macro_mae,
        -0.9883,
        -0.841,
    ),
    (
        "sst5_sentences_5class",
        DecisionRule::Likely,
        |r| r.accuracy,
        0.3445,
        0.458,
    ),
    (
        "semeval2016_CE_5point",
        DecisionRule::Mean,
        |r| r.groups.unwrap().feeling.r.unwrap(),
        0.4180,
        0.801,
    ),
];

#[test]
fn trained_scorer_beats_lexicon_and_vader() {
    let Some(folder) = dev_files() else { return };
    for (name, rule, measure, vader, least) in ROWS {
        let file = folder.join(format!("{name}.tsv"));
        let trained = measure(&report(&file, &mut TrainedScorer::english(rule).unwrap()));
        let lexicon = measure(&report(&file, &mut LexiconScorer::new()));
        println!("{name} {rule}: trained {trained:.4}, lexicon {lexicon:.4}, vader {vader:.3}");
        assert!(
            trained >= least,
            "{name}: {trained}, expected {least} or more"
        );
        assert!(
            trained > lexicon && trained > vader,
            "{name}: {trained}, {lexicon}, {vader}"
        );
    }
}

#[test]
fn topic_distributions_are_estimated() {
    let Some(folder) = dev_files() else { return };
    let mut scorer = TrainedScorer::english(DecisionRule::Mean).unwrap();
    let report = report(&folder.join("semeval2016_CE_5point.tsv"), &mut scorer);
    let emd = report.groups.unwrap().emd;
    assert!(emd <= 0.288, "{emd}");
}

#[test]
fn weights_header_matches_measures() {
    let Some(folder) = dev_files() else { return };
    let header = TrainedScorer::english(DecisionRule::Mean)
        .unwrap()
        .weights()
        .header()
        .clone();
    assert!(header.dev.len() >= ROWS.len());
    for (name, what, value) in &header.dev {
        let (rule, measure) = what.split_once(':').unwrap();
        let mut scorer = TrainedScorer::english(rule.parse().unwrap()).unwrap();
        let report = report(&folder.join(format!("{name}.tsv")), &mut scorer);
        let measured = match measure {
            "macro_recall" => report.macro_recall,
            "macro_mae" => report.macro_mae,
            "accuracy" => report.accuracy,
            "group_emd" => report.groups.unwrap().emd,
            "group_r" => report.groups.unwrap().feeling.r.unwrap(),
            other => panic!("{other}"),
        };
        assert_eq!(*value, format!("{measured:.4}"), "{name} {what}");
    }
}
