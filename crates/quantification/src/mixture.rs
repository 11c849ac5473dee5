//! The class shares with the highest posterior probability, given a histogram of values.
//!
//! The histogram of posts with class shares π is multinomial with cell probabilities Σ π_c P(cell | c).
//! With a Dirichlet prior of weight a and mean q, the logarithm of the posterior is, up to a constant,
//!
//!   L(π) = Σ_cell n_cell log Σ_c π_c P(cell | c) + a Σ_c q_c log π_c.
//!
//! Its maximum on Σ π = 1 is that of L(π) - (n + a) Σ π over all positive π, because L rises by n + a when
//! the logarithms of all π rise by 1. The function is strictly concave, so Newton's method with a step
//! that stays positive finds the maximum in a few steps; EM needs hundreds.

use moodvane_model::{Calibration, VALUE_CELLS, ValueHistogram};

use crate::solve::Cholesky;

/// The number of pseudo-counts, distributed as the texts of all classes, that are added to the counts
/// of each class: rare classes have few texts, and no cell is impossible.
const SMOOTHING: f64 = 2.5;
/// The most Newton steps; 5 to 12 are usual.
const MAX_STEPS: usize = 60;
/// The steps end where the largest change of a share is below this.
const TOLERANCE: f64 = 1e-12;
/// A step goes at most this part of the way to where a share is 0.
const BOUNDARY_FRACTION: f64 = 0.9;

/// The distribution of the values of each class, and the shares of the classes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mixture {
    /// P(cell | class).
    cells: [[f64; 5]; VALUE_CELLS],
    /// The class shares of the calibration, the mean of the prior.
    prior: [f64; 5],
}

/// The maximum of the posterior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Posterior {
    pub(crate) distribution: [f64; 5],
    /// The variance of the mean class, by Laplace's approximation.
    pub(crate) mean_variance: f64,
}

impl Mixture {
    pub(crate) fn new(calibration: &Calibration) -> Self {
        let classes = calibration.classes();
        let texts = calibration.texts() as f64;
        let mut all = ValueHistogram::default();
        for class in classes {
            all.merge(&class.histogram);
        }
        // One more text in every cell, so that a value that no text had is not impossible.
        let pooled = |cell: usize| (all.0[cell] as f64 + 1.0) / (texts + VALUE_CELLS as f64);
        let probability = |cell: usize, class: usize| {
            let histogram = &classes[class].histogram;
            (histogram.0[cell] as f64 + SMOOTHING * pooled(cell))
                / (histogram.total() as f64 + SMOOTHING)
        };
        let cells =
            std::array::from_fn(|cell| std::array::from_fn(|class| probability(cell, class)));
        // One more text in every class, so that no share of the prior is 0.
        let prior =
            std::array::from_fn(|c| (classes[c].histogram.total() as f64 + 1.0) / (texts + 5.0));
        Self { cells, prior }
    }

    /// The maximum of the posterior of posts with this histogram, of which there is at least one.
    pub(crate) fn posterior(&self, posts: &ValueHistogram, prior_weight: f64) -> Posterior {
        let problem = Problem {
            mixture: self,
            posts,
            pseudo_posts: self.prior.map(|share| prior_weight * share),
            total: posts.total() as f64 + prior_weight,
        };
        let distribution = problem.maximise(self.prior);
        Posterior {
            distribution,
            mean_variance: problem.mean_variance(&distribution),
        }
    }
}

struct Problem<'a> {
    mixture: &'a Mixture,
    posts: &'a ValueHistogram,
    pseudo_posts: [f64; 5],
    /// The number of posts and the weight of the prior.
    total: f64,
}

