//! Covariances of coefficients under heteroscedastic, clustered and serially dependent errors.
//!
//! All have the form A M A: A is the inverse of the cross-products, M sums products of *scores*. The
//! score of a row is its columns times its residual, weighted.
//!
//! | estimator | M | correction |
//! | --- | --- | --- |
//! | HC1 (MacKinnon and White 1985) | rows | n / (n - k) |
//! | clusters (Liang and Zeger 1986) | sums over clusters | (n - 1) / (n - k) · G / (G - 1) |
//! | clusters two ways (Cameron, Gelbach and Miller 2011) | first + second - both | as above, with the smaller G |
//! | Driscoll and Kraay 1998 | sums over hours, Bartlett's kernel | (n - 1) / (n - k) · T / (T - 1) |
//!
//! k counts the coefficients and the levels of the effects, less one for each effect after the
//! first. For clusters, an effect whose levels each lie in one cluster counts as one. These are the
//! defaults of pyfixest 0.60 and of the R package fixest. For one city, Driscoll-Kraay's estimator is
//! that of Newey and West 1987. A missing hour keeps its place in time: its score is 0 (Datta and Du
//! 2012, "Nonparametric HAC estimation for time series data with missing observations").

use std::collections::HashMap;

use nalgebra::DMatrix;
use statrs::distribution::{ContinuousCDF, FisherSnedecor, StudentsT};
use thiserror::Error;

use crate::absorb::FixedEffect;
use crate::matrix::{add_outer, cross_products, mirror, quadratic_form, select};
use crate::regression::Fit;

/// How the errors of rows may depend on each other.
#[derive(Debug, Clone, Copy)]
pub enum Dependence<'a> {
    /// Not at all; their variances may differ.
    Independent,
    /// Within clusters, given by a key of each row.
    Clusters(&'a [u64]),
    /// Within clusters of either kind.
    TwoWayClusters(&'a [u64], &'a [u64]),
    /// Between all rows of hours that are at most `lags` apart.
    Hours {
        /// The hour of each row.
        hours: &'a [u32],
        /// The last lag with a weight above 0: the weight of lag l is 1 - l / (lags + 1).
        lags: usize,
    },
}

/// A covariance that the data do not determine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("there is only {clusters} cluster or hour, at least 2 are required")]
pub struct ClusterError {
    /// The number of clusters.
    pub clusters: usize,
}

/// The covariance matrix of the coefficients of a fit.
#[derive(Debug, Clone)]
pub struct Covariance {
    matrix: DMatrix<f64>,
    degrees_of_freedom: f64,
}

impl Covariance {
    /// Estimates the covariance of the fit's coefficients.
    ///
    /// # Errors
    /// [`ClusterError`] for fewer than two clusters or hours.
    pub fn new(fit: &Fit<'_>, dependence: Dependence<'_>) -> Result<Self, ClusterError> {
        let n = fit.row_count() as f64;
        let k = |nested: &dyn Fn(&FixedEffect) -> bool| {
            (fit.kept().len() + parameters(fit.effects(), nested)) as f64
        };
        let (meat, degrees_of_freedom) = match dependence {
            Dependence::Independent => {
                let k = k(&|_| false);
                (row_products(fit) * (n / (n - k)), n - k)
            }
            Dependence::Clusters(keys) => {
                let clusters = Clusters::new(keys);
                let adjustment = clusters.adjustment()?;
                let k = k(&|effect| clusters.contain(effect));
                let factor = (n - 1.0) / (n - k) * adjustment;
                (clusters.products(fit) * factor, clusters.count as f64 - 1.0)
            }
            Dependence::TwoWayClusters(first, second) => {
                let both = Clusters::new(&pair_keys(first, second));
                let (first, second) = (Clusters::new(first), Clusters::new(second));
                let smaller = if first.count < second.count {
                    &first
                } else {
                    &second
                };
                let k = k(&|effect| [&first, &second, &both].iter().any(|c| c.contain(effect)));
                let factor = (n - 1.0) / (n - k) * smaller.adjustment()?;
                let products = first.products(fit) + second.products(fit) - both.products(fit);
                (products * factor, smaller.count as f64 - 1.0)
            }
            Dependence::Hours { hours, lags } => {
                let scores = HourScores::new(fit, hours);
                let count = scores.hours.len();
                let adjustment = small_sample(count)?;
                let factor = (n - 1.0) / (n - k(&|_| false)) * adjustment;
                let span = f64::from(scores.span());
                (
                    scores.kernel_products(lags) * factor,
                    kernel_degrees_of_freedom(span, lags).min(count as f64 - 1.0),
                )
            }
        };
        let mut matrix = fit.inverse() * meat * fit.inverse();
        mirror(&mut matrix);
        Ok(Self {
            matrix,
            degrees_of_freedom,
        })
    }

