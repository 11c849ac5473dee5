//! The fit: four cumulative logistic regressions.
//!
//! The fit is stochastic gradient descent with L2 regularization and AdaGrad's rates (Duchi, Hazan and
//! Singer, 2011) over shuffled examples. At each visit of an example some of its features are left out at
//! random, so that no weight relies on another feature (dropout: Srivastava et al., 2014; for logistic
//! regression Wager, Wang and Liang, "Dropout training as adaptive regularization", 2013), and mostly all
//! features of its names. A bias per topic takes up the mood of the topic, so that the words of its texts
//! do not.
//!
//! Optionally, a feature's weight for step k is u + d_k: a common part for all steps and a part for each,
//! so that the outer steps, for which labels are few, follow the inner ones.
//!
//! Guarantee: equal examples give equal weights, bit for bit. The fit uses one thread, its own random
//! generator, and only basic operations and the square root of IEEE 754.

use crate::corpus::{REGISTERS, TWEETS};
use crate::logistic::logistic;

/// The hyperparameters of a fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FitParameters {
    /// The number of rows of weights is 2^bits.
    pub(crate) bits: u32,
    pub(crate) epochs: u32,
    /// The initial rate of AdaGrad. It decreases to a twentieth.
    pub(crate) rate: f32,
    /// The L2 regularization of the common parts. That of the parts of the steps is twice as strong.
    pub(crate) l2: f32,
    /// Whether weights have a part that is common to all steps.
    pub(crate) shared: bool,
    /// The probability that the features of an example's names are left out at a visit.
    pub(crate) name_dropout: f32,
    /// The probability that another feature is left out at a visit.
    pub(crate) feature_dropout: f32,
    /// The L2 regularization of the topics' biases; infinite for none.
    pub(crate) topic_l2: f32,
    pub(crate) seed: u64,
}

/// The features of all examples, concatenated.
#[derive(Default)]
pub(crate) struct FeatureRows {
    pub(crate) features: Vec<u32>,
    /// The end of each example's features.
    pub(crate) ends: Vec<usize>,
    /// The start of the features of each example's names, which come last.
    pub(crate) name_starts: Vec<usize>,
}

impl FeatureRows {
    fn row(&self, index: usize) -> Row<'_> {
        let start = index
            .checked_sub(1)
            .map_or(0, |previous| self.ends[previous]);
        let (plain, names) =
            self.features[start..self.ends[index]].split_at(self.name_starts[index] - start);
        Row { plain, names }
    }
}

/// The features of an example.
#[derive(Clone, Copy)]
struct Row<'a> {
    plain: &'a [u32],
    /// The features that touch a name.
    names: &'a [u32],
}

impl Row<'_> {
    fn len(self) -> usize {
        self.plain.len() + self.names.len()
    }
}

/// The target of an example.
pub(crate) struct Target {
    pub(crate) register: usize,
    /// The topic of the label, numbered from 0.
    pub(crate) topic: Option<usize>,
    /// The probability of a class above each step.
    pub(crate) probabilities: [f32; 4],
    /// The weight of each step.
    pub(crate) weights: [f32; 4],
}

/// The fitted parameters.
pub(crate) struct Fitted {
    pub(crate) weights: Vec<[f32; 4]>,
    pub(crate) bias: [f32; 4],
}

/// The parameters of one feature and their AdaGrad sums, in one cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct FeatureState {
    common: f32,
    steps: [f32; 4],
    common_sum: f32,
    steps_sum: [f32; 4],
    /// 1 over the number of occurrences of the feature.
    inverse_count: f32,
}

impl FeatureState {
    /// AdaGrad's sums start at 1, so that the first example of a rare feature does not determine its
    /// weight.
    const NEW: Self = Self {
        common: 0.0,
        steps: [0.0; 4],
        common_sum: 1.0,
        steps_sum: [1.0; 4],
        inverse_count: 0.0,
    };

    fn update(&mut self, gradient: [f32; 4], rate: f32, l2: f32) {
        let shrinkage = l2 * self.inverse_count;
        let common = 0.5 * gradient.iter().sum::<f32>() + shrinkage * self.common;
        self.common_sum += common * common;
        self.common -= rate * common / self.common_sum.sqrt();
        let steps = self.steps.iter_mut().zip(&mut self.steps_sum);
        for ((weight, sum), gradient) in steps.zip(gradient) {
            let step = 0.5 * gradient + 2.0 * shrinkage * *weight;
            *sum += step * step;
            *weight -= 0.5 * rate * step / sum.sqrt();
        }
    }

