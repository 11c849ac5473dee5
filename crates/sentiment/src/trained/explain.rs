//! Explains a score by the features that moved it.
//!
//! Term: the *effect* of a feature is the change of the value, in classes, if this feature alone were
//! removed, to first order. Features with the same content are merged.
//!
//! Guarantee: places are offsets of the text as it was passed in, not of its normal form.

use std::collections::HashMap;
use std::ops::Range;

use moodvane_model::Score;
use moodvane_text::{LineBreaks, Normalised, normalise_with_offsets};

use super::features::{FeatureContent, FeatureSink, Template, bucket};
use super::fixed::{LOGIT_SCALE, ONE, damping};
use super::{ClassProbabilities, TrainedScorer, row};

/// A score and its explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The score.
    pub score: Score,
    /// The probabilities of the classes.
    pub probabilities: ClassProbabilities,
    /// The contributions of the features, largest first.
    pub contributions: Vec<Contribution>,
}

/// The contribution of a feature to a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// A description of the feature.
    pub feature: String,
    /// Where it occurs first in the text, in bytes; `None` for a feature of the whole text.
    pub place: Option<Range<usize>>,
    /// The change of the value due to the feature, in classes.
    pub effect: f64,
}

/// Collects all features.
struct Collector(Vec<(Template, u64, FeatureContent)>);

impl FeatureSink for Collector {
    fn add(&mut self, template: Template, hash: u64, content: FeatureContent) {
        self.0.push((template, hash, content));
    }
}

pub(super) fn explain(scorer: &mut TrainedScorer, text: &str) -> Explanation {
    let normalised = normalise_with_offsets(text, LineBreaks::Kept);
    let mut features = Collector(Vec::new());
    scorer
        .extractor
        .extract(&normalised.text, scorer.weights.word_table(), &mut features);
    let bits = scorer.weights.header().bits;
    let rows: Vec<[i8; 4]> = features
        .0
        .iter()
        .map(|(_, hash, _)| row(scorer.weights.rows(), bucket(*hash, bits)))
        .collect();
    let mut steps = [0_i32; 4];
    for row in &rows {
        for (sum, weight) in steps.iter_mut().zip(row) {
            *sum += i32::from(*weight);
        }
    }
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let probabilities = scorer.probabilities_from(steps, count);
    let mut contributions = contributions(scorer, &features, &rows, (steps, count));
    for contribution in &mut contributions {
        contribution.place = to_original(&normalised, contribution.place.take());
    }
    contributions.push(Contribution {
        feature: "(start)".to_owned(),
        place: None,
        effect: start_value(scorer) - 2.0,
    });
    contributions.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    Explanation {
        score: probabilities.score(scorer.rule, &scorer.weights.header().rules),
        probabilities,
        contributions,
    }
}

fn to_original(normalised: &Normalised, place: Option<Range<usize>>) -> Option<Range<usize>> {
    place.map(|range| normalised.original_range(range))
}

/// The effects of the features, in order of first occurrence, with places in the normal form.
fn contributions(
    scorer: &TrainedScorer,
    features: &Collector,
    rows: &[[i8; 4]],
    (steps, count): ([i32; 4], u32),
) -> Vec<Contribution> {
    let header = scorer.weights.header();
    let slopes = scorer.logits(steps, count).map(|logit| {
        let probability = f64::from(scorer.logistic.probability(logit)) / f64::from(ONE);
        probability * (1.0 - probability)
    });
    let unit = damping(count) as f64 / 65_536.0 / f64::from(1 << 20);
    let mut contributions: Vec<Contribution> = Vec::new();
    let mut indices: HashMap<String, usize> = HashMap::new();
    for ((template, _, content), row) in features.0.iter().zip(rows) {
        let effect: f64 = (0..4)
            .map(|k| f64::from(row[k]) * header.scale[k] as f64 * unit * slopes[k])
            .sum();
        let feature = scorer.extractor.describe(*template, *content);
        let known = indices.get(&feature);
        match known.and_then(|index| contributions.get_mut(*index)) {
            Some(contribution) => contribution.effect += effect,
            None => {
                indices.insert(feature.clone(), contributions.len());
                contributions.push(Contribution {
                    feature,
                    place: scorer.extractor.range(*content),
                    effect,
                });
            }
        }
    }
    contributions
}

/// The value of a text without features.
fn start_value(scorer: &TrainedScorer) -> f64 {
    (0..4)
        .map(|k| scorer.weights.header().bias[k] as f64 / LOGIT_SCALE as f64)
        .map(|z| 1.0 / (1.0 + (-z).exp()))
        .sum()
}
