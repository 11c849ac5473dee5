//! The test that shifts one series against the other.
//!
//! Terms: a *shift* by s pairs the feeling of each hour with the weather of the hour s places later;
//! the weather of the end continues at the beginning. A *threshold* of a shift is the largest
//! distance from the estimated slope at which this shift still relates the two series as strongly as
//! the observed pairing does.
//!
//! If the weather is a stationary series that is independent of the feelings, the observed pairing is
//! like any other shift, so that its correlation is among the largest 5 % of all in 5 % of the cases
//! (Harris 2020, "A shift test for independence in generic time series"). This holds for one wet hour
//! as for a heavy tail, for any weights and for any autocorrelation of either series. Only the seam
//! between end and beginning makes it approximate, which the coverage study measures.
//!
//! With an adjustment, a shift moves the weather before the adjustment and adjusts it again, so that
//! each shift loses as much as the observed pairing. The mean of each hour of the day is removed once
//! more, before: otherwise the seam would break the daily cycle.
//!
//! Guarantee: the interval contains 0 exactly if the p-value is above its level. Equal hours give equal
//! results on every machine. This module must not know standard errors.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::bootstrap::{SEED, random_below};
use crate::grid::Grid;
use crate::insufficient_data::InsufficientData;
use crate::projection::Projection;
use crate::sample::{Adjustment, PairedHour, RelationOptions};

/// Longer series use this number of shifts, one at random from each of as many equal ranges.
const MAX_SHIFTS: usize = 1000;
/// Sums that differ by less than this share are equal up to rounding.
const ROUNDING: f64 = 1e-9;

/// The thresholds of all shifts, in ascending order.
pub(crate) struct ShiftTest {
    slope: f64,
    /// For slopes below the estimated one.
    below: Vec<f64>,
    /// For slopes above it.
    above: Vec<f64>,
}

impl ShiftTest {
    /// Shifts `x`, the explanatory series of `hours` before the adjustment, against the grid's
    /// response.
    pub(crate) fn new(
        hours: &[PairedHour],
        options: RelationOptions,
        x: &[f64],
        grid: &Grid,
    ) -> Self {
        let series = ShiftedSeries::new(hours, options, x, grid);
        let observed = series.relate(0);
        let slope = observed.map_or(0.0, |observed| observed.cross);
        let shifts = shifts(hours.len());
        let (mut below, mut above) = (Vec::new(), Vec::new());
        for shift in shifts {
            let (low, high) = series.relate(shift).map_or(NEVER, |s| s.thresholds(slope));
            below.push(low);
            above.push(high);
        }
        below.sort_by(f64::total_cmp);
        above.sort_by(f64::total_cmp);
        Self {
            slope,
            below,
            above,
        }
    }

    /// The share of shifts that relate the series as strongly as the observed pairing, which is one
    /// of them.
    pub(crate) fn p_value(&self) -> f64 {
        let thresholds = if self.slope < 0.0 {
            &self.above
        } else {
            &self.below
        };
        let weaker = thresholds.partition_point(|threshold| *threshold < self.slope.abs());
        (thresholds.len() - weaker) as f64 / thresholds.len() as f64
    }

    /// The slopes of the standardized series that the test does not reject at this level.
    ///
    /// # Errors
    /// [`InsufficientData::Repetition`] if the test rejects no slope.
    pub(crate) fn interval(&self, level: f64) -> Result<(f64, f64), InsufficientData> {
        let rejected = (level * self.below.len() as f64).floor() as usize;
        let margin = |thresholds: &[f64]| {
            let last = thresholds.len().checked_sub(rejected + 1)?;
            Some(thresholds[last]).filter(|margin| margin.is_finite())
        };
        let margins = margin(&self.below).zip(margin(&self.above));
        let (below, above) = margins.ok_or(InsufficientData::Repetition)?;
        Ok((self.slope - below, self.slope + above))
    }
}

/// The thresholds of a shift that is as strong as the observed pairing for every slope.
const NEVER: (f64, f64) = (f64::INFINITY, f64::INFINITY);

