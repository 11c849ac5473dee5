//! The trained scorer: weighted features of a text, and a decision rule from probabilities to a class.
//!
//! Terms: a *step* is the boundary between two neighbouring classes; the model gives, for each of the
//! four steps, the probability that a text lies above it (cumulative logistic regression). A *decision
//! rule* names the measure that the choice of the class optimises.
//!
//! Guarantees: scores depend only on the text and the weights, and are bit-identical on every machine,
//! because arithmetic is in integers. A call allocates nothing after the longest text. Time is linear in
//! the length of the text. Weights that are damaged or do not match this code are rejected.

mod decision;
mod explain;
mod features;
mod fixed;
mod piece;
mod reader;
mod split;
mod weights;
mod word;
mod words;

pub use decision::{ClassProbabilities, DecisionRule, RuleParameters};
pub use explain::{Contribution, Explanation};
pub use features::{
    FeatureContent, FeatureSink, Template, TemplateSet, extractor::FeatureExtractor,
};
pub use fixed::{LOGIT_SCALE, damping};
pub use split::build_word_table;
pub use weights::{
    MAX_WEIGHTS_BYTES, Weights, WeightsError, WeightsHeader, encode_weights, feature_fingerprint,
};

use moodvane_model::{Calibration, Language, Score};

use self::fixed::Logistic;
use self::weights::ROW;
use crate::Scorer;

/// The version of the scorer's code: the normal form of texts, the features and the arithmetic. Raise it
/// when a code change alters a score of the same weights; the checksum covers the weights alone.
///
/// 2: texts are scored in their normal form.
const VERSION: u32 = 2;

/// The built-in weights.
static ENGLISH: &[u8] = include_bytes!("../../weights/english.weights");

/// Scores English texts with trained weights.
pub struct TrainedScorer {
    weights: Weights,
    rule: DecisionRule,
    logistic: Logistic,
    extractor: FeatureExtractor,
    fingerprint: String,
}

impl TrainedScorer {
    /// A scorer with the built-in weights.
    ///
    /// # Errors
    /// If the built-in weights do not match this code, which is a build error.
    pub fn english(rule: DecisionRule) -> Result<Self, WeightsError> {
        Ok(Self::new(Weights::read(ENGLISH)?, rule))
    }

    /// A scorer with the given weights.
    #[must_use]
    pub fn new(weights: Weights, rule: DecisionRule) -> Self {
        let fingerprint = format!("trained-{VERSION}-{:016x}-{rule}", weights.checksum());
        Self {
            rule,
            logistic: Logistic::new(),
            extractor: FeatureExtractor::new(weights.header().templates),
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
    pub fn class_probabilities(&mut self, text: &str) -> ClassProbabilities {
        let mut sum = WeightSum::new(&self.weights);
        self.extractor
            .extract(text, self.weights.word_table(), &mut sum);
        let (steps, count) = sum.finish();
        self.probabilities_from(steps, count)
    }

    fn probabilities_from(&self, steps: [i32; 4], count: u32) -> ClassProbabilities {
        ClassProbabilities::from_steps(
            self.logits(steps, count)
                .map(|logit| self.logistic.probability(logit)),
        )
    }

    /// The logits of the four steps, in units of 1/4096.
    fn logits(&self, steps: [i32; 4], count: u32) -> [i64; 4] {
        let header = self.weights.header();
        let damping = damping(count);
        // Units: 2^-20 logits times 2^-16, shifted to 2^-12.
        std::array::from_fn(|k| {
            ((i64::from(steps[k]) * header.scale[k] * damping) >> 24) + header.bias[k]
        })
    }

    /// The score with the contributions of its features, largest first.
    pub fn explain(&mut self, text: &str) -> Explanation {
        explain::explain(self, text)
    }
}

impl Scorer for TrainedScorer {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn supports_language(&self, language: Option<Language>) -> bool {
        language.is_none_or(|language| language.as_str() == "en")
    }

    fn score(&mut self, text: &str) -> Score {
        self.class_probabilities(text)
            .score(self.rule, &self.weights.header().rules)
    }

    fn calibration(&self) -> Option<&Calibration> {
        self.weights.header().calibration.as_ref()
    }
}

/// Added to each of the four bytes of a row, to make the weights unsigned.
const BIAS: u32 = 0x8080_8080;
/// The number of unsigned bytes whose sum fits into 16 bits.
const MAX_PENDING: u32 = 256;
/// Mask of the lower byte of each half word.
const LOW_BYTES: u32 = 0x00ff_00ff;

/// Sums the rows of the features.
///
/// One addition sums two weights: each half of a word accumulates bytes with [`BIAS`], up to
/// [`MAX_PENDING`] of them, before they are flushed to the sums.
struct WeightSum<'a> {
    rows: &'a [[u8; ROW]],
    shift: u32,
    /// Pending sums of steps 0 and 2, and of steps 1 and 3.
    pairs: [u32; 2],
    steps: [i32; 4],
    count: u32,
}

impl<'a> WeightSum<'a> {
    fn new(weights: &'a Weights) -> Self {
        Self {
            rows: weights.rows(),
            shift: 64 - weights.header().bits,
            pairs: [0; 2],
            steps: [0; 4],
            count: 0,
        }
    }

