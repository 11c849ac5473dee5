//! The cluster jackknife: the spread of the coefficients without one cluster at a time.
//!
//! It allows for clusters that pull the coefficients towards themselves: CV3 (MacKinnon, Nielsen and
//! Webb 2023, "Fast and reliable jackknife and bootstrap methods for cluster-robust inference",
//! equation 19). CV3 overestimates the variance of a coefficient that few clusters determine. So that it
//! is unbiased for independent errors of equal variance, as CV2 of Bell and McCaffrey 2002 is, each
//! standard error is divided by the root of the ratio that CV3 would have on average then.
//!
//! A coefficient that one cluster alone determines has no variance.

use nalgebra::{DMatrix, DVector};

use crate::clusters::{ClusterSums, small_sample};
use crate::covariance::ClusterError;
use crate::matrix::{add_outer, mirror, pseudo_invert};

/// The jackknifed covariance, and the share of each cluster in the variance of each coefficient.
#[derive(Debug, Clone)]
pub(crate) struct Jackknife {
    /// CV3.
    matrix: DMatrix<f64>,
    /// The factor of each standard error; 0 for a coefficient that one cluster alone determines.
    scale: DVector<f64>,
    /// Per cluster, the covariance of its contribution if all errors were independent and equal.
    contributions: Vec<DMatrix<f64>>,
}

impl Jackknife {
    /// # Errors
    /// [`ClusterError`] for fewer than two clusters.
    pub(crate) fn new(sums: &ClusterSums) -> Result<Self, ClusterError> {
        let count = sums.count();
        small_sample(count)?;
        let k = sums.total.nrows();
        let full = pseudo_invert(&sums.total, &sums.total);
        let factor = (count as f64 - 1.0) / count as f64;
        let mut matrix = DMatrix::zeros(k, k);
        let mut expected = DVector::<f64>::zeros(k);
        let mut contributions = Vec::with_capacity(count);
        let mut is_determined = vec![true; k];
        for (scores, products) in sums.scores.iter().zip(&sums.products) {
            let others = &sums.total - products;
            let without = pseudo_invert(&others, &sums.total);
            for (j, is_determined) in is_determined.iter_mut().enumerate() {
                // 1 for a coefficient that the other clusters determine, 0 for one that they do not.
                *is_determined &= without.column(j).dot(&others.column(j)) > 0.5;
            }
            add_outer(&mut matrix, (&without * scores).as_slice(), factor);
            let half = products * &without;
            for (j, expected) in expected.iter_mut().enumerate() {
                *expected += factor * full.column(j).dot(&half.column(j));
            }
            contributions.push(&without * half);
        }
        mirror(&mut matrix);
        let scale = DVector::from_fn(k, |j, _| {
            let ratio = full[(j, j)] / expected[j];
            if is_determined[j] && ratio.is_finite() && ratio > 0.0 {
                ratio.sqrt()
            } else {
                0.0
            }
        });
        Ok(Self {
            matrix,
            scale,
            contributions,
        })
    }

    /// The covariance.
    pub(crate) fn covariance(&self) -> DMatrix<f64> {
        DMatrix::from_fn(self.matrix.nrows(), self.matrix.ncols(), |i, j| {
            self.matrix[(i, j)] * self.scale[i] * self.scale[j]
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::absorb::FixedEffect;
    use crate::band::Normal;
    use crate::clusters::ClusterProducts;
    use crate::regression::{Design, Fit, Rows};

    const WEEKS: usize = 9;

    struct Data {
        columns: Vec<Vec<f64>>,
        response: Vec<f64>,
        weights: Vec<f64>,
        hours: Vec<u64>,
    }

    /// Persistent columns over some weeks of 168 hours, a bin of one week among them.
    fn data() -> Data {
        let mut normal = Normal::new(7);
        let n = WEEKS * 168;
        let mut at = [0.0; 3];
        let (mut columns, mut response) = (vec![Vec::new(); 3], Vec::new());
        for hour in 0..n {
            at.iter_mut().for_each(|at| *at = 0.9 * *at + normal.next());
            columns[0].push(at[0]);
            columns[1].push(at[1] + 0.5 * at[0]);
            columns[2].push(f64::from(u8::from(hour < 100)));
            response.push(0.3 * at[0] + at[2] + normal.next());
        }
        let weights = (0..n).map(|i| 1.0 + (i % 7) as f64).collect();
        let hours = (0..n as u64).collect();
        Data {
            columns,
            response,
            weights,
            hours,
        }
    }

    /// The coefficients of the rows whose weeks are wanted, with the effects of hours of the week and of
    /// weeks estimated from these rows.
    fn with_fit<T>(is_wanted: impl Fn(u64) -> bool, read: impl Fn(&Fit<'_>, &[u64]) -> T) -> T {
        let data = data();
        let wanted = |values: &[f64]| -> Vec<f64> {
            let pairs = values.iter().zip(&data.hours);
            pairs
                .filter(|(_, h)| is_wanted(**h / 168))
                .map(|(v, _)| *v)
                .collect()
        };
        let hours: Vec<u64> = data
            .hours
            .iter()
            .copied()
            .filter(|h| is_wanted(h / 168))
            .collect();
        let effects = [
            FixedEffect::from_keys(hours.iter().map(|hour| hour % 168)),
            FixedEffect::from_keys(hours.iter().map(|hour| hour / 168)),
        ];
        let (response, weights) = (wanted(&data.response), wanted(&data.weights));
        let rows = Rows {
            response: &response,
            weights: &weights,
            effects: &effects,
        };
        let columns = data.columns.iter().map(|column| wanted(column)).collect();
        let design = Design::new(columns, rows, NonZeroUsize::MIN).unwrap();
        let weeks: Vec<u64> = hours.iter().map(|hour| hour / 168).collect();
        read(&design.fit(&[0, 1, 2]).unwrap(), &weeks)
    }

    fn jackknife(fit: &Fit<'_>, weeks: &[u64]) -> Jackknife {
        let products = ClusterProducts::new(fit.design(), weeks);
        Jackknife::new(&ClusterSums::new(fit, &products)).unwrap()
    }

    #[test]
    fn equals_coefficients_without_each_week() {
        let all = with_fit(|_| true, |fit, _| fit.coefficients().clone());
        let factor = (WEEKS as f64 - 1.0) / WEEKS as f64;
        let mut expected = DMatrix::zeros(2, 2);
        for left_out in 0..WEEKS as u64 {
            let coefficients =
                with_fit(|week| week != left_out, |fit, _| fit.coefficients().clone());
            let change = coefficients.rows(0, 2) - all.rows(0, 2);
            expected += &change * change.transpose() * factor;
        }
        let found = with_fit(|_| true, |fit, weeks| jackknife(fit, weeks).matrix);
        for i in 0..2 {
            for j in 0..2 {
                let error = (found[(i, j)] / expected[(i, j)] - 1.0).abs();
                // Weights of an hour of the week differ between weeks, for which the share is exact too.
                assert!(error < 1e-6, "{found} {expected}");
            }
        }
    }

    #[test]
    fn column_of_one_week_has_no_variance() {
        let (degrees, covariance) = with_fit(
            |_| true,
            |fit, weeks| {
                let jackknife = jackknife(fit, weeks);
                let degrees = jackknife.degrees_of_freedom(&[(0, 1.0)]);
                (degrees, jackknife.covariance())
            },
        );
        assert!(degrees > 5.0 && degrees <= WEEKS as f64 - 1.0, "{degrees}");
        assert!(covariance[(0, 0)] > 0.0);
        assert_eq!(covariance[(2, 2)], 0.0);
    }
}