    /// The matrix, in the order of the coefficients.
    #[must_use]
    pub fn matrix(&self) -> &DMatrix<f64> {
        &self.matrix
    }

    /// The degrees of freedom of t and F tests: n - k, the number of clusters less one, or for hours
    /// 1.5 · T / (lags + 1), the equivalent degrees of freedom of Bartlett's kernel (Priestley 1981,
    /// section 6.2; Lazarus, Lewis, Stock and Watson 2018), at most the number of hours less one.
    #[must_use]
    pub fn degrees_of_freedom(&self) -> f64 {
        self.degrees_of_freedom
    }

    /// The standard error of the coefficient at a position; 0 where the estimated variance is negative,
    /// which clusters two ways may give.
    #[must_use]
    pub fn standard_error(&self, position: usize) -> f64 {
        self.matrix[(position, position)].max(0.0).sqrt()
    }

    /// The standard error of the sum of coefficients, each times its factor.
    #[must_use]
    pub fn standard_error_of_sum(&self, terms: &[(usize, f64)]) -> f64 {
        let covariance = |(i, a): &(usize, f64)| -> f64 {
            let row = terms.iter().map(|(j, b)| self.matrix[(*i, *j)] * b);
            row.sum::<f64>() * a
        };
        terms.iter().map(covariance).sum::<f64>().max(0.0).sqrt()
    }

    /// The two-sided p-value of a value with this standard error; 1 if the error is 0.
    #[must_use]
    pub fn p_value(&self, value: f64, standard_error: f64) -> f64 {
        let (Ok(distribution), true) = (self.student(), standard_error > 0.0) else {
            return 1.0;
        };
        2.0 * distribution.sf((value / standard_error).abs())
    }

    /// The critical value of a two-sided test at level `alpha`.
    #[must_use]
    pub fn critical_value(&self, alpha: f64) -> f64 {
        self.student()
            .map_or(f64::MAX, |d| d.inverse_cdf(1.0 - alpha / 2.0))
    }

    fn student(&self) -> Result<StudentsT, statrs::distribution::StudentsTError> {
        StudentsT::new(0.0, 1.0, self.degrees_of_freedom)
    }

    /// Tests whether the coefficients at these positions are all 0: Wald's statistic over their
    /// number, with Hotelling's correction for the estimated covariance, (ν - q + 1) / ν, against F(q, ν - q + 1).
    /// `None` without positions, or with no more degrees of freedom than positions.
    #[must_use]
    pub fn joint_test(&self, fit: &Fit<'_>, positions: &[usize]) -> Option<JointTest> {
        let values = fit.coefficients().select_rows(positions);
        let (wald, rank) = quadratic_form(&select(&self.matrix, positions), &values);
        let (q, nu) = (rank as f64, self.degrees_of_freedom);
        let denominator = nu - q + 1.0;
        if rank == 0 || denominator <= 0.0 {
            return None;
        }
        let f = wald / q * denominator / nu;
        let distribution = FisherSnedecor::new(q, denominator).ok()?;
        f.is_finite().then(|| JointTest {
            f,
            numerator: rank,
            denominator,
            p_value: distribution.sf(f),
        })
    }
}

/// A test of several coefficients at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JointTest {
    /// The statistic.
    pub f: f64,
    /// The number of independent coefficients.
    pub numerator: usize,
    /// The degrees of freedom of the denominator.
    pub denominator: f64,
    /// The probability of a statistic at least as large if all coefficients are 0.
    pub p_value: f64,
}

/// 1.5 over the ratio of the kernel's length to the span.
fn kernel_degrees_of_freedom(span: f64, lags: usize) -> f64 {
    (1.5 * span / (lags as f64 + 1.0)).max(1.0)
}

/// The absorbed parameters, where the levels of nested effects count as one.
fn parameters(effects: &[FixedEffect], is_nested: &dyn Fn(&FixedEffect) -> bool) -> usize {
    let levels = |effect: &FixedEffect| {
        if is_nested(effect) {
            1
        } else {
            effect.parameter_count()
        }
    };
    let all: usize = effects.iter().map(levels).sum();
    all - effects.len().saturating_sub(1).min(all)
}

