//! Chooses the numbers of the decision rules on the development files.
//!
//! Few numbers are chosen, each from a coarse grid, so that there is little to overfit.

use std::path::Path;

use moodvane_sentiment::measure::{Report, Scale, Tally};
use moodvane_sentiment::trained::{Rule, Rules, Shares, TrainedScorer, Weights};

use crate::corpus::dev;

/// A development file, scored.
pub(crate) struct Judged {
    pub(crate) name: &'static str,
    scale: Scale,
    rows: Vec<(usize, Option<String>, Shares)>,
}

impl Judged {
    /// Scores a file by the weights.
    pub(crate) fn read(
        folder: &Path,
        name: &'static str,
        scale: Scale,
        weights: &Weights,
    ) -> anyhow::Result<Self> {
        let mut scorer = TrainedScorer::new(weights.clone(), Rule::Mean);
        let rows = dev(folder, name, |rows| {
            let shares = rows.iter().map(|row| {
                let group = row.topic.map(str::to_owned);
                (row.label, group, scorer.shares(row.text))
            });
            shares.collect()
        })?;
        Ok(Self { name, scale, rows })
    }

    /// How near a rule with these numbers comes.
    pub(crate) fn report(&self, rule: Rule, rules: &Rules) -> Report {
        let mut tally = Tally::new(self.scale);
        for (label, group, shares) in &self.rows {
            tally.add(*label, group.as_deref(), shares.score(rule, rules));
        }
        tally.report()
    }

    /// Labels by class, and all values in order.
    fn labels_and_values(&self) -> ([usize; 5], Vec<u32>) {
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

/// The development files that rules are chosen on.
pub(crate) struct Dev {
    pub(crate) all_3: Judged,
    pub(crate) tweeteval: Judged,
    pub(crate) all_5: Judged,
    pub(crate) topics: Judged,
    pub(crate) sentences: Judged,
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

impl Dev {
    /// Scores all of them.
    pub(crate) fn read(folder: &Path, weights: &Weights) -> anyhow::Result<Self> {
        let read = |name, scale| Judged::read(folder, name, scale, weights);
        Ok(Self {
            all_3: read("ALL_3class", Scale::Three)?,
            tweeteval: read("tweeteval_val_3class", Scale::Three)?,
            all_5: read("ALL_5class_tweets", Scale::Five)?,
            topics: read("semeval2016_CE_5point", Scale::Five)?,
            sentences: read("sst5_sentences_5class", Scale::Five)?,
        })
    }

    /// The numbers of every rule.
    pub(crate) fn choose(&self) -> Rules {
        let mut rules = Rules::default();
        rules.0[Rule::Mean as usize] = self.mean();
        rules.0[Rule::Recall as usize] = best(two(&RATIOS, &RATIOS), |[negative, positive]| {
            let numbers = [negative, negative, 1_000, positive, positive];
            let rules = with(Rule::Recall, numbers);
            let recall = |judged: &Judged| judged.report(Rule::Recall, &rules).macro_recall;
            (recall(&self.all_3) + recall(&self.tweeteval), numbers)
        });
        rules.0[Rule::Mae as usize] = self.mae();
        rules.0[Rule::Likely as usize] = best(two(&RATIOS, &RATIOS), |[neutral, outer]| {
            let numbers = [outer, 1_000, neutral, 1_000, outer];
            let report = self
                .sentences
                .report(Rule::Likely, &with(Rule::Likely, numbers));
            (report.accuracy, numbers)
        });
        rules
    }

    /// As many texts of each class as there are labels: the mean class then is the mean label, and
    /// follows it.
    fn mean(&self) -> [u32; 5] {
        let (labels, values) = self.topics.labels_and_values();
        let mut cuts = [0; 5];
        let mut below = 0;
        for (cut, label) in cuts.iter_mut().zip(&labels[..4]) {
            below += label;
            *cut = values.get(below).copied().unwrap_or(u32::MAX);
        }
        cuts
    }

    /// Each class weighs by a power of one over its number of labels; the outer ones by a factor more.
    fn mae(&self) -> [u32; 5] {
        const POWERS: [u32; 9] = [600, 700, 800, 900, 1_000, 1_100, 1_200, 1_300, 1_400];
        const OUTER: [u32; 7] = [400, 550, 700, 850, 1_000, 1_200, 1_500];
        let (labels, _) = self.topics.labels_and_values();
        best(two(&POWERS, &OUTER), |[power, outer]| {
            let numbers = std::array::from_fn(|class| {
                let share = self.topics.rows.len() as f64 / labels[class].max(1) as f64;
                let factor = if class == 0 || class == 4 {
                    f64::from(outer) / 1e3
                } else {
                    1.0
                };
                (100.0 * factor * share.powf(f64::from(power) / 1e3)).round() as u32
            });
            let rules = with(Rule::Mae, numbers);
            let error = |judged: &Judged| judged.report(Rule::Mae, &rules).macro_mae;
            (-error(&self.all_5) - error(&self.topics), numbers)
        })
    }
}

/// Weights of a class beside another's, in thousandths.
const RATIOS: [u32; 19] = [
    400, 500, 600, 700, 800, 900, 1_000, 1_150, 1_300, 1_500, 1_750, 2_000, 2_300, 2_600, 3_000,
    3_500, 4_000, 5_000, 6_500,
];

fn two(a: &'static [u32], b: &'static [u32]) -> impl Iterator<Item = [u32; 2]> {
    a.iter().flat_map(move |a| b.iter().map(move |b| [*a, *b]))
}

fn with(rule: Rule, numbers: [u32; 5]) -> Rules {
    let mut rules = Rules::default();
    rules.0[rule as usize] = numbers;
    rules
}

/// The numbers that come out highest; of equals the first.
fn best(
    grid: impl Iterator<Item = [u32; 2]>,
    mut judge: impl FnMut([u32; 2]) -> (f64, [u32; 5]),
) -> [u32; 5] {
    let mut found = (f64::NEG_INFINITY, [0; 5]);
    for point in grid {
        let judged = judge(point);
        if judged.0 > found.0 {
            found = judged;
        }
    }
    found.1
}
