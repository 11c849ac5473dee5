//! How much of a series the fixed effects explain.
//!
//! Guarantee: the value equals the weighted sum of squares that a regression on the indicators of all
//! fixed effects and a constant explains, for any number of effects and also if some levels are
//! missing. This module must not know what a series means.

use crate::adjustment::FixedEffects;
use crate::sample::{Adjustment, PairedHour};

/// A pivot below this share of the largest one is linearly dependent on the columns before it.
const DEPENDENT: f64 = 1e-10;

/// The projection on the fixed effects, in the inner product of the weights.
pub(crate) struct Projection {
    /// The columns of each hour's indicators; the number of columns stands for none.
    columns: Vec<[usize; 2]>,
    /// The lower triangle of the Cholesky factor of the indicators' weighted cross products, by rows.
    /// A dependent column has a zero pivot.
    factor: Vec<Vec<f64>>,
}

impl Projection {
    pub(crate) fn new(adjustment: Adjustment, hours: &[PairedHour], weights: &[f64]) -> Self {
        let effects = FixedEffects::new(adjustment);
        let columns: Vec<[usize; 2]> = hours.iter().map(|hour| effects.columns(hour)).collect();
        let count = effects.column_count();
        let mut products = vec![vec![0.0; count]; count];
        for ([first, second], weight) in columns.iter().zip(weights) {
            products[*first][*first] += weight;
            if *second < count {
                products[*second][*second] += weight;
                products[*second][*first] += weight;
            }
        }
        Self {
            columns,
            factor: cholesky(products),
        }
    }

    /// The weighted sum of squares of a series that the fixed effects explain. `weighted` contains
    /// each value times its weight.
    pub(crate) fn explained(&self, weighted: impl Iterator<Item = f64>) -> f64 {
        let mut sums = vec![0.0; self.factor.len() + 1];
        for ([first, second], value) in self.columns.iter().zip(weighted) {
            sums[*first] += value;
            sums[*second] += value;
        }
        let mut explained = 0.0;
        for row in 0..self.factor.len() {
            let factor = &self.factor[row];
            let before: f64 = factor[..row].iter().zip(&sums).map(|(l, z)| l * z).sum();
            let pivot = factor[row];
            sums[row] = if pivot > 0.0 {
                (sums[row] - before) / pivot
            } else {
                0.0
            };
            explained += sums[row] * sums[row];
        }
        explained
    }
}

/// The factor of a positive semidefinite matrix, of which only the lower triangle is read.
fn cholesky(mut matrix: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let largest = (0..matrix.len()).fold(0.0f64, |max, i| max.max(matrix[i][i]));
    for row in 0..matrix.len() {
        for column in 0..=row {
            let products: f64 = (0..column)
                .map(|k| matrix[row][k] * matrix[column][k])
                .sum();
            let rest = matrix[row][column] - products;
            matrix[row][column] = if row == column {
                let is_independent = rest > largest * DEPENDENT;
                if is_independent { rest.sqrt() } else { 0.0 }
            } else if matrix[column][column] > 0.0 {
                rest / matrix[column][column]
            } else {
                0.0
            };
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::LocalHour;
    use moodvane_model::HourSlot;

    /// Hours with gaps, so that some levels are rare and the two effects are not orthogonal.
    fn hours() -> Vec<PairedHour> {
        let indices = (0..400u32).filter(|i| i % 7 != 3 && i % 24 != 5);
        indices
            .map(|i| {
                let hour = HourSlot::from_index(420_000 + i).unwrap();
                PairedHour {
                    hour,
                    local: LocalHour::from_utc(hour, 0),
                    weather: f64::from((i * i) % 31),
                    feeling: 0.0,
                    posts: u64::from(i % 5 + 1),
                }
            })
            .collect()
    }

    #[test]
    fn adjustment_removes_explained_squares() {
        let hours = hours();
        let weights: Vec<f64> = hours.iter().map(|hour| hour.posts as f64).collect();
        let values: Vec<f64> = hours.iter().map(|hour| hour.weather).collect();
        let squares = |values: &[f64]| -> f64 {
            let weighted = values.iter().zip(&weights);
            weighted.map(|(value, weight)| weight * value * value).sum()
        };
        for adjustment in [
            Adjustment::None,
            Adjustment::HourOfDay,
            Adjustment::DayOfWeek,
            Adjustment::HourOfDayAndDayOfWeek,
        ] {
            let mut residuals = values.clone();
            let total: f64 = weights.iter().sum();
            let sum: f64 = values.iter().zip(&weights).map(|(v, w)| v * w).sum();
            residuals.iter_mut().for_each(|value| *value -= sum / total);
            adjustment.remove_effects(&hours, &weights, &mut residuals);
            let projection = Projection::new(adjustment, &hours, &weights);
            let weighted = values.iter().zip(&weights).map(|(v, w)| v * w);
            let explained = projection.explained(weighted);
            let expected = squares(&values) - squares(&residuals);
            let error = (explained / expected - 1.0).abs();
            assert!(error < 1e-9, "{adjustment:?}: {explained} {expected}");
        }
    }
}
