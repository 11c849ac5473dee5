//! The histogram of the values of an hour's posts.

use crate::Score;

/// The number of cells of a [`ValueHistogram`].
pub const VALUE_CELLS: usize = 20;
/// The width of a cell in millionths of a class: 20 cells of 0.2 cover the values 0.0 to 4.0.
const CELL_MICROS: u32 = 4_000_000 / VALUE_CELLS as u32;

/// How many posts have a value in each cell: cell `i` holds the values from `0.2 i` to below
/// `0.2 (i + 1)`; the last cell includes 4.0.
///
/// From it the class distribution of an hour's posts is estimated, whatever the mix of classes. Finer
/// cells do not improve the estimate (`crates/quantification/study`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValueHistogram(pub [u64; VALUE_CELLS]);

impl ValueHistogram {
    /// The cell of a score's value.
    #[must_use]
    pub fn cell(score: Score) -> usize {
        ((score.micros() / CELL_MICROS) as usize).min(VALUE_CELLS - 1)
    }

    /// The value in the middle of a cell.
    #[must_use]
    pub fn midpoint(cell: usize) -> f64 {
        (cell as f64 + 0.5) * f64::from(CELL_MICROS) / 1e6
    }

    /// Adds a score.
    pub fn add(&mut self, score: Score) {
        self.0[Self::cell(score)] += 1;
    }

    /// The number of posts.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The median value, interpolated linearly within its cell. `None` without posts.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let half = self.total() as f64 / 2.0;
        let width = f64::from(CELL_MICROS) / 1e6;
        let mut below = 0.0;
        for (cell, count) in self.0.iter().enumerate() {
            let count = *count as f64;
            if count > 0.0 && below + count >= half {
                return Some(width * (cell as f64 + (half - below) / count));
            }
            below += count;
        }
        None
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (count, added) in self.0.iter_mut().zip(other.0) {
            *count += added;
        }
    }

    /// The counts without those of `part`, which is a part of this histogram.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        Self(std::array::from_fn(|cell| {
            self.0[cell].saturating_sub(part.0[cell])
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sentiment;

    #[test]
    fn cell_contains_its_lower_bound() {
        let cases = [
            (0.0, 0),
            (0.199_999, 0),
            (0.2, 1),
            (1.999_999, 9),
            (2.0, 10),
            (3.8, 19),
            (4.0, 19),
        ];
        for (value, cell) in cases {
            let score = Score::new(Sentiment::Neutral, value);
            assert_eq!(ValueHistogram::cell(score), cell, "{value}");
        }
    }

    #[test]
    fn median_is_interpolated_within_its_cell() {
        let cases: [(&[usize], Option<f64>); 5] = [
            (&[], None),
            (&[10], Some(2.1)),
            (&[3, 10, 19], Some(2.1)),
            (&[3, 10], Some(0.8)),
            (&[0, 0, 0, 19], Some(2.0 / 3.0 * 0.2)),
        ];
        for (cells, expected) in cases {
            let mut histogram = ValueHistogram::default();
            for cell in cells {
                histogram.0[*cell] += 1;
            }
            let found = histogram.median();
            let is_equal = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
                (found, expected) => found == expected,
            };
            assert!(is_equal, "{cells:?}: {found:?}");
        }
    }

    #[test]
    fn midpoint_lies_in_its_cell() {
        for cell in 0..VALUE_CELLS {
            let score = Score::new(Sentiment::Neutral, ValueHistogram::midpoint(cell));
            assert_eq!(ValueHistogram::cell(score), cell);
        }
    }
}
