//! Simultaneous bands of a curve.

use nalgebra::DMatrix;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use crate::matrix::root;
use crate::options::ALPHA;

pub(crate) const SEED: u64 = 0x4D6F_6F64_7661_6E65;

/// Standard normal deviates, in pairs (Box and Muller 1958).
pub(crate) struct Normal {
    random: Xoshiro256PlusPlus,
    spare: Option<f64>,
}

impl Normal {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            spare: None,
        }
    }

    fn uniform(&mut self) -> f64 {
        ((self.random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    pub(crate) fn next(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sine);
        radius * cosine
    }
}

/// The critical value of the largest |t| of jointly normal estimates: the sup-t band of Montiel Olea
/// and Plagborg-Møller 2019, "Simultaneous confidence bands", algorithm 1.
///
/// `None` without estimates or draws. Equal covariances give equal values.
pub(crate) fn sup_t(covariance: &DMatrix<f64>, draws: usize) -> Option<f64> {
    let k = covariance.nrows();
    let errors: Vec<f64> = covariance
        .diagonal()
        .iter()
        .map(|v| v.max(0.0).sqrt())
        .collect();
    if k == 0 || draws == 0 || errors.contains(&0.0) {
        return None;
    }
    let correlation = DMatrix::from_fn(k, k, |i, j| covariance[(i, j)] / (errors[i] * errors[j]));
    let (root, _) = root(&correlation);
    let mut normal = Normal::new(SEED);
    let mut deviates = vec![0.0; k];
    let mut largest: Vec<f64> = (0..draws)
        .map(|_| {
            deviates.fill_with(|| normal.next());
            let value = |i: usize| -> f64 {
                let row = root.row(i);
                row.iter().zip(&deviates).map(|(a, b)| a * b).sum()
            };
            (0..k).map(|i| value(i).abs()).fold(0.0, f64::max)
        })
        .collect();
    largest.sort_by(f64::total_cmp);
    let rank = ((draws as f64 + 1.0) * (1.0 - ALPHA)).ceil() as usize;
    Some(largest[rank.clamp(1, draws) - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sup_t_lies_between_one_normal_and_independent_ones() {
        let independent = sup_t(&DMatrix::identity(5, 5), 9_999).unwrap();
        // The quantile of the largest of 5: Φ⁻¹((1 + 0.95^(1/5)) / 2).
        assert!((independent - 2.569).abs() < 0.05, "{independent}");
        let equal = sup_t(&DMatrix::from_element(5, 5, 2.0), 9_999).unwrap();
        assert!((equal - 1.960).abs() < 0.05, "{equal}");
        assert_eq!(sup_t(&DMatrix::zeros(2, 2), 99), None);
    }
}
