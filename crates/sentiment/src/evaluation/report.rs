//! The measures of an evaluation.

use super::{Evaluation, GroupReport, LabelScale, Sums};

/// A calibration bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationBin {
    /// The number of texts.
    pub n: u32,
    /// The mean of their values.
    pub value: f64,
    /// The mean of their labels.
    pub label: f64,
}

/// The measures of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The number of texts.
    pub n: u32,
    /// The share of texts whose class equals the label.
    pub accuracy: f64,
    /// The macro mean of recall: the measure of SemEval task 4A.
    pub macro_recall: f64,
    /// The macro mean of F1.
    pub macro_f1: f64,
    /// The mean absolute error, |class - label|.
    pub mae: f64,
    /// The macro mean of the absolute error: the measure MAE^M of SemEval task 4C.
    pub macro_mae: f64,
    /// The mean label.
    pub mean_label: f64,
    /// The mean class.
    pub mean_class: f64,
    /// The mean value.
    pub mean_value: f64,
    /// The expected calibration error: the mean over texts of |mean value - mean label| of their bin.
    pub calibration_error: f64,
    /// The non-empty calibration bins.
    pub bins: Vec<CalibrationBin>,
    /// The measures of the groups; `None` without groups.
    pub groups: Option<GroupReport>,
    /// The confusion matrix: counts of classes, by label.
    pub confusion: Vec<Vec<u32>>,
}

pub(super) fn build(evaluation: &Evaluation) -> Report {
    let labels = evaluation.scale.labels();
    let confusion: Vec<Vec<u32>> = evaluation.counts[..labels]
        .iter()
        .map(|row| row[..labels].to_vec())
        .collect();
    let all = Sums {
        n: evaluation.all.n.max(1.0),
        ..evaluation.all
    };
    let off = |label: usize, class: usize| label.abs_diff(class) as f64;
    Report {
        n: evaluation.all.n as u32,
        accuracy: mean(&confusion, |label, class| {
            f64::from(u8::from(label == class))
        }),
        macro_recall: macro_mean(&confusion, |label, class| {
            f64::from(u8::from(label == class))
        }),
        macro_f1: macro_f1(&confusion),
        mae: mean(&confusion, off),
        macro_mae: macro_mean(&confusion, off),
        mean_label: all.label / all.n,
        mean_class: all.class / all.n,
        mean_value: all.value / all.n,
        calibration_error: evaluation
            .bins
            .iter()
            .map(|bin| (bin.value - bin.label).abs())
            .sum::<f64>()
            / all.n,
        bins: bins(evaluation),
        groups: evaluation.groups.report(evaluation.scale),
        confusion,
    }
}

fn bins(evaluation: &Evaluation) -> Vec<CalibrationBin> {
    let held = evaluation.bins.iter().filter(|bin| bin.n > 0.0);
    let bin = |sums: &Sums| CalibrationBin {
        n: sums.n as u32,
        value: sums.value / sums.n,
        label: sums.label / sums.n,
    };
    held.map(bin).collect()
}

pub(super) fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() < 3 {
        return None;
    }
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    let spread = (aa * bb).sqrt();
    (spread > 0.0).then(|| ab / spread)
}

fn mean(confusion: &[Vec<u32>], measure: impl Fn(usize, usize) -> f64) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for (label, row) in confusion.iter().enumerate() {
        for (class, count) in row.iter().enumerate() {
            sum += measure(label, class) * f64::from(*count);
            n += f64::from(*count);
        }
    }
    if n > 0.0 { sum / n } else { 0.0 }
}

/// The macro mean over the labels that occur.
fn macro_mean(confusion: &[Vec<u32>], measure: impl Fn(usize, usize) -> f64) -> f64 {
    let occurring = confusion
        .iter()
        .enumerate()
        .filter(|(_, row)| row.iter().any(|n| *n > 0));
    let means: Vec<f64> = occurring
        .map(|(label, row)| mean(std::slice::from_ref(row), |_, class| measure(label, class)))
        .collect();
    means.iter().sum::<f64>() / means.len().max(1) as f64
}

fn macro_f1(confusion: &[Vec<u32>]) -> f64 {
    let f1 = |label: usize| {
        let hits = f64::from(confusion[label][label]);
        let labelled: u32 = confusion[label].iter().sum();
        let given: u32 = confusion.iter().map(|row| row[label]).sum();
        let both = f64::from(labelled) + f64::from(given);
        (labelled > 0).then_some(if both > 0.0 { 2.0 * hits / both } else { 0.0 })
    };
    let all: Vec<f64> = (0..confusion.len()).filter_map(f1).collect();
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

impl LabelScale {
    /// The name of the scale.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Three => "3",
            Self::Five => "5",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use moodvane_model::{Score, Sentiment};

    use super::super::{Evaluation, LabelScale};

    fn evaluation(scale: LabelScale, rows: &[(usize, &str, u8)]) -> Evaluation {
        let mut evaluation = Evaluation::new(scale);
        for &(label, group, class) in rows {
            let score = Score::new(Sentiment::try_from(class).unwrap(), f64::from(class));
            evaluation.add(label, Some(group), score);
        }
        evaluation
    }

    #[test]
    fn matches_measures_computed_by_hand() {
        let rows = [
            (0, "a", 0),
            (0, "a", 1),
            (2, "b", 2),
            (2, "b", 2),
            (4, "c", 2),
            (4, "c", 4),
        ];
        let report = evaluation(LabelScale::Five, &rows).report();
        assert_eq!(report.n, 6);
        assert!((report.accuracy - 4.0 / 6.0).abs() < 1e-12);
        assert!((report.macro_recall - (0.5 + 1.0 + 0.5) / 3.0).abs() < 1e-12);
        // F1: 2·1/(2+1), 2·2/(2+3), 2·1/(2+1).
        assert!((report.macro_f1 - (2.0 / 3.0 + 0.8 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
        assert!((report.mae - 3.0 / 6.0).abs() < 1e-12);
        assert!((report.macro_mae - (0.5 + 0.0 + 1.0) / 3.0).abs() < 1e-12);
        let groups = report.groups.unwrap();
        assert!(groups.count == 3 && groups.feeling.r.unwrap() > 0.98);
        assert_eq!(report.confusion[4], [0, 0, 1, 0, 1]);
    }

    #[test]
    fn folds_outer_classes_on_scale_of_three() {
        let rows = [
            (0, "a", 0),
            (0, "a", 1),
            (1, "a", 2),
            (2, "a", 3),
            (2, "a", 4),
        ];
        let report = evaluation(LabelScale::Three, &rows).report();
        assert!((report.accuracy - 1.0).abs() < 1e-12);
        assert!((report.mean_value - report.mean_label).abs() < 1e-12);
        assert_eq!(report.groups.unwrap().feeling.r, None);
    }

    #[test]
    fn reports_zero_without_texts() {
        let report = Evaluation::new(LabelScale::Five).report();
        assert_eq!((report.n, report.accuracy, report.macro_mae), (0, 0.0, 0.0));
    }
}