impl Problem<'_> {
    fn maximise(&self, start: [f64; 5]) -> [f64; 5] {
        let mut shares = self.em_step(&self.em_step(&start));
        for _ in 0..MAX_STEPS {
            let next = self
                .newton_step(&shares)
                .unwrap_or_else(|| self.em_step(&shares));
            let change = largest_difference(&next, &shares);
            shares = next;
            if change < TOLERANCE {
                break;
            }
        }
        let sum: f64 = shares.iter().sum();
        shares.map(|share| share / sum)
    }

    /// A step of the EM algorithm, which never lowers the posterior.
    fn em_step(&self, shares: &[f64; 5]) -> [f64; 5] {
        let mut next = self.pseudo_posts;
        self.for_each_cell(shares, |count, probabilities, mixed| {
            for c in 0..5 {
                next[c] += count * shares[c] * probabilities[c] / mixed;
            }
        });
        next.map(|posts| posts / self.total)
    }

    /// A damped Newton step that does not lower the objective; `None` where there is none.
    fn newton_step(&self, shares: &[f64; 5]) -> Option<[f64; 5]> {
        let (gradient, information) = self.derivatives(shares);
        let step = Cholesky::new(&information)?.solve(&gradient);
        let mut length = 1.0_f64;
        for (share, change) in shares.iter().zip(step) {
            if change < 0.0 {
                length = length.min(BOUNDARY_FRACTION * share / -change);
            }
        }
        let before = self.objective(shares);
        for _ in 0..30 {
            let next: [f64; 5] = std::array::from_fn(|c| shares[c] + length * step[c]);
            // Close to the maximum the objective is flat to the last bit.
            if self.objective(&next) >= before - 1e-12 * before.abs() {
                return Some(next);
            }
            length *= 0.5;
        }
        None
    }

    /// The gradient and the negative Hessian of L(π) - (n + a) Σ π.
    fn derivatives(&self, shares: &[f64; 5]) -> ([f64; 5], [[f64; 5]; 5]) {
        let mut gradient = [-self.total; 5];
        let mut information = [[0.0; 5]; 5];
        self.for_each_cell(shares, |count, probabilities, mixed| {
            for i in 0..5 {
                let ratio = count * probabilities[i] / mixed;
                gradient[i] += ratio;
                for j in 0..=i {
                    information[i][j] += ratio * probabilities[j] / mixed;
                }
            }
        });
        for c in 0..5 {
            let ratio = self.pseudo_posts[c] / shares[c];
            gradient[c] += ratio;
            information[c][c] += ratio / shares[c];
        }
        (gradient, information)
    }

    fn objective(&self, shares: &[f64; 5]) -> f64 {
        let mut sum = 0.0;
        self.for_each_cell(shares, |count, _, mixed| sum += count * mixed.ln());
        let prior = self.pseudo_posts.iter().zip(shares);
        let prior: f64 = prior.map(|(posts, share)| posts * share.ln()).sum();
        sum + prior - self.total * shares.iter().sum::<f64>()
    }

    /// The variance of the mean class: c' V c, where V is the inverse of the information, restricted to
    /// shares that sum to 1.
    fn mean_variance(&self, shares: &[f64; 5]) -> f64 {
        let (_, information) = self.derivatives(shares);
        let Some(factors) = Cholesky::new(&information) else {
            return 0.0;
        };
        let classes = [0.0, 1.0, 2.0, 3.0, 4.0];
        let (by_class, by_one) = (factors.solve(&classes), factors.solve(&[1.0; 5]));
        let dot = |a: &[f64; 5], b: &[f64; 5]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let one = [1.0; 5];
        dot(&classes, &by_class) - dot(&classes, &by_one).powi(2) / dot(&one, &by_one)
    }

    /// Calls `f` with the count, the class probabilities and the mixed probability of each cell that has
    /// posts.
    fn for_each_cell(&self, shares: &[f64; 5], mut f: impl FnMut(f64, &[f64; 5], f64)) {
        for (count, probabilities) in self.posts.0.iter().zip(&self.mixture.cells) {
            if *count > 0 {
                let mixed = shares.iter().zip(probabilities).map(|(s, p)| s * p).sum();
                f(*count as f64, probabilities, mixed);
            }
        }
    }
}

fn largest_difference(a: &[f64; 5], b: &[f64; 5]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max)
}
