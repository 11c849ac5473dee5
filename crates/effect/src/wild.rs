//! The wild cluster bootstrap of joint tests.
//!
//! A *draw* multiplies the scores of each cluster by a random weight of mean 0 and variance 1, under
//! the restriction that the tested coefficients are 0 (WCR: Cameron, Gelbach and Miller 2008; Roodman,
//! MacKinnon, Nielsen and Webb 2019, "Fast and wild", section 5). Weights are -1 or 1 (Rademacher);
//! under 12 clusters, which have few such draws, one of six values (Webb 2023, "Reworking wild bootstrap-based
//! inference for clustered errors").
//!
//! Guarantee: equal input gives equal p-values. The generator has a fixed seed.

use nalgebra::{DMatrix, DVector};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use crate::band::SEED;
use crate::clusters::ClusterSums;
use crate::matrix::{invert, pseudo_invert, select};

/// Fewer clusters have Webb's weights.
const MIN_CLUSTERS_OF_RADEMACHER: usize = 12;

/// The p-value of the test that the coefficients at these positions are all 0, by Wald's statistic
/// with the sums over clusters. `None` without positions, without
/// draws, or with no more clusters than positions.
pub(crate) fn wild_test(
    sums: &ClusterSums,
    coefficients: &DVector<f64>,
    positions: &[usize],
    draws: usize,
) -> Option<f64> {
    let (q, clusters) = (positions.len(), sums.count());
    if q == 0 || draws == 0 || clusters <= q + 1 {
        return None;
    }
    let inverse = invert(&sums.total)?;
    let observed = wald(
        &coefficients.select_rows(positions),
        sums.scores
            .iter()
            .map(|scores| (&inverse * scores).select_rows(positions)),
    )?;
    let scores = restricted_scores(sums, coefficients, positions);
    let changes: Vec<DVector<f64>> = scores.iter().map(|scores| &inverse * scores).collect();
    // What a change of all coefficients takes from a cluster's part of the tested ones.
    let rows = inverse.select_rows(positions);
    let feedback: Vec<DMatrix<f64>> = sums.products.iter().map(|p| &rows * p).collect();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let (mut as_large, mut valid) = (0u32, 0u32);
    let mut weights = vec![0.0; clusters];
    for _ in 0..draws {
        weights.fill_with(|| weight(&mut random, clusters));
        let mut change = DVector::zeros(coefficients.len());
        for (weight, part) in weights.iter().zip(&changes) {
            change.axpy(*weight, part, 1.0);
        }
        let parts =
            weights
                .iter()
                .zip(&changes)
                .zip(&feedback)
                .map(|((weight, part), feedback)| {
                    part.select_rows(positions) * *weight - feedback * &change
                });
        if let Some(drawn) = wald(&change.select_rows(positions), parts) {
            valid += 1;
            as_large += u32::from(drawn >= observed);
        }
    }
    (valid > 0).then(|| f64::from(as_large + 1) / f64::from(valid + 1))
}

/// The scores of the regression without the tested columns, each cluster's by the coefficients of the
/// other clusters, so that a cluster that pulls the coefficients has its full residuals (WCR-S:
/// MacKinnon, Nielsen and Webb 2023, section 4).
fn restricted_scores(
    sums: &ClusterSums,
    coefficients: &DVector<f64>,
    positions: &[usize],
) -> Vec<DVector<f64>> {
    let k = coefficients.len();
    let others: Vec<usize> = (0..k).filter(|i| !positions.contains(i)).collect();
    let total = select(&sums.total, &others);
    // X'y of each cluster, and of all rows, whose residuals are orthogonal to the columns.
    let pairs = sums.scores.iter().zip(&sums.products);
    let moments: Vec<DVector<f64>> = pairs
        .map(|(scores, products)| scores + products * coefficients)
        .collect();
    let moment = &sums.total * coefficients;
    let scores = moments.iter().zip(&sums.products).map(|(own, products)| {
        let mut restricted = DVector::zeros(k);
        if !others.is_empty() {
            let without = total.clone() - select(products, &others);
            let solved = pseudo_invert(&without, &total) * (&moment - own).select_rows(&others);
            for (i, value) in others.iter().zip(solved.iter()) {
                restricted[*i] = *value;
            }
        }
        own - products * restricted
    });
    scores.collect()
}

/// v' (Σ p p')⁻¹ v. `None` if the parts do not span all coefficients.
fn wald(value: &DVector<f64>, parts: impl Iterator<Item = DVector<f64>>) -> Option<f64> {
    let mut products = DMatrix::zeros(value.len(), value.len());
    for part in parts {
        crate::matrix::add_outer(&mut products, part.as_slice(), 1.0);
    }
    let scale = products.diagonal().map(|v: f64| v.sqrt().recip());
    let scaled = DMatrix::from_fn(value.len(), value.len(), |i, j| {
        products[(i.max(j), i.min(j))] * scale[i] * scale[j]
    });
    let value = value.component_mul(&scale);
    let form = value.dot(&scaled.cholesky()?.solve(&value));
    form.is_finite().then_some(form)
}

/// A random weight of mean 0 and variance 1.
fn weight(random: &mut impl Rng, clusters: usize) -> f64 {
    let bits = random.next_u64();
    let sign = if bits >> 63 == 0 { 1.0 } else { -1.0 };
    if clusters >= MIN_CLUSTERS_OF_RADEMACHER {
        return sign;
    }
    let third = ((bits & 0xFFFF_FFFF) * 3) >> 32;
    sign * ((third + 1) as f64 / 2.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_mean_0_and_variance_1() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        for clusters in [5, 50] {
            let drawn: Vec<f64> = (0..60_000).map(|_| weight(&mut random, clusters)).collect();
            let mean = drawn.iter().sum::<f64>() / 60_000.0;
            let variance = drawn.iter().map(|w| w * w).sum::<f64>() / 60_000.0;
            assert!(
                mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02,
                "{mean} {variance}"
            );
            let mut distinct: Vec<u64> = drawn.iter().map(|w| w.to_bits()).collect();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), if clusters == 5 { 6 } else { 2 });
        }
    }
}
