//! The trained scorer: features of a text, weighed, and a rule that turns shares into a class.
//!
//! Terms: a *step* lies between two neighbouring classes; the model says for each of the four steps
//! how probable it is that a text lies above it (cumulative logistic regression). A *rule* names
//! what the class is chosen for.
//!
//! Guarantee: answers depend on the text and the weights alone, bit for bit on every machine, for
//! all arithmetic is in integers; a call allocates nothing once the longest text has been seen; time
//! is linear in the text's length. Weights are whole and fit this code, or are refused.

mod decide;
mod explain;
mod features;
mod fixed;
mod piece;
mod read;
mod split;
mod weights;
mod word;
mod words;

pub use decide::{Rule, Rules, Shares};
pub use explain::{Explanation, Reason};
pub use features::{Of, Sink, Template, Templates, reader::FeatureReader};
pub use fixed::{LOGIT, damping};
pub use split::word_cells;
pub use weights::{
    Header, MAX_WEIGHTS_BYTES, Weights, WeightsError, feature_fingerprint, write_weights,
};

use moodvane_model::{Language, Score};

use self::features::bucket;
use self::fixed::Logistic;
use self::weights::ROW;
use crate::Scorer;

/// The weights that are built in.
static ENGLISH: &[u8] = include_bytes!("../../weights/english.weights");

/// Scores English texts by trained weights.
pub struct TrainedScorer {
    weights: Weights,
    rule: Rule,
    logistic: Logistic,
    reader: FeatureReader,
    fingerprint: String,
}

impl TrainedScorer {
    /// A scorer with the weights that are built in.
    ///
    /// # Errors
    /// Where the built-in weights do not fit this code: a fault of the build.
    pub fn english(rule: Rule) -> Result<Self, WeightsError> {
        Ok(Self::new(Weights::read(ENGLISH)?, rule))
    }

    /// A scorer with other weights.
    #[must_use]
    pub fn new(weights: Weights, rule: Rule) -> Self {
        let fingerprint = format!("trained-1-{:016x}-{rule}", weights.checksum());
        Self {
            rule,
            logistic: Logistic::new(),
            reader: FeatureReader::new(weights.header().templates),
            fingerprint,
            weights,
        }
    }

    /// The weights.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The probabilities of the five classes.
    pub fn shares(&mut self, text: &str) -> Shares {
        let mut sum = Sum {
            rows: self.weights.rows(),
            bits: self.weights.header().bits,
            steps: [0; 4],
            count: 0,
        };
        self.reader.read(text, self.weights.words(), &mut sum);
        let (steps, count) = (sum.steps, sum.count);
        self.shares_of(steps, count)
    }

    fn shares_of(&self, steps: [i32; 4], count: u32) -> Shares {
        Shares::of_reaching(
            self.logits(steps, count)
                .map(|logit| self.logistic.share(logit)),
        )
    }

    /// The logits of the four steps, in 4096ths.
    fn logits(&self, steps: [i32; 4], count: u32) -> [i64; 4] {
        let header = self.weights.header();
        let damping = damping(count);
        // 2^-20 of a logit times 2^-16 down to 2^-12.
        std::array::from_fn(|k| {
            ((i64::from(steps[k]) * header.scale[k] * damping) >> 24) + header.bias[k]
        })
    }

    /// The score, and what it rests on, the weightiest first.
    pub fn explain(&mut self, text: &str) -> Explanation {
        explain::explain(self, text)
    }
}

impl Scorer for TrainedScorer {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn speaks(&self, language: Option<Language>) -> bool {
        language.is_none_or(|language| language.as_str() == "en")
    }

    fn score(&mut self, text: &str) -> Score {
        self.shares(text)
            .score(self.rule, &self.weights.header().rules)
    }
}

/// Adds up the rows of features.
struct Sum<'a> {
    rows: &'a [u8],
    bits: u32,
    steps: [i32; 4],
    count: u32,
}

/// The weights of a feature, one for each step.
fn row(rows: &[u8], bucket: usize) -> [i8; 4] {
    match rows.get(ROW * bucket..ROW * (bucket + 1)) {
        Some(&[a, b, c, d]) => [a, b, c, d].map(u8::cast_signed),
        _ => [0; 4],
    }
}

impl Sink for Sum<'_> {
    #[inline]
    fn add(&mut self, _: Template, hash: u64, _: Of) {
        let row = row(self.rows, bucket(hash, self.bits));
        for (sum, weight) in self.steps.iter_mut().zip(row) {
            *sum += i32::from(weight);
        }
        self.count += 1;
    }
}