fn row_products(fit: &Fit<'_>) -> DMatrix<f64> {
    let scores: Vec<Vec<f64>> = fit
        .columns()
        .iter()
        .map(|column| {
            let rows = column.iter().zip(fit.weighted_residuals());
            rows.map(|(value, residual)| value * residual).collect()
        })
        .collect();
    cross_products(&scores.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn small_sample(count: usize) -> Result<f64, ClusterError> {
    if count < 2 {
        return Err(ClusterError { clusters: count });
    }
    Ok(count as f64 / (count as f64 - 1.0))
}

/// A key for each pair of keys.
fn pair_keys(first: &[u64], second: &[u64]) -> Vec<u64> {
    let mut numbers = HashMap::new();
    first
        .iter()
        .zip(second)
        .map(|pair| {
            let next = numbers.len() as u64;
            *numbers.entry(pair).or_insert(next)
        })
        .collect()
}

/// The cluster of each row, numbered by their first rows.
pub(crate) struct Clusters {
    pub(crate) members: Vec<u32>,
    pub(crate) count: usize,
}

impl Clusters {
    pub(crate) fn new(keys: &[u64]) -> Self {
        let effect = FixedEffect::from_keys(keys.iter().copied());
        Self {
            count: effect.level_count(),
            members: effect.levels().to_vec(),
        }
    }

    fn adjustment(&self) -> Result<f64, ClusterError> {
        small_sample(self.count)
    }

    /// Whether each level of the effect lies in one cluster.
    fn contain(&self, effect: &FixedEffect) -> bool {
        let mut cluster_of = vec![None; effect.level_count()];
        let pairs = effect.levels().iter().zip(&self.members);
        pairs.into_iter().all(|(level, cluster)| {
            *cluster_of[*level as usize].get_or_insert(*cluster) == *cluster
        })
    }

    /// The sum of scores of each cluster, one row a cluster.
    pub(crate) fn scores(&self, fit: &Fit<'_>) -> Vec<Vec<f64>> {
        let columns = fit.columns();
        let mut sums = vec![vec![0.0; columns.len()]; self.count];
        for (c, column) in columns.iter().enumerate() {
            let rows = column.iter().zip(fit.weighted_residuals());
            for ((value, residual), cluster) in rows.zip(&self.members) {
                sums[*cluster as usize][c] += value * residual;
            }
        }
        sums
    }

    fn products(&self, fit: &Fit<'_>) -> DMatrix<f64> {
        let k = fit.kept().len();
        let mut products = DMatrix::zeros(k, k);
        for scores in self.scores(fit) {
            add_outer(&mut products, &scores, 1.0);
        }
        mirror(&mut products);
        products
    }
}

/// The sums of scores of each hour that has rows, in the order of time.
struct HourScores {
    hours: Vec<u32>,
    scores: Vec<Vec<f64>>,
}

impl HourScores {
    fn new(fit: &Fit<'_>, hours: &[u32]) -> Self {
        let mut distinct = hours.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let members = hours
            .iter()
            .map(|hour| distinct.partition_point(|other| other < hour) as u32);
        let clusters = Clusters {
            members: members.collect(),
            count: distinct.len(),
        };
        Self {
            scores: clusters.scores(fit),
            hours: distinct,
        }
    }

    /// The number of hours from the first to the last.
    fn span(&self) -> u32 {
        match (self.hours.first(), self.hours.last()) {
            (Some(first), Some(last)) => last - first + 1,
            _ => 0,
        }
    }

    /// The products of scores with Bartlett's weights 1 - l / S, S = lags + 1.
    ///
    /// They equal the products of the sums over all S-hour blocks, divided by S, because S - l blocks
    /// contain both of two hours that are l apart. This takes time proportional to the number of hours
    /// and independent of the lags. A sum changes when an hour enters the block or leaves it, so that
    /// gaps cost nothing.
    fn kernel_products(&self, lags: usize) -> DMatrix<f64> {
        let k = self.scores.first().map_or(0, Vec::len);
        let length = lags as u64 + 1;
        let mut products = DMatrix::zeros(k, k);
        let mut block = vec![0.0; k];
        let (mut entering, mut leaving, mut since) = (0, 0, 0);
        while leaving < self.hours.len() {
            let enters = self.hours.get(entering).map(|hour| u64::from(*hour));
            let leaves = u64::from(self.hours[leaving]) + length;
            let at = enters.map_or(leaves, |enters| enters.min(leaves));
            if entering > leaving {
                add_outer(&mut products, &block, (at - since) as f64);
            }
            since = at;
            if enters == Some(at) {
                block
                    .iter_mut()
                    .zip(&self.scores[entering])
                    .for_each(|(b, s)| *b += s);
                entering += 1;
            }
            if leaves == at {
                block
                    .iter_mut()
                    .zip(&self.scores[leaving])
                    .for_each(|(b, s)| *b -= s);
                leaving += 1;
            }
            if entering == leaving {
                block.fill(0.0);
            }
        }
        mirror(&mut products);
        products / length as f64
    }
}
