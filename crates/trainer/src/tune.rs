//! Tunes the parameters of the decision rules on the development files.
//!
//! Each rule has few parameters, each from a coarse grid, to limit overfitting.

use std::path::Path;

use moodvane_model::Calibration;
use moodvane_sentiment::evaluation::{Evaluation, LabelScale, Report};
use moodvane_sentiment::trained::{
    ClassProbabilities, DecisionRule, RuleParameters, TrainedScorer, Weights,
};

use crate::corpus::with_dev_file;

/// A scored development file.
pub(crate) struct ScoredFile {
    pub(crate) name: &'static str,
    scale: LabelScale,
    rows: Vec<(usize, Option<String>, ClassProbabilities)>,
    calibration: Option<Calibration>,
}

impl ScoredFile {
    /// Reads a file and scores its texts with the weights.
    pub(crate) fn read(
        folder: &Path,
        name: &'static str,
        scale: LabelScale,
        weights: &Weights,
    ) -> anyhow::Result<Self> {
        let mut scorer = TrainedScorer::new(weights.clone(), DecisionRule::Mean);
        let rows = with_dev_file(folder, name, |rows| {
            let shares = rows.iter().map(|row| {
                let group = row.topic.map(str::to_owned);
                (row.label, group, scorer.class_probabilities(row.text))
            });
            shares.collect()
        })?;
        Ok(Self {
            name,
            scale,
            rows,
            calibration: weights.header().calibration,
        })
    }

    /// The measures of a rule with these parameters.
    pub(crate) fn report(&self, rule: DecisionRule, rules: &RuleParameters) -> Report {
        let mut tally = Evaluation::with_calibration(self.scale, self.calibration.as_ref());
        for (label, group, shares) in &self.rows {
            tally.add(*label, group.as_deref(), shares.score(rule, rules));
        }
        tally.report()
    }

    /// The number of labels of each class, and the sorted values.
    fn label_counts_and_values(&self) -> ([usize; 5], Vec<u32>) {
        let mut labels = [0; 5];
        let mut values: Vec<u32> = Vec::with_capacity(self.rows.len());
        for (label, _, shares) in &self.rows {
            labels[*label] += 1;
            values.push(shares.value_micros());
        }
        values.sort_unstable();
        (labels, values)
    }
}

/// The scored development files.
pub(crate) struct DevSet {
    pub(crate) all_3: ScoredFile,
    pub(crate) tweeteval: ScoredFile,
    pub(crate) all_5: ScoredFile,
    pub(crate) topics: ScoredFile,
    pub(crate) sentences: ScoredFile,
}

/// The names of the development files.
#[cfg(test)]
pub(crate) const NAMES: [&str; 5] = [
    "ALL_3class",
    "tweeteval_val_3class",
    "ALL_5class_tweets",
    "semeval2016_CE_5point",
    "sst5_sentences_5class",
];

impl DevSet {
    /// Reads and scores all files.
    pub(crate) fn read(folder: &Path, weights: &Weights) -> anyhow::Result<Self> {
        let read = |name, scale| ScoredFile::read(folder, name, scale, weights);
        Ok(Self {
            all_3: read("ALL_3class", LabelScale::Three)?,
            tweeteval: read("tweeteval_val_3class", LabelScale::Three)?,
            all_5: read("ALL_5class_tweets", LabelScale::Five)?,
            topics: read("semeval2016_CE_5point", LabelScale::Five)?,
            sentences: read("sst5_sentences_5class", LabelScale::Five)?,
        })
    }

    /// The best parameters of each rule.
    pub(crate) fn tune_rules(&self) -> RuleParameters {
        let mut rules = RuleParameters::default();
        rules.0[DecisionRule::Mean as usize] = self.mean_thresholds();
        rules.0[DecisionRule::Recall as usize] =
            maximize(grid(&RATIOS, &RATIOS), |[negative, positive]| {
                let parameters = [negative, negative, 1_000, positive, positive];
                let rules = rules_with(DecisionRule::Recall, parameters);
                let recall =
                    |file: &ScoredFile| file.report(DecisionRule::Recall, &rules).macro_recall;
                (recall(&self.all_3) + recall(&self.tweeteval), parameters)
            });
        rules.0[DecisionRule::Mae as usize] = self.mae_weights();
        rules.0[DecisionRule::Likely as usize] =
            maximize(grid(&RATIOS, &RATIOS), |[neutral, outer]| {
                let parameters = [outer, 1_000, neutral, 1_000, outer];
                let report = self.sentences.report(
                    DecisionRule::Likely,
                    &rules_with(DecisionRule::Likely, parameters),
                );
                (report.accuracy, parameters)
            });
        rules
    }

    /// Thresholds that give each class as many texts as it has labels, so that the mean class equals the
    /// mean label.
    fn mean_thresholds(&self) -> [u32; 5] {
        let (labels, values) = self.topics.label_counts_and_values();
        let mut thresholds = [0; 5];
        let mut below = 0;
        for (threshold, label) in thresholds.iter_mut().zip(&labels[..4]) {
            below += label;
            *threshold = values.get(below).copied().unwrap_or(u32::MAX);
        }
        thresholds
    }

    /// The weight of a class is a power of its inverse share; the outer classes have another factor.
    fn mae_weights(&self) -> [u32; 5] {
        const POWERS: [u32; 9] = [600, 700, 800, 900, 1_000, 1_100, 1_200, 1_300, 1_400];
        const OUTER: [u32; 7] = [400, 550, 700, 850, 1_000, 1_200, 1_500];
        let (labels, _) = self.topics.label_counts_and_values();
        maximize(grid(&POWERS, &OUTER), |[power, outer]| {
            let parameters = std::array::from_fn(|class| {
                let share = self.topics.rows.len() as f64 / labels[class].max(1) as f64;
                let factor = if class == 0 || class == 4 {
                    f64::from(outer) / 1e3
                } else {
                    1.0
                };
                (100.0 * factor * share.powf(f64::from(power) / 1e3)).round() as u32
            });
            let rules = rules_with(DecisionRule::Mae, parameters);
            let error = |file: &ScoredFile| file.report(DecisionRule::Mae, &rules).macro_mae;
            (-error(&self.all_5) - error(&self.topics), parameters)
        })
    }
}

/// Ratios of the weights of two classes, in thousandths.
const RATIOS: [u32; 19] = [
    400, 500, 600, 700, 800, 900, 1_000, 1_150, 1_300, 1_500, 1_750, 2_000, 2_300, 2_600, 3_000,
    3_500, 4_000, 5_000, 6_500,
];

/// All pairs of two lists.
fn grid(a: &'static [u32], b: &'static [u32]) -> impl Iterator<Item = [u32; 2]> {
    a.iter().flat_map(move |a| b.iter().map(move |b| [*a, *b]))
}

/// The default rules with other parameters of one rule.
fn rules_with(rule: DecisionRule, parameters: [u32; 5]) -> RuleParameters {
    let mut rules = RuleParameters::default();
    rules.0[rule as usize] = parameters;
    rules
}

/// The parameters with the highest objective; the first of equal ones.
fn maximize(
    grid: impl Iterator<Item = [u32; 2]>,
    mut objective: impl FnMut([u32; 2]) -> (f64, [u32; 5]),
) -> [u32; 5] {
    let mut best = (f64::NEG_INFINITY, [0; 5]);
    for point in grid {
        let candidate = objective(point);
        if candidate.0 > best.0 {
            best = candidate;
        }
    }
    best.1
}
