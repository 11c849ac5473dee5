//! Spearman's rank correlation.

use crate::grid::Grid;

/// Pearson's correlation of the ranks. 0 where a side does not vary.
pub(crate) fn spearman(grid: &Grid) -> f64 {
    let here = |side: &[f64]| -> Vec<f64> {
        let sides = side.iter().zip(&grid.weight);
        sides.filter(|(_, w)| **w > 0.0).map(|(v, _)| *v).collect()
    };
    let middle = (grid.hours as f64 + 1.0) / 2.0;
    let (x, y) = (ranks(&here(&grid.x)), ranks(&here(&grid.y)));
    let products = |a: &[f64], b: &[f64]| -> f64 {
        let sides = a.iter().zip(b);
        sides.map(|(a, b)| (a - middle) * (b - middle)).sum()
    };
    let r = products(&x, &y) / (products(&x, &x) * products(&y, &y)).sqrt();
    if r.is_finite() {
        r.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

/// Values that differ by less are ties: both are of the order of 1, and rounding alone is smaller.
const TIE: f64 = 1e-11;

/// The rank of each value, from 1 on; ties have the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for ties in order.chunk_by(|a, b| values[*b] - values[*a] < TIE) {
        let mean = below as f64 + (ties.len() as f64 + 1.0) / 2.0;
        ties.iter().for_each(|place| ranks[*place] = mean);
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