    #[cold]
    fn flush_pairs(&mut self) {
        let [even, odd] = std::mem::take(&mut self.pairs);
        for (sum, half) in self
            .steps
            .iter_mut()
            .zip([even, odd, even >> 16, odd >> 16])
        {
            *sum += (half & 0xffff) as i32;
        }
    }

    /// The sums of the four steps, and the number of features.
    fn finish(mut self) -> ([i32; 4], u32) {
        self.flush_pairs();
        // The bias added 128 for each feature.
        let bias = 128 * self.count.cast_signed();
        (self.steps.map(|sum| sum - bias), self.count)
    }
}

/// The weights of a feature, one per step.
fn row(rows: &[[u8; ROW]], bucket: usize) -> [i8; 4] {
    rows.get(bucket)
        .map_or([0; 4], |row| row.map(u8::cast_signed))
}

impl FeatureSink for WeightSum<'_> {
    #[inline]
    fn add(&mut self, _: Template, hash: u64, _: FeatureContent) {
        // Every value of this many bits has a row.
        let row = self.rows.get((hash >> self.shift) as usize);
        let weights = u32::from_le_bytes(row.copied().unwrap_or_default()) ^ BIAS;
        self.pairs[0] += weights & LOW_BYTES;
        self.pairs[1] += (weights >> 8) & LOW_BYTES;
        self.count += 1;
        if self.count.is_multiple_of(MAX_PENDING) {
            self.flush_pairs();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result equals the plain sum below, at and above the flush bound.
    #[test]
    fn sum_equals_plain_sum_of_rows() {
        let header = WeightsHeader {
            bits: 8,
            ..WeightsHeader::default()
        };
        let rows: Vec<[i8; 4]> = (0..256)
            .map(|n| [n as i8, 127, -128, (n * 7) as i8])
            .collect();
        let weights = Weights::read(encode_weights(&header, &rows, &[])).unwrap();
        for count in [0, 1, 255, 256, 257, 1_000, 100_000_u64] {
            let mut sum = WeightSum::new(&weights);
            let mut expected = [0_i32; 4];
            let buckets: Vec<u64> = (0..count).map(|n| n * 97 % 256).collect();
            let hashes: Vec<u64> = buckets.iter().map(|bucket| bucket << 56).collect();
            for hash in hashes {
                sum.add(Template::One, hash, FeatureContent::Pieces(0, 0));
            }
            for bucket in buckets {
                let bucket = bucket as usize;
                for (sum, weight) in expected.iter_mut().zip(rows[bucket]) {
                    *sum += i32::from(weight);
                }
            }
            assert_eq!(sum.finish(), (expected, count as u32), "{count}");
        }
    }
}
