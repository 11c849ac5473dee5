//! Linear equations with five unknowns.

/// The Cholesky factor of a symmetric, positive definite matrix, whose lower triangle is read.
pub(crate) struct Cholesky([[f64; 5]; 5]);

impl Cholesky {
    /// `None` if the matrix is not positive definite.
    pub(crate) fn new(matrix: &[[f64; 5]; 5]) -> Option<Self> {
        let mut factor = [[0.0; 5]; 5];
        for i in 0..5 {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
                let rest = matrix[i][j] - known;
                factor[i][j] = if i == j {
                    if rest.is_nan() || rest <= 0.0 {
                        return None;
                    }
                    rest.sqrt()
                } else {
                    rest / factor[j][j]
                };
            }
        }
        Some(Self(factor))
    }

    /// Solves the equations for a right side.
    pub(crate) fn solve(&self, right: &[f64; 5]) -> [f64; 5] {
        let factor = &self.0;
        let mut x = *right;
        for i in 0..5 {
            let known: f64 = (0..i).map(|k| factor[i][k] * x[k]).sum();
            x[i] = (x[i] - known) / factor[i][i];
        }
        for i in (0..5).rev() {
            let known: f64 = (i + 1..5).map(|k| factor[k][i] * x[k]).sum();
            x[i] = (x[i] - known) / factor[i][i];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn solution_satisfies_equations(
            entries in proptest::array::uniform25(-1.0..1.0), right in proptest::array::uniform5(-9.0..9.0),
        ) {
            // B B' + I is positive definite.
            let b = |i: usize, j: usize| entries[5 * i + j];
            let matrix: [[f64; 5]; 5] = std::array::from_fn(|i| std::array::from_fn(|j| {
                (0..5).map(|k| b(i, k) * b(j, k)).sum::<f64>() + f64::from(u8::from(i == j))
            }));
            let x = Cholesky::new(&matrix).unwrap().solve(&right);
            for i in 0..5 {
                let left: f64 = (0..5).map(|j| matrix[i][j] * x[j]).sum();
                prop_assert!((left - right[i]).abs() < 1e-9, "{left} {}", right[i]);
            }
        }
    }

    #[test]
    fn rejects_indefinite_matrix() {
        assert!(Cholesky::new(&[[0.0; 5]; 5]).is_none());
        assert!(Cholesky::new(&[[f64::NAN; 5]; 5]).is_none());
    }
}
