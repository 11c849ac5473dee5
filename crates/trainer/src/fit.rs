//! The fit: four cumulative logistic regressions that share most of their weights.
//!
//! A feature's weight for step k is u + d_k: one part for all steps, one for each. Both are held
//! near 0 (L2), so that the outer steps, which few labels tell of, follow the inner ones unless the
//! data say otherwise. Stochastic gradient descent with AdaGrad's rates (Duchi, Hazan and Singer,
//! 2011), over shuffled examples.
//!
//! Guarantee: the same examples give the same weights, bit for bit: one thread, an own generator,
//! and nothing but IEEE 754's basic operations and square root.

use crate::corpus::{REGISTERS, TWEETS};

/// What the fit is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// There are 2^bits weights of each kind.
    pub(crate) bits: u32,
    pub(crate) epochs: u32,
    /// AdaGrad's rate at the start; it falls to a twentieth.
    pub(crate) rate: f32,
    /// L2 of the common part of a weight; of the parts by step it is twice that.
    pub(crate) l2: f32,
    /// Weights have a part common to all steps.
    pub(crate) shared: bool,
    pub(crate) seed: u64,
}

/// Feature numbers of all examples, end to end.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) features: Vec<u32>,
    pub(crate) ends: Vec<usize>,
}

impl Rows {
    fn row(&self, index: usize) -> &[u32] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.features[start..self.ends[index]]
    }
}

/// What an example says.
pub(crate) struct Goal {
    pub(crate) register: usize,
    pub(crate) targets: [f32; 4],
    pub(crate) weights: [f32; 4],
}

/// What comes out.
pub(crate) struct Fitted {
    pub(crate) weights: Vec<[f32; 4]>,
    pub(crate) bias: [f32; 4],
}

/// The parameters of one feature, side by side: they are used together.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Cell {
    common: f32,
    steps: [f32; 4],
    common_sum: f32,
    steps_sum: [f32; 4],
    /// One over the number of examples that have the feature.
    share: f32,
}

impl Cell {
    /// AdaGrad's sums begin at 1, so that the first examples of a rare feature do not decide it.
    const NEW: Self = Self {
        common: 0.0,
        steps: [0.0; 4],
        common_sum: 1.0,
        steps_sum: [1.0; 4],
        share: 0.0,
    };

    fn learn(&mut self, gradient: [f32; 4], rate: f32, l2: f32) {
        let pull = l2 * self.share;
        let common = 0.5 * gradient.iter().sum::<f32>() + pull * self.common;
        self.common_sum += common * common;
        self.common -= rate * common / self.common_sum.sqrt();
        let steps = self.steps.iter_mut().zip(&mut self.steps_sum);
        for ((weight, sum), gradient) in steps.zip(gradient) {
            let step = 0.5 * gradient + 2.0 * pull * *weight;
            *sum += step * step;
            *weight -= 0.5 * rate * step / sum.sqrt();
        }
    }
}

impl Cell {
    /// As [`learn`](Self::learn), with no common part.
    fn learn_apart(&mut self, gradient: [f32; 4], rate: f32, l2: f32) {
        let pull = l2 * self.share;
        let steps = self.steps.iter_mut().zip(&mut self.steps_sum);
        for ((weight, sum), gradient) in steps.zip(gradient) {
            let step = gradient + pull * *weight;
            *sum += step * step;
            *weight -= rate * step / sum.sqrt();
        }
    }
}

const BIAS_RATE: f32 = 0.01;

/// Fits weights to the examples.
pub(crate) fn fit(rows: &Rows, goals: &[Goal], plan: &Plan) -> Fitted {
    let mut cells = vec![Cell::NEW; 1 << plan.bits];
    for feature in &rows.features {
        cells[*feature as usize].share += 1.0;
    }
    for cell in &mut cells {
        cell.share = 1.0 / cell.share.max(1.0);
    }
    let mut common = [0.0; 4];
    let mut registers = [[0.0; 4]; REGISTERS];
    let mut order: Vec<usize> = (0..goals.len()).collect();
    let mut random = SplitMix(plan.seed);
    for epoch in 0..plan.epochs {
        random.shuffle(&mut order);
        let rate = plan.rate * (1.0 - epoch as f32 / plan.epochs as f32).max(0.05);
        for &index in &order {
            let (row, goal) = (rows.row(index), &goals[index]);
            let damping = damping(row.len());
            let mut sums = [0.0; 4];
            for &feature in row {
                let cell = &cells[feature as usize];
                for (sum, step) in sums.iter_mut().zip(cell.steps) {
                    *sum += cell.common + step;
                }
            }
            let own = &mut registers[goal.register];
            let mut gradient = [0.0; 4];
            for (k, gradient) in gradient.iter_mut().enumerate() {
                let logit = sums[k] * damping + common[k] + own[k];
                let error = (logistic(logit) - goal.targets[k]) * goal.weights[k];
                common[k] -= BIAS_RATE * error;
                own[k] -= BIAS_RATE * (error + 0.001 * own[k]);
                *gradient = error * damping;
            }
            for &feature in row {
                let cell = &mut cells[feature as usize];
                if plan.shared {
                    cell.learn(gradient, rate, plan.l2);
                } else {
                    cell.learn_apart(gradient, rate, plan.l2);
                }
            }
        }
    }
    Fitted {
        weights: cells
            .iter()
            .map(|cell| cell.steps.map(|step| step + cell.common))
            .collect(),
        bias: std::array::from_fn(|k| common[k] + registers[TWEETS][k]),
    }
}

/// As the scorer has it: √(60 / (count + 5)).
fn damping(count: usize) -> f32 {
    (60.0 / (count as f32 + 5.0)).sqrt()
}

/// 1 / (1 + e^-x), with basic operations alone.
pub(crate) fn logistic(x: f32) -> f32 {
    let x = x.clamp(-30.0, 30.0);
    // The series at x / 64, then squared six times.
    let small = -x / 64.0;
    let series = 1.0 + small * (1.0 + small / 2.0 * (1.0 + small / 3.0 * (1.0 + small / 4.0)));
    let power = (0..6).fold(series, |power, _| power * power);
    1.0 / (1.0 + power)
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
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

    #[test]
    fn the_logistic_function_is_near_enough() {
        for x in -200..200 {
            let x = x as f32 / 10.0;
            let expected = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(logistic(x)) - expected).abs() < 1e-3, "{x}");
        }
    }

    fn toy() -> Fitted {
        let mut rows = Rows::default();
        let mut goals = Vec::new();
        for n in 0..400_u32 {
            let good = n % 2;
            rows.features.extend([good, 2 + n % 3]);
            rows.ends.push(rows.features.len());
            goals.push(Goal {
                register: TWEETS,
                targets: [1.0, good as f32, good as f32, 0.0],
                weights: [1.0; 4],
            });
        }
        let plan = Plan {
            bits: 8,
            epochs: 5,
            rate: 0.2,
            l2: 1.0,
            shared: true,
            seed: 1,
        };
        fit(&rows, &goals, &plan)
    }

    #[test]
    fn it_learns_which_feature_decides_and_does_so_alike_each_time() {
        let (a, b) = (toy(), toy());
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
