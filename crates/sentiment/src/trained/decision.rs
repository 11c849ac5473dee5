//! From class probabilities to a class: the decision rules.
//!
//! Term: the *parameters* of a rule are chosen by the trainer on the development files and stored with
//! the weights.

use std::fmt;
use std::str::FromStr;

use moodvane_model::{Score, Sentiment};

use super::fixed::ONE;

/// The measure that the choice of the class optimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DecisionRule {
    /// The mean class of many posts matches the mean of human labels.
    #[default]
    Mean,
    /// Macro recall of negative, neutral and positive.
    Recall,
    /// Macro-averaged absolute error.
    Mae,
    /// Accuracy.
    Likely,
}

impl DecisionRule {
    /// All rules, in the order of the weights file.
    pub const ALL: [Self; 4] = [Self::Mean, Self::Recall, Self::Mae, Self::Likely];

    /// The rule's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Recall => "recall",
            Self::Mae => "mae",
            Self::Likely => "likely",
        }
    }
}

impl fmt::Display for DecisionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DecisionRule {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|rule| rule.name() == text);
        found.ok_or_else(|| format!("\"{text}\" must be mean, recall, mae or likely"))
    }
}

/// The parameters of all rules.
///
/// - `mean`: the lower bounds of classes 1, 2, 3 and 4, in millionths; the fifth is 0.
/// - the others: the weight of each class, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleParameters(pub [[u32; 5]; 4]);

/// The probabilities of the five classes, in units of 1/65536.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassProbabilities(pub [u32; 5]);

impl ClassProbabilities {
    /// From the probabilities of lying above each step, made non-increasing.
    pub(crate) fn from_steps(above: [u32; 4]) -> Self {
        let mut probabilities = [0; 5];
        let mut last = ONE;
        for (probability, above) in probabilities.iter_mut().zip(above) {
            let above = above.min(last);
            *probability = last - above;
            last = above;
        }
        probabilities[4] = last;
        Self(probabilities)
    }

    /// The expected class, in millionths.
    #[must_use]
    pub fn value_micros(&self) -> u32 {
        let sum: u64 = self
            .0
            .iter()
            .zip(0_u64..)
            .map(|(probability, class)| u64::from(*probability) * class)
            .sum();
        (sum * 1_000_000 / u64::from(ONE)) as u32
    }

    /// The class and value under a rule.
    #[must_use]
    pub fn score(&self, rule: DecisionRule, rules: &RuleParameters) -> Score {
        let class = self.class(rule, &rules.0[rule as usize]);
        Score::new(class, f64::from(self.value_micros()) / 1e6)
    }

    fn class(&self, rule: DecisionRule, parameters: &[u32; 5]) -> Sentiment {
        let weighted: [u64; 5] =
            std::array::from_fn(|c| u64::from(self.0[c]) * u64::from(parameters[c]));
        let class = match rule {
            DecisionRule::Mean => {
                let value = self.value_micros();
                parameters[..4]
                    .iter()
                    .filter(|from| value >= **from)
                    .count()
            }
            DecisionRule::Recall => heaviest_by_side(&self.0, parameters),
            DecisionRule::Mae => weighted_median(&weighted),
            DecisionRule::Likely => heaviest(&weighted),
        };
        Sentiment::ALL[class.min(4)]
    }
}

/// The heaviest of negative, neutral and positive, by the weights of classes 1, 2 and 3; then the heavier
/// class of that side.
fn heaviest_by_side(probabilities: &[u32; 5], parameters: &[u32; 5]) -> usize {
    let [n0, n1, n2, n3, n4] = parameters.map(u64::from);
    let [p0, p1, p2, p3, p4] = probabilities.map(u64::from);
    let sides = [(p0 + p1) * n1, p2 * n2, (p3 + p4) * n3];
    match heaviest(&sides) {
        0 if p0 * n0 > p1 * n1 => 0,
        0 => 1,
        1 => 2,
        _ if p4 * n4 > p3 * n3 => 4,
        _ => 3,
    }
}

/// The index of the largest weight, the first of equals.
fn heaviest(weighted: &[u64]) -> usize {
    let mut best = 0;
    for (class, weight) in weighted.iter().enumerate() {
        if *weight > weighted[best] {
            best = class;
        }
    }
    best
}

/// The median class by weight, which has the least expected absolute error.
fn weighted_median(weighted: &[u64; 5]) -> usize {
    let all: u64 = weighted.iter().sum();
    let mut below = 0;
    for (class, weight) in weighted.iter().enumerate() {
        below += weight;
        if 2 * below >= all {
            return class;
        }
    }
    4
}