    /// As [`update`](Self::update), without a common part.
    fn update_separately(&mut self, gradient: [f32; 4], rate: f32, l2: f32) {
        let shrinkage = l2 * self.inverse_count;
        let steps = self.steps.iter_mut().zip(&mut self.steps_sum);
        for ((weight, sum), gradient) in steps.zip(gradient) {
            let step = gradient + shrinkage * *weight;
            *sum += step * step;
            *weight -= rate * step / sum.sqrt();
        }
    }
}

const BIAS_RATE: f32 = 0.01;
const TOPIC_RATE: f32 = 0.02;
/// The shrinkage of a topic's bias at a visit, per unit of `topic_l2`.
const TOPIC_L2_UNIT: f32 = 0.01;

/// Fits weights to the examples.
pub(crate) fn fit(rows: &FeatureRows, targets: &[Target], parameters: &FitParameters) -> Fitted {
    let topics = targets.iter().filter_map(|target| target.topic);
    let mut model = Model::new(rows, topics.max().map_or(0, |last| last + 1), parameters);
    let mut order: Vec<usize> = (0..targets.len()).collect();
    let mut random = SplitMix(parameters.seed);
    let mut kept = Vec::new();
    for epoch in 0..parameters.epochs {
        random.shuffle(&mut order);
        let progress = epoch as f32 / parameters.epochs as f32;
        let rate = parameters.rate * (1.0 - progress).max(0.05);
        for &index in &order {
            let row = rows.row(index);
            let visit = Visit {
                damping: damping(row.len()) / (1.0 - parameters.feature_dropout),
                target: &targets[index],
                rate,
            };
            keep_features(row, parameters, &mut random, &mut kept);
            model.update(&kept, &visit);
        }
    }
    model.into_fitted()
}

/// A visit of an example.
struct Visit<'a> {
    /// The factor of the sum of the kept weights.
    damping: f32,
    target: &'a Target,
    rate: f32,
}

/// Draws the features of an example that a visit keeps.
fn keep_features(
    row: Row<'_>,
    parameters: &FitParameters,
    random: &mut SplitMix,
    kept: &mut Vec<u32>,
) {
    let keeps_names = row.names.is_empty() || random.share() >= parameters.name_dropout;
    let names = if keeps_names { row.names } else { &[] };
    let features = row.plain.iter().chain(names).copied();
    kept.clear();
    kept.extend(features.filter(|_| random.share() >= parameters.feature_dropout));
}

/// The parameters during the fit.
struct Model<'a> {
    parameters: &'a FitParameters,
    features: Vec<FeatureState>,
    bias: [f32; 4],
    register_bias: [[f32; 4]; REGISTERS],
    /// The bias of each topic, the same for all steps.
    topic_bias: Vec<f32>,
}

impl<'a> Model<'a> {
    fn new(rows: &FeatureRows, topics: usize, parameters: &'a FitParameters) -> Self {
        let mut features = vec![FeatureState::NEW; 1 << parameters.bits];
        for feature in &rows.features {
            features[*feature as usize].inverse_count += 1.0;
        }
        for feature in &mut features {
            feature.inverse_count = 1.0 / feature.inverse_count.max(1.0);
        }
        Self {
            parameters,
            features,
            bias: [0.0; 4],
            register_bias: [[0.0; 4]; REGISTERS],
            topic_bias: vec![0.0; topics],
        }
    }

    /// A step of gradient descent on the kept features of one example.
    fn update(&mut self, kept: &[u32], visit: &Visit<'_>) {
        let gradient = self.gradient(kept, visit);
        for &feature in kept {
            let state = &mut self.features[feature as usize];
            if self.parameters.shared {
                state.update(gradient, visit.rate, self.parameters.l2);
            } else {
                state.update_separately(gradient, visit.rate, self.parameters.l2);
            }
        }
    }

