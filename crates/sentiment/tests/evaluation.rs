//! Evaluation of the built-in scorers on the labelled fixtures. `tests/dev.rs` measures them on the larger
//! optional files.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use moodvane_sentiment::evaluation::{Evaluation, LabelKind, Report, parse_labelled};
use moodvane_sentiment::{DecisionRule, LexiconScorer, Scorer, TrainedScorer};

fn report(name: &str, scorer: &mut dyn Scorer) -> Report {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let labels = LabelKind::by_name(name).unwrap();
    let mut evaluation = Evaluation::with_calibration(labels.scale(), scorer.calibration());
    for row in parse_labelled(&text, labels).unwrap() {
        evaluation.add(row.label, row.topic, scorer.score(row.text));
    }
    evaluation.report()
}

fn trained(rule: DecisionRule) -> TrainedScorer {
    TrainedScorer::english(rule).unwrap()
}

const THREE: &str = "invented_3class.tsv";
const FIVE: &str = "invented_5class.tsv";

#[test]
fn fixtures_are_complete() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["README.md", THREE, FIVE]);
    let scorer = &mut LexiconScorer::new();
    assert_eq!((report(THREE, scorer).n, report(FIVE, scorer).n), (30, 13));
}

#[test]
fn matches_pinned_confusion_of_trained_scorer() {
    let exact = [[10, 0, 0], [0, 10, 0], [0, 0, 10]];
    for (rule, expected) in [
        (DecisionRule::Mean, [[9, 1, 0], [0, 6, 4], [0, 0, 10]]),
        (DecisionRule::Recall, exact),
        (DecisionRule::Mae, exact),
        (DecisionRule::Likely, [[9, 1, 0], [0, 10, 0], [0, 0, 10]]),
    ] {
        let report = report(THREE, &mut trained(rule));
        assert_eq!(report.confusion, expected.map(Vec::from), "{rule}");
        assert_eq!(format!("{:.4}", report.mean_value), "1.0949", "{rule}");
    }
    let report = report(FIVE, &mut trained(DecisionRule::Mean));
    let expected = [
        [2, 0, 0, 0, 0],
        [0, 3, 0, 0, 0],
        [0, 0, 2, 1, 0],
        [0, 0, 0, 3, 0],
        [0, 0, 0, 0, 2],
    ];
    assert_eq!(report.confusion, expected.map(Vec::from));
    assert_eq!(format!("{:.4}", report.mean_value), "2.0763");
}

#[test]
fn matches_pinned_confusion_of_lexicon_scorer() {
    let three = report(THREE, &mut LexiconScorer::new());
    let expected = [[10, 0, 0], [0, 10, 0], [0, 0, 10]];
    assert_eq!(three.confusion, expected.map(Vec::from));
    assert_eq!(format!("{:.4}", three.mean_value), "1.0445");
    let five = report(FIVE, &mut LexiconScorer::new());
    let expected = [
        [2, 0, 0, 0, 0],
        [0, 2, 1, 0, 0],
        [0, 0, 3, 0, 0],
        [0, 0, 0, 3, 0],
        [0, 0, 0, 0, 2],
    ];
    assert_eq!(five.confusion, expected.map(Vec::from));
    assert_eq!(format!("{:.4}", five.mean_value), "2.0368");
}

#[test]
fn reports_all_measures() {
    let report = report(FIVE, &mut trained(DecisionRule::Mean));
    let rounded = |measure: f64| format!("{measure:.4}");
    assert_eq!(rounded(report.accuracy), "0.9231");
    assert_eq!(rounded(report.macro_recall), "0.9333");
    assert_eq!(rounded(report.macro_f1), "0.9314");
    assert_eq!(rounded(report.mae), "0.0769");
    assert_eq!(rounded(report.macro_mae), "0.0667");
    assert_eq!(rounded(report.mean_label), "2.0000");
    assert_eq!(rounded(report.mean_class), "2.0769");
    assert_eq!(rounded(report.calibration_error), "0.3079");
    let groups = report.groups.unwrap();
    assert_eq!(groups.count, 3);
    let measures = [
        groups.emd,
        groups.feeling.r.unwrap(),
        groups.feeling.slope.unwrap(),
        groups.feeling.mean_difference,
        groups.feeling.mean_absolute_difference,
        groups.direct.r.unwrap(),
        groups.direct.slope.unwrap(),
        groups.direct.mean_difference,
    ];
    let expected = [
        "0.4729", "0.9999", "0.7575", "0.2407", "0.3113", "1.0000", "2.1971", "-0.0213",
    ];
    assert_eq!(measures.map(rounded), expected);
    let counts: Vec<u32> = report.bins.iter().map(|bin| bin.n).collect();
    assert_eq!(counts, [1, 1, 2, 2, 2, 3, 2]);
}
