//! Spearman's rank correlation.

use crate::grid::Grid;
use crate::sample::PairedHour;

/// Pearson's correlation of the ranks; 0 if a series does not vary.
pub(crate) fn spearman(grid: &Grid) -> f64 {
    let mean = (grid.hours as f64 + 1.0) / 2.0;
    let (x, y) = (ranks(&grid.present(&grid.x)), ranks(&grid.present(&grid.y)));
    let products = |a: &[f64], b: &[f64]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    let r = products(&x, &y) / (products(&x, &x) * products(&y, &y)).sqrt();
    if r.is_finite() {
        r.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

/// The hours with the rank of each value in place of the value.
pub(crate) fn ranked(hours: &[PairedHour]) -> Vec<PairedHour> {
    let series = |value: fn(&PairedHour) -> f64| -> Vec<f64> {
        let values: Vec<f64> = hours.iter().map(value).collect();
        ranks(&values)
    };
    let (weather, feeling) = (series(|hour| hour.weather), series(|hour| hour.feeling));
    let ranked = hours.iter().zip(weather).zip(feeling);
    ranked
        .map(|((hour, weather), feeling)| PairedHour {
            weather,
            feeling,
            ..*hour
        })
        .collect()
}

/// Values that differ by less than this are ties: values are of the order of 1, and rounding errors
/// are smaller.
const TIE_TOLERANCE: f64 = 1e-11;

/// The rank of each value, from 1. Ties have the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for ties in order.chunk_by(|a, b| values[*b] - values[*a] < TIE_TOLERANCE) {
        let mean = below as f64 + (ties.len() as f64 + 1.0) / 2.0;
        ties.iter().for_each(|index| ranks[*index] = mean);
        below += ties.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_have_the_mean_of_their_ranks() {
        assert_eq!(
            ranks(&[3.0, -1.0, 3.0, 7.0, 3.0]),
            [3.0, 1.0, 3.0, 5.0, 3.0]
        );
        assert_eq!(ranks(&[2.0, 2.0]), [1.5, 1.5]);
        assert_eq!(ranks(&[]), [0.0; 0]);
    }
}
