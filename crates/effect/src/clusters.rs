//! Clusters of rows: sums over them, the jackknife, and its degrees of freedom.
//!
//! The *cluster jackknife* leaves out one cluster at a time and takes the spread of the coefficients,
//! CV3 (MacKinnon, Nielsen and Webb 2023, "Fast and reliable jackknife and bootstrap methods for
//! cluster-robust inference", equation 19). It allows for clusters that pull the coefficients towards
//! themselves. The effects are absorbed once, from all clusters. Where the others do not determine a
//! coefficient, the pseudo-inverse sets it to 0.

use nalgebra::{DMatrix, DVector};

use crate::absorb::FixedEffect;
use crate::covariance::ClusterError;
use crate::matrix::{add_cross_products, add_outer, mirror, pseudo_invert, select};
use crate::regression::{Design, Fit};

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

    pub(crate) fn adjustment(&self) -> Result<f64, ClusterError> {
        small_sample(self.count)
    }

    /// Whether each level of the effect lies in one cluster.
    pub(crate) fn contain(&self, effect: &FixedEffect) -> bool {
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

    pub(crate) fn products(&self, fit: &Fit<'_>) -> DMatrix<f64> {
        let k = fit.kept().len();
        let mut products = DMatrix::zeros(k, k);
        for scores in self.scores(fit) {
            add_outer(&mut products, &scores, 1.0);
        }
        mirror(&mut products);
        products
    }
}

/// The cross-products of all columns of a design, and of its response, within each cluster. Several
/// fits of the design share them.
#[derive(Debug)]
pub struct ClusterProducts {
    /// The response is last.
    clusters: Vec<DMatrix<f64>>,
}

impl ClusterProducts {
    /// The products within the clusters of these keys, one a row. Consecutive rows of a cluster are
    /// quick.
    #[must_use]
    pub fn new(design: &Design<'_>, keys: &[u64]) -> Self {
        let clusters = Clusters::new(keys);
        let columns = design.columns_and_response();
        let mut products = vec![DMatrix::zeros(columns.len(), columns.len()); clusters.count];
        let mut begin = 0;
        for run in clusters.members.chunk_by(|a, b| a == b) {
            let rows: Vec<&[f64]> = columns
                .iter()
                .map(|column| &column[begin..begin + run.len()])
                .collect();
            add_cross_products(&mut products[run[0] as usize], &rows);
            begin += run.len();
        }
        products.iter_mut().for_each(mirror);
        Self { clusters: products }
    }
}

/// The cross-products of the columns of a fit within each cluster.
#[derive(Debug, Clone)]
pub(crate) struct ClusterSums {
    /// Of the columns with each other.
    pub(crate) products: Vec<DMatrix<f64>>,
    /// Of the columns with the residuals.
    pub(crate) scores: Vec<DVector<f64>>,
}

impl ClusterSums {
    pub(crate) fn new(fit: &Fit<'_>, all: &ClusterProducts) -> Self {
        let kept = fit.kept();
        let products: Vec<DMatrix<f64>> =
            all.clusters.iter().map(|all| select(all, kept)).collect();
        let scores = all.clusters.iter().zip(&products).map(|(all, products)| {
            let response = all.ncols() - 1;
            let moments = kept.iter().map(|column| all[(*column, response)]);
            DVector::from_iterator(kept.len(), moments) - products * fit.coefficients()
        });
        Self {
            scores: scores.collect(),
            products,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.scores.len()
    }

    /// The sum of the products of all clusters.
    pub(crate) fn total(&self) -> DMatrix<f64> {
        let k = self.scores.first().map_or(0, |scores| scores.len());
        self.products
            .iter()
            .fold(DMatrix::zeros(k, k), |sum, products| sum + products)
    }
}

/// The jackknifed covariance, and the share of each cluster in the variance of each coefficient.
#[derive(Debug, Clone)]
pub(crate) struct Jackknife {
    pub(crate) matrix: DMatrix<f64>,
    /// Per cluster, the covariance of its contribution if all errors were independent and equal.
    contributions: Vec<DMatrix<f64>>,
}

impl Jackknife {
    /// # Errors
    /// [`ClusterError`] for fewer than two clusters.
    pub(crate) fn new(sums: &ClusterSums) -> Result<Self, ClusterError> {
        let count = sums.count();
        small_sample(count)?;
        let total = sums.total();
        let mut matrix = DMatrix::zeros(total.nrows(), total.nrows());
        let factor = (count as f64 - 1.0) / count as f64;
        let mut contributions = Vec::with_capacity(count);
        for (scores, products) in sums.scores.iter().zip(&sums.products) {
            let inverse = pseudo_invert(&(&total - products));
            add_outer(&mut matrix, (&inverse * scores).as_slice(), factor);
            contributions.push(&inverse * products * &inverse);
        }
        mirror(&mut matrix);
        Ok(Self {
            matrix,
            contributions,
        })
    }

    /// The degrees of freedom of a sum of coefficients: the effective number of clusters less one.
    ///
    /// The effective number is (Σ c)² / Σ c², where c is a cluster's contribution to the variance if
    /// all errors were independent and equal (Bell and McCaffrey 2002; Carter, Schnepel and
    /// Steigerwald 2017, "Asymptotic behavior of a t-test robust to cluster heterogeneity"). It is small if few
    /// clusters contain the bin of a coefficient.
    pub(crate) fn degrees_of_freedom(&self, terms: &[(usize, f64)]) -> f64 {
        let (mut sum, mut squares) = (0.0, 0.0);
        for contribution in &self.contributions {
            let row = |(i, a): &(usize, f64)| -> f64 {
                let row = terms.iter().map(|(j, b)| contribution[(*i, *j)] * b);
                row.sum::<f64>() * a
            };
            let share: f64 = terms.iter().map(row).sum();
            sum += share;
            squares += share * share;
        }
        if squares > 0.0 {
            (sum * sum / squares - 1.0).max(1.0)
        } else {
            1.0
        }
    }
}

/// The factor G / (G - 1).
///
/// # Errors
/// [`ClusterError`] for fewer than two.
pub(crate) fn small_sample(count: usize) -> Result<f64, ClusterError> {
    if count < 2 {
        return Err(ClusterError { clusters: count });
    }
    Ok(count as f64 / (count as f64 - 1.0))
}
