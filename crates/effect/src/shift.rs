//! The permutation test of the wet effect by circular shifts.
//!
//! A *shift* by s pairs the feeling of each hour with the rain s hours later, among the hours of the
//! sample; the rain of the end continues at the beginning. All cities shift by the same number, so that their
//! dependence remains. Both series are residuals: what the fixed effects and all other variables do
//! not explain. If rain is a stationary series that is independent of the feelings, the observed
//! pairing is like any other (Harris 2020, "A shift test for independence in generic time series").

use crate::answer::ShiftCheck;
use crate::sample::Sample;

/// Counts the shifts that relate the residuals at least as strongly as the observed pairing. The
/// statistic is the sum of products over the square root of the sum of their squares.
///
/// The observed pairing relates the rain to the feelings themselves, because the rain's residuals are
/// orthogonal to what the residuals of the feelings lack; a shift does not. Its statistic is smaller by
/// the root of the share of degrees of freedom that the residuals have, and is enlarged by it.
pub(crate) fn check_shifts(
    sample: &Sample<'_>,
    (rain, feeling): (&[f64], &[f64]),
    degrees_of_freedom: f64,
    shifts: usize,
) -> ShiftCheck {
    let mut hours: Vec<u32> = sample
        .rows
        .iter()
        .map(|row| row.hour.hour.index())
        .collect();
    hours.sort_unstable();
    hours.dedup();
    let shifts = shifts.min(hours.len().saturating_sub(1));
    let distance = |shift: usize| shift * hours.len() / (shifts + 1);
    let mut sums = vec![(0.0, 0.0); shifts + 1];
    // The rain of a city at each hour, twice in a row; 0 where it has none.
    let mut circle = vec![0.0; 2 * hours.len()];
    let mut begin = 0;
    for rows in sample.rows.chunk_by(|a, b| a.city == b.city) {
        let end = begin + rows.len();
        let places: Vec<usize> = rows
            .iter()
            .map(|row| hours.partition_point(|hour| *hour < row.hour.hour.index()))
            .collect();
        circle.fill(0.0);
        for (place, rain) in places.iter().zip(&rain[begin..end]) {
            circle[*place] = *rain;
            circle[*place + hours.len()] = *rain;
        }
        for (shift, (sum, squares)) in sums.iter_mut().enumerate() {
            let shifted = &circle[distance(shift)..];
            for (place, feeling) in places.iter().zip(&feeling[begin..end]) {
                let product = shifted[*place] * feeling;
                *sum += product;
                *squares += product * product;
            }
        }
        begin = end;
    }
    let strength = |(sum, squares): &(f64, f64)| {
        if *squares > 0.0 {
            sum.abs() / squares.sqrt()
        } else {
            0.0
        }
    };
    let enlargement = (feeling.len() as f64 / degrees_of_freedom).sqrt();
    let observed = strength(&sums[0]) / enlargement;
    let as_strong = sums[1..]
        .iter()
        .filter(|sums| strength(sums) >= observed)
        .count();
    ShiftCheck { shifts, as_strong }
}
