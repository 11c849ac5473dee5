//! The fit: four cumulative logistic regressions that share most of their weights.
//!
//! A feature's weight for step k is u + d_k: a common part for all steps and a part for each. L2
//! regularization shrinks both, so that the outer steps, for which labels are few, follow the inner
//! ones unless the data show a difference. The fit is stochastic gradient descent with AdaGrad's
//! rates (Duchi, Hazan and Singer, 2011) over shuffled examples.
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
    pub(crate) seed: u64,
}

/// The features of all examples, concatenated.
#[derive(Default)]
pub(crate) struct FeatureRows {
    pub(crate) features: Vec<u32>,
    /// The end of each example's features.
    pub(crate) ends: Vec<usize>,
}

impl FeatureRows {
    fn row(&self, index: usize) -> &[u32] {
        let start = index
            .checked_sub(1)
            .map_or(0, |previous| self.ends[previous]);
        &self.features[start..self.ends[index]]
    }
}

/// The target of an example.
pub(crate) struct Target {
    pub(crate) register: usize,
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

/// Fits weights to the examples.
pub(crate) fn fit(rows: &FeatureRows, targets: &[Target], parameters: &FitParameters) -> Fitted {
    let mut model = Model::new(rows, parameters);
    let mut order: Vec<usize> = (0..targets.len()).collect();
    let mut random = SplitMix(parameters.seed);
    for epoch in 0..parameters.epochs {
        random.shuffle(&mut order);
        let progress = epoch as f32 / parameters.epochs as f32;
        let rate = parameters.rate * (1.0 - progress).max(0.05);
        for &index in &order {
            model.update(rows.row(index), &targets[index], rate);
        }
    }
    model.into_fitted()
}

/// The parameters during the fit.
struct Model<'a> {
    parameters: &'a FitParameters,
    features: Vec<FeatureState>,
    bias: [f32; 4],
    register_bias: [[f32; 4]; REGISTERS],
}

impl<'a> Model<'a> {
    fn new(rows: &FeatureRows, parameters: &'a FitParameters) -> Self {
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
        }
    }

    /// A step of gradient descent on one example.
    fn update(&mut self, row: &[u32], target: &Target, rate: f32) {
        let gradient = self.gradient(row, target);
        for &feature in row {
            let state = &mut self.features[feature as usize];
            if self.parameters.shared {
                state.update(gradient, rate, self.parameters.l2);
            } else {
                state.update_separately(gradient, rate, self.parameters.l2);
            }
        }
    }

    /// Updates the biases, and returns the gradient by the weights of a feature.
    fn gradient(&mut self, row: &[u32], target: &Target) -> [f32; 4] {
        let damping = damping(row.len());
        let mut sums = [0.0; 4];
        for &feature in row {
            let state = &self.features[feature as usize];
            for (sum, step) in sums.iter_mut().zip(state.steps) {
                *sum += state.common + step;
            }
        }
        let register_bias = &mut self.register_bias[target.register];
        let mut gradient = [0.0; 4];
        for (k, gradient) in gradient.iter_mut().enumerate() {
            let logit = sums[k] * damping + self.bias[k] + register_bias[k];
            let error = (logistic(logit) - target.probabilities[k]) * target.weights[k];
            self.bias[k] -= BIAS_RATE * error;
            register_bias[k] -= BIAS_RATE * (error + 0.001 * register_bias[k]);
            *gradient = error * damping;
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

    fn fit_toy_data() -> Fitted {
        let mut rows = FeatureRows::default();
        let mut targets = Vec::new();
        for n in 0..400_u32 {
            let good = n % 2;
            rows.features.extend([good, 2 + n % 3]);
            rows.ends.push(rows.features.len());
            targets.push(Target {
                register: TWEETS,
                probabilities: [1.0, good as f32, good as f32, 0.0],
                weights: [1.0; 4],
            });
        }
        let parameters = FitParameters {
            bits: 8,
            epochs: 5,
            rate: 0.2,
            l2: 1.0,
            shared: true,
            seed: 1,
        };
        fit(&rows, &targets, &parameters)
    }

    #[test]
    fn fit_is_deterministic_and_finds_decisive_feature() {
        let (a, b) = (fit_toy_data(), fit_toy_data());
        assert_eq!(a.weights, b.weights);
        assert_eq!(a.bias, b.bias);
        assert!(
            a.weights[1][1] > 0.5 && a.weights[0][1] < -0.5,
            "{:?}",
            &a.weights[..5]
        );
        assert!(a.weights[3][1].abs() < 0.2, "{:?}", &a.weights[..5]);
    }
}
