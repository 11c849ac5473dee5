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
        let mut sum = Sum::new(&self.weights);
        self.reader.read(text, self.weights.words(), &mut sum);
        let (steps, count) = sum.finish();
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

/// The bytes of four weights, with this added to each, are numbers without a sign.
const BIAS: u32 = 0x8080_8080;
/// So many of them fit into half a word.
const FIT: u32 = 256;
/// The lower byte of each half.
const LOW_HALVES: u32 = 0x00ff_00ff;

/// Adds up the rows of features.
///
/// Two weights are added at once: they lie in the halves of a word, each a byte with [`BIAS`], so that
/// [`FIT`] of them fit; then they are moved to the sums.
struct Sum<'a> {
    rows: &'a [[u8; ROW]],
    shift: u32,
    /// The weights of steps 0 and 2, and of 1 and 3.
    pairs: [u32; 2],
    steps: [i32; 4],
    count: u32,
}

impl<'a> Sum<'a> {
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
    fn move_pairs(&mut self) {
        let [even, odd] = std::mem::take(&mut self.pairs);
        for (sum, half) in self
            .steps
            .iter_mut()
            .zip([even, odd, even >> 16, odd >> 16])
        {
            *sum += (half & 0xffff) as i32;
        }
    }

    /// The sums of the four steps, and of how many features.
    fn finish(mut self) -> ([i32; 4], u32) {
        self.move_pairs();
        // 128 for each, which the bias was.
        let bias = 128 * self.count.cast_signed();
        (self.steps.map(|sum| sum - bias), self.count)
    }
}

/// The weights of a feature, one for each step.
fn row(rows: &[[u8; ROW]], bucket: usize) -> [i8; 4] {
    rows.get(bucket)
        .map_or([0; 4], |row| row.map(u8::cast_signed))
}

impl Sink for Sum<'_> {
    #[inline]
    fn add(&mut self, _: Template, hash: u64, _: Of) {
        // There is a row for every number of so many bits.
        let row = self.rows.get((hash >> self.shift) as usize);
        let weights = u32::from_le_bytes(row.copied().unwrap_or_default()) ^ BIAS;
        self.pairs[0] += weights & LOW_HALVES;
        self.pairs[1] += (weights >> 8) & LOW_HALVES;
        self.count += 1;
        if self.count.is_multiple_of(FIT) {
            self.move_pairs();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any number of rows comes to the plain sum, at the bound of what fits and beyond.
    #[test]
    fn rows_are_added_as_they_are() {
        let header = Header {
            bits: 8,
            ..Header::default()
        };
        let rows: Vec<[i8; 4]> = (0..256)
            .map(|n| [n as i8, 127, -128, (n * 7) as i8])
            .collect();
        let weights = Weights::read(write_weights(&header, &rows, &[])).unwrap();
        for count in [0, 1, 255, 256, 257, 1_000, 100_000_u64] {
            let mut sum = Sum::new(&weights);
            let mut expected = [0_i32; 4];
            let buckets: Vec<u64> = (0..count).map(|n| n * 97 % 256).collect();
            let hashes: Vec<u64> = buckets.iter().map(|bucket| bucket << 56).collect();
            for hash in hashes {
                sum.add(Template::One, hash, Of::Pieces(0, 0));
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
