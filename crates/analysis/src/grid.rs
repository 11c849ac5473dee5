//! Hours laid out in time, so that what is missing stays a gap.
//!
//! Guarantee: both sides have weighted mean 0 and weighted variance 1; an hour that is missing has
//! weight 0 and values 0, so that it adds nothing to any sum (Parzen 1963, "On spectral analysis
//! with missing observations and amplitude modulation").

use crate::sample::{Options, PairedHour};
use crate::too_little::{Side, TooLittle};

/// A side of which so little remains, as a share of its size, is rounding alone.
const ROUNDING: f64 = 1e-10;

/// Both sides over every hour from the first to the last.
#[derive(Debug)]
pub(crate) struct Grid {
    /// How much each hour counts, 1 on average over the hours that are there; 0 where one is not.
    pub(crate) weight: Vec<f64>,
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    /// How many hours are there.
    pub(crate) hours: usize,
    /// By how much variances are too small because cycles were taken out; at least 1.
    pub(crate) inflation: f64,
    /// Standard deviations of both sides in their units.
    pub(crate) scale: (f64, f64),
}

impl Grid {
    /// Lays out hours that are in order and have these sides.
    pub(crate) fn new(
        hours: &[PairedHour],
        options: Options,
        x: Vec<f64>,
    ) -> Result<Self, TooLittle> {
        let weights = weights(hours, options);
        let (x, scale_x) = side(hours, options, &weights, x, Side::Weather)?;
        let feelings = hours.iter().map(|hour| hour.feeling).collect();
        let (y, scale_y) = side(hours, options, &weights, feelings, Side::Feeling)?;
        let first = hours.first().map_or(0, |hour| hour.hour.index());
        let span = hours
            .last()
            .map_or(0, |hour| (hour.hour.index() - first + 1) as usize);
        let mut grid = Self {
            weight: vec![0.0; span],
            x: vec![0.0; span],
            y: vec![0.0; span],
            hours: hours.len(),
            inflation: inflation(hours, options),
            scale: (scale_x, scale_y),
        };
        for (i, hour) in hours.iter().enumerate() {
            let at = (hour.hour.index() - first) as usize;
            grid.weight[at] = weights[i];
            grid.x[at] = x[i];
            grid.y[at] = y[i];
        }
        Ok(grid)
    }
}

fn weights(hours: &[PairedHour], options: Options) -> Vec<f64> {
    let mut weights: Vec<f64> = hours.iter().map(|h| options.weighting.of(h)).collect();
    let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
    weights.iter_mut().for_each(|weight| *weight /= mean);
    weights
}

/// Taking out `k` means costs as many degrees of freedom (MacKinnon and White 1985, HC1).
fn inflation(hours: &[PairedHour], options: Options) -> f64 {
    let n = hours.len() as f64;
    let left = n - options.cycles.parameters(hours) as f64;
    if left > 1.0 { n / left } else { n }
}

/// The side without its cycles, with mean 0 and variance 1, and what its deviation was.
fn side(
    hours: &[PairedHour],
    options: Options,
    weights: &[f64],
    mut values: Vec<f64>,
    side: Side,
) -> Result<(Vec<f64>, f64), TooLittle> {
    let size = values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let total: f64 = weights.iter().sum();
    let mean_of = |values: &[f64]| weighted(weights, values).sum::<f64>() / total;
    // Twice: the first mean of a large common offset has lost digits, the second has not.
    for _ in 0..2 {
        let mean = mean_of(&values);
        values.iter_mut().for_each(|value| *value -= mean);
    }
    options.cycles.remove(hours, weights, &mut values);
    let mean = mean_of(&values);
    values.iter_mut().for_each(|value| *value -= mean);
    let squares: Vec<f64> = values.iter().map(|value| value * value).collect();
    let deviation = mean_of(&squares).sqrt();
    if !deviation.is_finite() || deviation <= size * ROUNDING {
        return Err(TooLittle::NoVariance { side });
    }
    values.iter_mut().for_each(|value| *value /= deviation);
    Ok((values, deviation))
}

fn weighted<'a>(weights: &'a [f64], values: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    weights.iter().zip(values).map(|(weight, v)| weight * v)
}