    /// Updates the biases, and returns the gradient by the weights of a feature.
    fn gradient(&mut self, kept: &[u32], visit: &Visit<'_>) -> [f32; 4] {
        let Visit {
            damping, target, ..
        } = *visit;
        let mut sums = [0.0; 4];
        for &feature in kept {
            let state = &self.features[feature as usize];
            for (sum, step) in sums.iter_mut().zip(state.steps) {
                *sum += state.common + step;
            }
        }
        let register_bias = &mut self.register_bias[target.register];
        let topic_bias = target.topic.map_or(0.0, |topic| self.topic_bias[topic]);
        let mut gradient = [0.0; 4];
        let mut topic_gradient = TOPIC_L2_UNIT * self.parameters.topic_l2 * topic_bias;
        for (k, gradient) in gradient.iter_mut().enumerate() {
            let logit = sums[k] * damping + self.bias[k] + register_bias[k] + topic_bias;
            let error = (logistic(logit) - target.probabilities[k]) * target.weights[k];
            self.bias[k] -= BIAS_RATE * error;
            register_bias[k] -= BIAS_RATE * (error + 0.001 * register_bias[k]);
            topic_gradient += error;
            *gradient = error * damping;
        }
        if let Some(topic) = target
            .topic
            .filter(|_| self.parameters.topic_l2.is_finite())
        {
            self.topic_bias[topic] -= TOPIC_RATE * topic_gradient;
        }
        gradient
    }

    fn into_fitted(self) -> Fitted {
        Fitted {
            weights: self
                .features
                .iter()
                .map(|feature| feature.steps.map(|step| step + feature.common))
                .collect(),
            bias: std::array::from_fn(|k| self.bias[k] + self.register_bias[TWEETS][k]),
        }
    }
}

/// The factor that the scorer applies to the sum of `count` weights: √(60 / (count + 5)).
fn damping(count: usize) -> f32 {
    (60.0 / (count as f32 + 5.0)).sqrt()
}

/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    fn share(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            let other = self.next() % (last as u64 + 1);
            order.swap(last, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples in which feature 1 is decisive. Feature 5, that of a name, occurs with it in the texts of
    /// topic 1.
    fn fit_toy_data(change: fn(&mut FitParameters)) -> Fitted {
        let mut rows = FeatureRows::default();
        let mut targets = Vec::new();
        for n in 0..400_u32 {
            let good = n % 2;
            rows.features.extend([good, 2 + n % 3]);
            rows.name_starts.push(rows.features.len());
            rows.features.extend((good == 1).then_some(5));
            rows.ends.push(rows.features.len());
            targets.push(Target {
                register: TWEETS,
                topic: Some(good as usize),
                probabilities: [1.0, good as f32, good as f32, 0.0],
                weights: [1.0; 4],
            });
        }
        let mut parameters = FitParameters {
            bits: 8,
            epochs: 5,
            rate: 0.2,
            l2: 1.0,
            shared: true,
            name_dropout: 0.0,
            feature_dropout: 0.2,
            topic_l2: f32::INFINITY,
            seed: 1,
        };
        change(&mut parameters);
        fit(&rows, &targets, &parameters)
    }

    #[test]
    fn fit_is_deterministic_and_finds_decisive_feature() {
        let (a, b) = (fit_toy_data(|_| {}), fit_toy_data(|_| {}));
        assert_eq!(a.weights, b.weights);
        assert_eq!(a.bias, b.bias);
        assert!(
            a.weights[1][1] > 0.5 && a.weights[0][1] < -0.5,
            "{:?}",
            &a.weights[..5]
        );
        assert!(a.weights[3][1].abs() < 0.3, "{:?}", &a.weights[..5]);
    }

    #[test]
    fn name_dropout_shrinks_weights_of_names() {
        let with = |change| fit_toy_data(change).weights[5][1];
        let kept = with(|_| {});
        let mostly_dropped = with(|p| p.name_dropout = 0.9);
        assert!(
            kept > 0.2 && mostly_dropped < 0.6 * kept,
            "{kept} {mostly_dropped}"
        );
        assert_eq!(with(|p| p.name_dropout = 1.0), 0.0);
    }

    #[test]
    fn topic_bias_takes_up_mood_of_topic() {
        let with = |change| fit_toy_data(change).weights[1][1];
        assert!(with(|p| p.topic_l2 = 0.1) < 0.95 * with(|_| {}));
    }
}
