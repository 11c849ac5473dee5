//! Why a text has its score: the features that moved it.
//!
//! A feature's *effect* is how far the value would move, in classes, if the feature alone were taken
//! away, to first order. Features that hold the same pieces are told as one.

use std::collections::HashMap;

use moodvane_model::Score;

use super::features::{Of, Sink, Template, bucket};
use super::fixed::{LOGIT, ONE, damping};
use super::{Shares, TrainedScorer, row};

/// A score and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The score.
    pub score: Score,
    /// The probabilities of the classes.
    pub shares: Shares,
    /// The features, the weightiest first.
    pub reasons: Vec<Reason>,
}

/// A feature and its effect.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What it holds, for people.
    pub what: String,
    /// How far it moves the value, in classes.
    pub effect: f64,
}

/// Keeps every feature.
struct Keep(Vec<(Template, u64, Of)>);

impl Sink for Keep {
    fn add(&mut self, template: Template, hash: u64, of: Of) {
        self.0.push((template, hash, of));
    }
}

pub(super) fn explain(scorer: &mut TrainedScorer, text: &str) -> Explanation {
    let mut keep = Keep(Vec::new());
    scorer.reader.read(text, scorer.weights.words(), &mut keep);
    let header = scorer.weights.header();
    let rows: Vec<[i8; 4]> = keep
        .0
        .iter()
        .map(|(_, hash, _)| row(scorer.weights.rows(), bucket(*hash, header.bits)))
        .collect();
    let mut steps = [0_i32; 4];
    for row in &rows {
        for (sum, weight) in steps.iter_mut().zip(row) {
            *sum += i32::from(*weight);
        }
    }
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let shares = scorer.shares_of(steps, count);
    let slopes = scorer.logits(steps, count).map(|logit| {
        let share = f64::from(scorer.logistic.share(logit)) / f64::from(ONE);
        share * (1.0 - share)
    });
    let unit = damping(count) as f64 / 65_536.0 / f64::from(1 << 20);
    let mut reasons: Vec<Reason> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for ((template, _, of), row) in keep.0.iter().zip(rows) {
        let effect: f64 = (0..4)
            .map(|k| f64::from(row[k]) * header.scale[k] as f64 * unit * slopes[k])
            .sum();
        let what = scorer.reader.name(*template, *of);
        match places.get(&what).and_then(|place| reasons.get_mut(*place)) {
            Some(reason) => reason.effect += effect,
            None => {
                places.insert(what.clone(), reasons.len());
                reasons.push(Reason { what, effect });
            }
        }
    }
    let start: f64 = (0..4)
        .map(|k| header.bias[k] as f64 / LOGIT as f64)
        .map(|z| 1.0 / (1.0 + (-z).exp()))
        .sum();
    reasons.push(Reason {
        what: "(start)".to_owned(),
        effect: start - 2.0,
    });
    reasons.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    let score = shares.score(scorer.rule, &header.rules);
    Explanation {
        score,
        shares,
        reasons,
    }
}
