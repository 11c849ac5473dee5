//! From shares to a class: the named rules.
//!
//! Terms: the *shares* of a text are the probabilities of its five classes; a rule's *numbers* are
//! chosen on the development files by the trainer and kept with the weights.

use std::fmt;
use std::str::FromStr;

use moodvane_model::{Score, Sentiment};

use super::fixed::ONE;

/// What a class is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rule {
    /// The mean class of many posts follows the mean of people's labels.
    #[default]
    Mean,
    /// The best mean recall of negative, neutral and positive.
    Recall,
    /// The least absolute error, meant over the classes.
    Mae,
    /// The class that is most often right.
    Likely,
}

impl Rule {
    /// Every rule, in the order in which weights keep them.
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

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Rule {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|rule| rule.name() == text);
        found.ok_or_else(|| format!("\"{text}\" must be mean, recall, mae or likely"))
    }
}

/// The numbers of every rule.
///
/// - `mean`: the values from which on a text is of class 1, 2, 3 and 4, in millionths; a fifth, 0.
/// - the others: how much each class weighs, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules(pub [[u32; 5]; 4]);

/// The probabilities of the five classes, in 65536ths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares(pub [u32; 5]);

impl Shares {
    /// Of the shares of reaching class 1, 2, 3 and 4. A higher class is reached no more often than
    /// a lower one.
    pub(crate) fn of_reaching(reaching: [u32; 4]) -> Self {
        let mut shares = [0; 5];
        let mut last = ONE;
        for (share, reached) in shares.iter_mut().zip(reaching) {
            let reached = reached.min(last);
            *share = last - reached;
            last = reached;
        }
        shares[4] = last;
        Self(shares)
    }

    /// The mean of the classes by their shares, in millionths.
    #[must_use]
    pub fn value_micros(&self) -> u32 {
        let sum: u64 = self
            .0
            .iter()
            .zip(0_u64..)
            .map(|(share, class)| u64::from(*share) * class)
            .sum();
        (sum * 1_000_000 / u64::from(ONE)) as u32
    }

    /// The class and value by a rule.
    #[must_use]
    pub fn score(&self, rule: Rule, rules: &Rules) -> Score {
        let class = self.class(rule, &rules.0[rule as usize]);
        Score::new(class, f64::from(self.value_micros()) / 1e6)
    }

    fn class(&self, rule: Rule, numbers: &[u32; 5]) -> Sentiment {
        let weighed: [u64; 5] =
            std::array::from_fn(|c| u64::from(self.0[c]) * u64::from(numbers[c]));
        let class = match rule {
            Rule::Mean => {
                let value = self.value_micros();
                numbers[..4].iter().filter(|from| value >= **from).count()
            }
            Rule::Recall => by_side(&self.0, numbers),
            Rule::Mae => median(&weighed),
            Rule::Likely => most(&weighed),
        };
        Sentiment::ALL[class.min(4)]
    }
}

/// The side that weighs most, by the weights of classes 1, 2 and 3; then the outer class of that
/// side where it weighs more than the inner one.
fn by_side(shares: &[u32; 5], numbers: &[u32; 5]) -> usize {
    let [n0, n1, n2, n3, n4] = numbers.map(u64::from);
    let [p0, p1, p2, p3, p4] = shares.map(u64::from);
    let sides = [(p0 + p1) * n1, p2 * n2, (p3 + p4) * n3];
    match most(&sides) {
        0 if p0 * n0 > p1 * n1 => 0,
        0 => 1,
        1 => 2,
        _ if p4 * n4 > p3 * n3 => 4,
        _ => 3,
    }
}

/// The first of those that weigh most.
fn most(weighed: &[u64]) -> usize {
    let mut best = 0;
    for (class, weight) in weighed.iter().enumerate() {
        if *weight > weighed[best] {
            best = class;
        }
    }
    best
}

/// The class at which half of the weight is reached: it has the least expected absolute error.
fn median(weighed: &[u64; 5]) -> usize {
    let all: u64 = weighed.iter().sum();
    let mut below = 0;
    for (class, weight) in weighed.iter().enumerate() {
        below += weight;
        if 2 * below >= all {
            return class;
        }
    }
    4
}
