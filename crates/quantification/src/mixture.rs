//! The class shares with the highest posterior probability, given a histogram of values.
//!
//! The histogram of posts with class shares π is multinomial with cell probabilities Σ π_c P(cell | c).
//! With a Dirichlet prior of weight a and mean q, the logarithm of the posterior is, up to a constant,
//!
//!   L(π) = Σ_cell n_cell log Σ_c π_c P(cell | c) + a Σ_c q_c log π_c.
//!
//! Its maximum on Σ π = 1 is that of L(π) - (n + a) Σ π over all positive π, because L rises by n + a when
//! the logarithms of all π rise by 1. The function is strictly concave, so Newton's method finds the
//! maximum in a few steps; EM needs hundreds.
//!
//! A Newton step never lowers the function if no share falls by more than 68 %. The function is a sum of
//! w log l over linear functions l of π with w > 0, and a linear term. With the relative change u of
//! each l, the gain of a step is at least Σ w u - Σ w u², because log(1 + u) ≥ u - u² from u = -0.68 on;
//! both sums are the squared Newton decrement, and no l falls by more than the share that falls most. So
//! the logarithms themselves are not needed.

use moodvane_model::{Calibration, VALUE_CELLS, ValueHistogram};

use crate::solve::Cholesky;

/// The number of pseudo-counts, distributed as the texts of all classes, that are added to the counts
/// of each class: rare classes have few texts, and no cell is impossible.
const SMOOTHING: f64 = 2.5;
/// The most Newton steps; 4 to 10 are usual.
const MAX_STEPS: usize = 60;
/// The steps end after a full one in which no share changes by more than this part of itself. The next
/// change would be about its square.
const TOLERANCE: f64 = 1e-6;
/// The largest part by which a share falls in a step.
const MAX_FALL: f64 = 0.68;
/// The number of entries of the lower triangle of a matrix of classes.
const TRIANGLE: usize = 15;

/// The distribution of the values of each class, and the shares of the classes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mixture {
    /// P(cell | class).
    cells: [[f64; 5]; VALUE_CELLS],
    /// The products of the probabilities of two classes: the lower triangle, row by row.
    products: [[f64; TRIANGLE]; VALUE_CELLS],
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
        let cells: [[f64; 5]; VALUE_CELLS] =
            std::array::from_fn(|cell| std::array::from_fn(|class| probability(cell, class)));
        // One more text in every class, so that no share of the prior is 0.
        let prior =
            std::array::from_fn(|c| (classes[c].histogram.total() as f64 + 1.0) / (texts + 5.0));
        Self {
            products: cells.map(|cell| lower_triangle(&cell)),
            cells,
            prior,
        }
    }

    /// The maximum of the posterior of posts with this histogram, of which there is at least one.
    pub(crate) fn posterior(&self, posts: &ValueHistogram, prior_weight: f64) -> Posterior {
        let problem = Problem {
            mixture: self,
            posts,
            pseudo_posts: self.prior.map(|share| prior_weight * share),
            total: posts.total() as f64 + prior_weight,
        };
        let (distribution, factor) = problem.maximise(self.prior);
        Posterior {
            distribution,
            mean_variance: factor.map_or(0.0, |factor| mean_variance(&factor)),
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
    /// The maximum, and the factor of the information there.
    fn maximise(&self, start: [f64; 5]) -> ([f64; 5], Option<Cholesky>) {
        let mut shares = self.em_step(&start);
        let mut last = None;
        for _ in 0..MAX_STEPS {
            let (gradient, information) = self.derivatives(&shares);
            let Some(factor) = Cholesky::new(&information) else {
                shares = self.em_step(&shares);
                continue;
            };
            let step = factor.solve(&gradient);
            last = Some(factor);
            let relative: [f64; 5] = std::array::from_fn(|c| step[c] / shares[c]);
            let fall = relative
                .iter()
                .fold(0.0, |most: f64, change| most.max(-change));
            let length = if fall > MAX_FALL {
                MAX_FALL / fall
            } else {
                1.0
            };
            for (share, change) in shares.iter_mut().zip(step) {
                *share += length * change;
            }
            if relative.iter().all(|change| change.abs() < TOLERANCE) {
                break;
            }
        }
        let sum: f64 = shares.iter().sum();
        (shares.map(|share| share / sum), last)
    }

    /// A step of the EM algorithm, which never lowers the posterior.
    fn em_step(&self, shares: &[f64; 5]) -> [f64; 5] {
        let mut next = self.pseudo_posts;
        self.for_each_cell(shares, |cell, weight, _| {
            for (next, (share, probability)) in next
                .iter_mut()
                .zip(shares.iter().zip(&self.mixture.cells[cell]))
            {
                *next += weight * share * probability;
            }
        });
        next.map(|posts| posts / self.total)
    }

    /// The gradient and the negative Hessian of L(π) - (n + a) Σ π.
    fn derivatives(&self, shares: &[f64; 5]) -> ([f64; 5], [[f64; 5]; 5]) {
        let mut gradient = [-self.total; 5];
        let mut triangle = [0.0; TRIANGLE];
        self.for_each_cell(shares, |cell, weight, mixed| {
            add_scaled(&mut gradient, &self.mixture.cells[cell], weight);
            add_scaled(&mut triangle, &self.mixture.products[cell], weight / mixed);
        });
        let mut information = [[0.0; 5]; 5];
        let mut entries = triangle.into_iter();
        for (i, row) in information.iter_mut().enumerate() {
            for (entry, sum) in row[..=i].iter_mut().zip(entries.by_ref()) {
                *entry = sum;
            }
        }
        for c in 0..5 {
            let ratio = self.pseudo_posts[c] / shares[c];
            gradient[c] += ratio;
            information[c][c] += ratio / shares[c];
        }
        (gradient, information)
    }

    /// Calls `f` with the index, the count divided by the mixed probability, and the mixed probability of
    /// each cell that has posts.
    fn for_each_cell(&self, shares: &[f64; 5], mut f: impl FnMut(usize, f64, f64)) {
        let cells = self.posts.0.iter().zip(&self.mixture.cells).enumerate();
        for (index, (count, probabilities)) in cells {
            if *count > 0 {
                let mixed: f64 = shares.iter().zip(probabilities).map(|(s, p)| s * p).sum();
                f(index, *count as f64 / mixed, mixed);
            }
        }
    }
}

/// The variance of the mean class: c' V c, where V is the inverse of the information, restricted to shares
/// that sum to 1.
fn mean_variance(information: &Cholesky) -> f64 {
    let classes = [0.0, 1.0, 2.0, 3.0, 4.0];
    let one = [1.0; 5];
    let (by_class, by_one) = (information.solve(&classes), information.solve(&one));
    let dot = |a: &[f64; 5], b: &[f64; 5]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(&classes, &by_class) - dot(&classes, &by_one).powi(2) / dot(&one, &by_one)
}

fn lower_triangle(row: &[f64; 5]) -> [f64; TRIANGLE] {
    let mut products = [0.0; TRIANGLE];
    let pairs = (0..5).flat_map(|i| (0..=i).map(move |j| (i, j)));
    for (product, (i, j)) in products.iter_mut().zip(pairs) {
        *product = row[i] * row[j];
    }
    products
}

fn add_scaled<const N: usize>(sums: &mut [f64; N], values: &[f64; N], scale: f64) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += scale * value;
    }
}
