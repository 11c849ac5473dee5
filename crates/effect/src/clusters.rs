//! Clusters of rows, and the sums over them.

use std::collections::HashMap;

use nalgebra::{DMatrix, DVector};

use crate::absorb::FixedEffect;
use crate::covariance::ClusterError;
use crate::matrix::{add_cross_products, add_outer, mirror, select};
use crate::regression::{Design, Fit};

/// A row counts at most twice: a level of one cluster has nothing that the others could estimate.
const MAX_SHARE: f64 = 0.5;

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

    /// For each row, the share of its cluster in the weight of the row's levels, summed over the effects
    /// whose levels span clusters, at most [`MAX_SHARE`].
    fn shares(&self, effects: &[FixedEffect], weights: &[f64]) -> Vec<f64> {
        let mut shares = vec![0.0; self.members.len()];
        for effect in effects.iter().filter(|effect| !self.contain(effect)) {
            let mut levels = vec![0.0; effect.level_count()];
            let mut cells = HashMap::new();
            let rows = || effect.levels().iter().zip(&self.members).zip(weights);
            for ((level, cluster), weight) in rows() {
                levels[*level as usize] += weight;
                *cells.entry((*level, *cluster)).or_insert(0.0) += weight;
            }
            for (share, ((level, cluster), _)) in shares.iter_mut().zip(rows()) {
                let cell = cells.get(&(*level, *cluster)).copied().unwrap_or_default();
                *share += cell / levels[*level as usize];
            }
        }
        shares
            .iter_mut()
            .for_each(|share| *share = share.min(MAX_SHARE));
        shares
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
///
/// Without a cluster, the levels that it shares with others would be estimated from these alone. A
/// row therefore counts 1 / (1 - h) times, where h is the cluster's share of the weight of the row's
/// levels, over the effects whose levels span clusters. If no level occurs twice in a cluster, as an
/// hour of the week in a week, this is the jackknife that estimates the levels each time.
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
        let factors: Vec<f64> = clusters
            .shares(design.effects(), design.weights())
            .into_iter()
            .map(|share| (1.0 - share).recip().sqrt())
            .collect();
        let mut products = vec![DMatrix::zeros(columns.len(), columns.len()); clusters.count];
        let mut begin = 0;
        for run in clusters.members.chunk_by(|a, b| a == b) {
            let rows = begin..begin + run.len();
            begin = rows.end;
            let scaled: Vec<Vec<f64>> = columns
                .iter()
                .map(|column| {
                    let rows = column[rows.clone()].iter().zip(&factors[rows.clone()]);
                    rows.map(|(value, factor)| value * factor).collect()
                })
                .collect();
            let slices: Vec<&[f64]> = scaled.iter().map(Vec::as_slice).collect();
            add_cross_products(&mut products[run[0] as usize], &slices);
        }
        products.iter_mut().for_each(mirror);
        Self { clusters: products }
    }
}

/// The cross-products of the columns of a fit within each cluster.
#[derive(Debug, Clone)]
pub(crate) struct ClusterSums {
    /// Of the columns with each other, over all rows.
    pub(crate) total: DMatrix<f64>,
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
            total: fit.products(),
            products,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.scores.len()
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
