//! Covariances of coefficients under heteroscedastic, clustered and serially dependent errors.
//!
//! All but the jackknife have the form A M A: A is the inverse of the cross-products, M sums products of *scores*. The
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
use crate::clusters::{ClusterProducts, ClusterSums, Clusters, small_sample};
use crate::jackknife::Jackknife;
use crate::kernel::{HourScores, kernel_degrees_of_freedom};
use crate::matrix::{cross_products, mirror, quadratic_form, select};
use crate::regression::Fit;
use crate::wild::wild_test;

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
    jackknife: Option<(ClusterSums, Jackknife)>,
}

impl Covariance {
    /// Estimates the covariance of the fit's coefficients.
    ///
    /// # Errors
    /// [`ClusterError`] for fewer than two clusters or hours.
    pub fn new(fit: &Fit<'_>, dependence: Dependence<'_>) -> Result<Self, ClusterError> {
        let (meat, degrees_of_freedom) = meat(fit, dependence)?;
        let mut matrix = fit.inverse() * meat * fit.inverse();
        mirror(&mut matrix);
        Ok(Self {
            matrix,
            degrees_of_freedom,
            jackknife: None,
        })
    }

    /// Estimates the covariance by the spread of the coefficients without one cluster at a time: CV3,
    /// divided by its bias for independent errors of equal variance.
    ///
    /// # Errors
    /// [`ClusterError`] for fewer than two clusters.
    pub fn jackknife(fit: &Fit<'_>, products: &ClusterProducts) -> Result<Self, ClusterError> {
        let sums = ClusterSums::new(fit, products);
        let jackknife = Jackknife::new(&sums)?;
        Ok(Self {
            matrix: jackknife.covariance(),
            degrees_of_freedom: sums.count() as f64 - 1.0,
            jackknife: Some((sums, jackknife)),
        })
    }

    /// The matrix, in the order of the coefficients.
    #[must_use]
    pub fn matrix(&self) -> &DMatrix<f64> {
        &self.matrix
    }

    /// The degrees of freedom of the sum of coefficients, each times its factor: n - k, or the number of
    /// clusters less one, or for hours 1.5 · T / (lags + 1), at most T - 1. For the jackknife it is the
    /// effective number of clusters of the sum less one.
    #[must_use]
    pub fn degrees_of_freedom(&self, terms: &[(usize, f64)]) -> f64 {
        match &self.jackknife {
            Some((_, jackknife)) => jackknife.degrees_of_freedom(terms),
            None => self.degrees_of_freedom,
        }
    }

    /// The standard error of the sum of coefficients, each times its factor; 0 where a
    /// coefficient has no variance: clusters two ways may give a negative one, and one cluster alone
    /// may determine a coefficient.
    #[must_use]
    pub fn standard_error(&self, terms: &[(usize, f64)]) -> f64 {
        if terms.iter().any(|(i, _)| self.matrix[(*i, *i)] <= 0.0) {
            return 0.0;
        }
        let covariance = |(i, a): &(usize, f64)| -> f64 {
            let row = terms.iter().map(|(j, b)| self.matrix[(*i, *j)] * b);
            row.sum::<f64>() * a
        };
        terms.iter().map(covariance).sum::<f64>().max(0.0).sqrt()
    }

    /// Tests whether the coefficients at these positions are all 0. `None` without positions, or with
    /// no more degrees of freedom than positions.
    ///
    /// The statistic is Wald's over the number of coefficients, with Hotelling's correction
    /// (ν - q + 1) / ν for the estimated covariance, against F(q, ν - q + 1). With the jackknife, the
    /// p-value is the larger of this one and that of the wild cluster bootstrap with this number of
    /// draws: few unequal clusters have no F distribution, and the tails of the bootstrap are short.
    #[must_use]
    pub fn joint_test(
        &self,
        fit: &Fit<'_>,
        positions: &[usize],
        draws: usize,
    ) -> Option<JointTest> {
        let has_variance = |position: &usize| self.matrix[(*position, *position)] > 0.0;
        let positions: Vec<usize> = positions.iter().copied().filter(has_variance).collect();
        if positions.is_empty() {
            return None;
        }
        let test = self.wald_test(fit, &positions)?;
        let Some((sums, _)) = &self.jackknife else {
            return Some(test);
        };
        let wild = wild_test(sums, fit.coefficients(), &positions, draws)?;
        Some(JointTest {
            p_value: test.p_value.max(wild),
            ..test
        })
    }

    fn wald_test(&self, fit: &Fit<'_>, positions: &[usize]) -> Option<JointTest> {
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
            coefficients: rank,
            p_value: distribution.sf(f),
        })
    }
}

/// The two-sided p-value of a value with this standard error; 1 if the error is 0.
pub(crate) fn p_value(value: f64, standard_error: f64, degrees_of_freedom: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, degrees_of_freedom) {
        Ok(student) if standard_error > 0.0 => 2.0 * student.sf((value / standard_error).abs()),
        _ => 1.0,
    }
}

/// The critical value of a two-sided test at level `alpha`.
pub(crate) fn critical_value(alpha: f64, degrees_of_freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom)
        .map_or(f64::MAX, |student| student.inverse_cdf(1.0 - alpha / 2.0))
}

/// The products of scores, corrected, and the degrees of freedom.
fn meat(fit: &Fit<'_>, dependence: Dependence<'_>) -> Result<(DMatrix<f64>, f64), ClusterError> {
    let n = fit.row_count() as f64;
    let k = |nested: &dyn Fn(&FixedEffect) -> bool| {
        (fit.kept().len() + parameters(fit.effects(), nested)) as f64
    };
    Ok(match dependence {
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
    })
}

/// A test of several coefficients at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JointTest {
    /// The statistic.
    pub f: f64,
    /// The number of independent coefficients.
    pub coefficients: usize,
    /// The probability of a statistic at least as large if all coefficients are 0.
    pub p_value: f64,
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