/// The distances: each one for few hours, a random one of each range for many.
fn shifts(hours: usize) -> Vec<usize> {
    let count = hours.min(MAX_SHIFTS);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut shifts: Vec<usize> = (0..count)
        .map(|i| {
            let (first, next) = (i * hours / count, (i + 1) * hours / count);
            first + random_below(&mut random, next - first)
        })
        .collect();
    // The observed pairing is one of the shifts.
    if let Some(first) = shifts.first_mut() {
        *first = 0;
    }
    shifts
}

/// The series of the present hours, ready to be shifted.
struct ShiftedSeries {
    /// The explanatory series, twice in a row.
    x: Vec<f64>,
    weights: Vec<f64>,
    /// The adjusted response, times the weights.
    response: Vec<f64>,
    /// The adjusted explanatory series, times the weights.
    explanatory: Vec<f64>,
    /// Without it, all shifts have the same variance.
    projection: Option<Projection>,
}

/// The standardized slopes of the response and of the explanatory series on the shifted one.
#[derive(Clone, Copy)]
struct Slopes {
    cross: f64,
    auto: f64,
}

impl ShiftedSeries {
    fn new(hours: &[PairedHour], options: RelationOptions, x: &[f64], grid: &Grid) -> Self {
        let weights: Vec<f64> = grid.present(&grid.weight);
        let weighted = |series: &[f64]| -> Vec<f64> {
            let values = grid.present(series);
            values.iter().zip(&weights).map(|(v, w)| v * w).collect()
        };
        let (response, explanatory) = (weighted(&grid.y), weighted(&grid.x));
        let mut x = x.to_vec();
        let mean = x.iter().sum::<f64>() / x.len().max(1) as f64;
        x.iter_mut()
            .for_each(|value| *value = (*value - mean) / grid.scale.0);
        if options.adjustment.has_hour_of_day() {
            Adjustment::HourOfDay.remove_effects(hours, &vec![1.0; x.len()], &mut x);
        }
        let has_equal_weights = weights.iter().all(|weight| (weight - 1.0).abs() < ROUNDING);
        let is_constant = has_equal_weights && options.adjustment == Adjustment::None;
        let projection =
            (!is_constant).then(|| Projection::new(options.adjustment, hours, &weights));
        x.extend_from_within(..);
        Self {
            x,
            weights,
            response,
            explanatory,
            projection,
        }
    }

    /// The slopes at a shift; `None` if the adjustment leaves nothing of the shifted series.
    fn relate(&self, shift: usize) -> Option<Slopes> {
        let hours = self.weights.len();
        let x = &self.x[shift..shift + hours];
        let variance = match &self.projection {
            None => 1.0,
            Some(projection) => {
                let weighted = || x.iter().zip(&self.weights).map(|(x, w)| x * w);
                let squares: f64 = weighted().zip(x).map(|(xw, x)| xw * x).sum();
                let rest = squares - projection.explained(weighted());
                if rest <= squares * ROUNDING {
                    return None;
                }
                rest / hours as f64
            }
        };
        let scale = hours as f64 * variance.sqrt();
        Some(Slopes {
            cross: dot(&self.response, x) / scale,
            auto: dot(&self.explanatory, x) / scale,
        })
    }
}

impl Slopes {
    /// The thresholds for slopes below and above `slope`.
    ///
    /// At a distance d below it, the shift's slope is that of the residuals plus d times that of the
    /// explanatory series; the observed one is d.
    fn thresholds(self, slope: f64) -> (f64, f64) {
        let residual = self.cross - slope * self.auto;
        let (minus, plus) = (1.0 - self.auto, 1.0 + self.auto);
        if minus < ROUNDING || plus < ROUNDING {
            return NEVER;
        }
        let threshold = |residual: f64| (residual / minus).max(-residual / plus) * (1.0 + ROUNDING);
        (threshold(residual), threshold(-residual))
    }
}

/// The sum of products, in an order that processors with vectors support.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a
        .remainder()
        .iter()
        .zip(b.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a.zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}
