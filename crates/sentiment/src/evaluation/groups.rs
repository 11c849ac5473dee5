//! The measures of groups of texts, such as topics: how well their class distributions and mean classes
//! are estimated.

use std::collections::BTreeMap;

use moodvane_model::{Calibration, PostSums, Score};
use moodvane_quantification::Quantifier;

use super::LabelScale;
use super::report::pearson;

/// The labels and scores of the texts of each group.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    quantifier: Option<Quantifier>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Group {
    labels: [u64; 5],
    posts: PostSums,
}

/// How well the mean classes of groups are estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanMeasures {
    /// The Pearson correlation with the mean labels; `None` with fewer than three groups or without
    /// variance.
    pub r: Option<f64>,
    /// The change of the estimate per class of the mean label (least squares).
    pub slope: Option<f64>,
    /// The mean over the groups of estimate minus mean label.
    pub mean_difference: f64,
    /// The mean over the groups of the size of this difference.
    pub mean_absolute_difference: f64,
}

/// How well groups of texts are estimated, by the estimator that hours are estimated with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupReport {
    /// The number of groups.
    pub count: usize,
    /// The mean over the groups of the Earth Mover's Distance between the estimated and the labelled
    /// distribution: the measure of SemEval task 4E.
    pub emd: f64,
    /// The mean class of the estimated distribution.
    pub feeling: MeanMeasures,
    /// The direct estimate of the mean class.
    pub direct: MeanMeasures,
}

impl Groups {
    /// Groups that are estimated by the quantifier of a scorer with this calibration; without one, by
    /// the assigned classes.
    pub(super) fn new(calibration: Option<&Calibration>) -> Self {
        Self {
            groups: BTreeMap::new(),
            quantifier: calibration.and_then(|c| Quantifier::new(c).ok()),
        }
    }

    pub(super) fn add(&mut self, name: &str, label: usize, score: Score) {
        if !self.groups.contains_key(name) {
            self.groups.insert(name.to_owned(), Group::default());
        }
        if let Some(group) = self.groups.get_mut(name) {
            group.labels[label] += 1;
            group.posts.add(score);
        }
    }

    /// `None` without groups.
    pub(super) fn report(&self, scale: LabelScale) -> Option<GroupReport> {
        if self.groups.is_empty() {
            return None;
        }
        let mut emd = 0.0;
        let (mut labels, mut feelings, mut direct) = (Vec::new(), Vec::new(), Vec::new());
        for group in self.groups.values() {
            let n = group.posts.scored() as f64;
            let labelled = group.labels.map(|count| count as f64 / n);
            let (distribution, value) = self.estimate(&group.posts);
            let distribution = fold(scale, distribution);
            emd += earth_movers_distance(&labelled, &distribution);
            labels.push(mean(&labelled));
            feelings.push(mean(&distribution));
            direct.push(scale.value(value));
        }
        Some(GroupReport {
            count: self.groups.len(),
            emd: emd / self.groups.len() as f64,
            feeling: MeanMeasures::new(&labels, &feelings),
            direct: MeanMeasures::new(&labels, &direct),
        })
    }

    /// The distribution and the direct estimate of posts, of which there is at least one.
    fn estimate(&self, posts: &PostSums) -> ([f64; 5], f64) {
        if let Some(estimate) = self.quantifier.as_ref().and_then(|q| q.estimate(posts)) {
            return (estimate.distribution, estimate.direct.value);
        }
        let n = posts.scored() as f64;
        let shares = posts.classes.map(|count| count as f64 / n);
        (shares, mean(&shares))
    }
}

impl MeanMeasures {
    fn new(labels: &[f64], estimates: &[f64]) -> Self {
        let n = labels.len() as f64;
        let differences = || labels.iter().zip(estimates).map(|(label, e)| e - label);
        Self {
            r: pearson(labels, estimates),
            slope: slope(labels, estimates),
            mean_difference: differences().sum::<f64>() / n,
            mean_absolute_difference: differences().map(f64::abs).sum::<f64>() / n,
        }
    }
}

/// The least-squares slope of `y` on `x`.
fn slope(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() < 3 {
        return None;
    }
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let products = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y));
    let squares: f64 = x.iter().map(|x| (x - mean_x) * (x - mean_x)).sum();
    (squares > 0.0).then(|| products.sum::<f64>() / squares)
}

fn mean(shares: &[f64; 5]) -> f64 {
    shares
        .iter()
        .zip(0u8..)
        .map(|(s, c)| s * f64::from(c))
        .sum()
}

/// Adds the shares of the classes that are one label on the scale.
fn fold(scale: LabelScale, shares: [f64; 5]) -> [f64; 5] {
    let mut folded = [0.0; 5];
    for (class, share) in (0u8..).zip(shares) {
        folded[scale.fold(class)] += share;
    }
    folded
}

/// The Earth Mover's Distance of two distributions over ordered classes at distance 1.
fn earth_movers_distance(a: &[f64; 5], b: &[f64; 5]) -> f64 {
    let mut surplus = 0.0_f64;
    let mut distance = 0.0;
    for (a, b) in a.iter().zip(b) {
        surplus += a - b;
        distance += surplus.abs();
    }
    distance
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use moodvane_model::Sentiment;

    use super::*;

    #[test]
    fn earth_movers_distance_is_work_to_move_shares() {
        let of = |class: usize| std::array::from_fn(|c| f64::from(u8::from(c == class)));
        for (a, b, distance) in [(0, 0, 0.0), (0, 4, 4.0), (3, 2, 1.0)] {
            assert_eq!(earth_movers_distance(&of(a), &of(b)), distance, "{a} {b}");
        }
        let halves = [0.5, 0.0, 0.0, 0.0, 0.5];
        assert_eq!(earth_movers_distance(&halves, &of(2)), 2.0);
    }

    #[test]
    fn matches_measures_computed_by_hand() {
        let mut groups = Groups::new(None);
        // Mean labels 0, 2 and 4; mean classes 1, 2 and 3.
        for (name, label, class) in [("a", 0, 1), ("b", 2, 2), ("c", 4, 3), ("a", 0, 1)] {
            let class = Sentiment::try_from(class).unwrap();
            groups.add(name, label, Score::new(class, 2.0));
        }
        let report = groups.report(LabelScale::Five).unwrap();
        assert_eq!(report.count, 3);
        assert!((report.emd - 2.0 / 3.0).abs() < 1e-12);
        let expected = MeanMeasures {
            r: Some(1.0),
            slope: Some(0.5),
            mean_difference: 0.0,
            mean_absolute_difference: 2.0 / 3.0,
        };
        assert_eq!(report.feeling, expected);
        assert_eq!(report.direct, expected);
    }

    #[test]
    fn folds_classes_on_scale_of_three() {
        let mut groups = Groups::new(None);
        for (label, class) in [(0, 0), (0, 1), (2, 4), (2, 3)] {
            groups.add("a", label, Score::new(Sentiment::ALL[class], 2.0));
        }
        let report = groups.report(LabelScale::Three).unwrap();
        assert_eq!((report.emd, report.feeling.mean_difference), (0.0, 0.0));
        assert_eq!(report.feeling.slope, None);
    }
}
