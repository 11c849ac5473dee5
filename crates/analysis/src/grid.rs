//! Both series on a regular hourly grid, with gaps where hours are missing.
//!
//! Guarantee: both series have weighted mean 0 and weighted variance 1. A missing hour has weight 0
//! and values 0, so that it adds nothing to any sum (Parzen 1963, "On spectral analysis with missing
//! observations and amplitude modulation").

use crate::insufficient_data::{InsufficientData, Series};
use crate::sample::{PairedHour, RelationOptions};

/// A standard deviation below this share of the largest value is rounding error.
const ROUNDING: f64 = 1e-10;

/// Both series over every hour from the first to the last.
#[derive(Debug)]
pub(crate) struct Grid {
    /// The weight of each hour: on average 1 over the present hours, 0 for a missing one.
    pub(crate) weight: Vec<f64>,
    /// The explanatory series: the weather, or an indicator of wet hours.
    pub(crate) x: Vec<f64>,
    /// The response: the feeling.
    pub(crate) y: Vec<f64>,
    /// The number of present hours.
    pub(crate) hours: usize,
    /// The factor that corrects variances for the degrees of freedom of the adjustment, at least 1.
    pub(crate) inflation: f64,
    /// The standard deviations of both series in their units, after the adjustment.
    pub(crate) scale: (f64, f64),
}

impl Grid {
    /// Places hours, sorted by time, on the grid, with `x` as the explanatory series.
    pub(crate) fn new(
        hours: &[PairedHour],
        options: RelationOptions,
        x: Vec<f64>,
    ) -> Result<Self, InsufficientData> {
        let weights = normalized_weights(hours, options);
        let (x, scale_x) = standardize(hours, options, &weights, x, Series::Weather)?;
        let feelings = hours.iter().map(|hour| hour.feeling).collect();
        let (y, scale_y) = standardize(hours, options, &weights, feelings, Series::Feeling)?;
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

    /// The values of a series in the present hours.
    pub(crate) fn present(&self, series: &[f64]) -> Vec<f64> {
        let weighted = series.iter().zip(&self.weight);
        let present = weighted.filter(|(_, weight)| **weight > 0.0);
        present.map(|(value, _)| *value).collect()
    }

    /// The leverage of each hour in a regression on a constant and the explanatory series, 0 to 1;
    /// 0 for a missing hour.
    pub(crate) fn leverages(&self) -> impl Iterator<Item = f64> {
        let hours = self.hours as f64;
        let weighted = self.weight.iter().zip(&self.x);
        weighted.map(move |(weight, x)| (weight * (1.0 + x * x) / hours).min(1.0))
    }
}

fn normalized_weights(hours: &[PairedHour], options: RelationOptions) -> Vec<f64> {
    let weight = |hour| options.weighting.weight(hour);
    let mut weights: Vec<f64> = hours.iter().map(weight).collect();
    let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
    weights.iter_mut().for_each(|weight| *weight /= mean);
    weights
}

/// Each estimated mean costs a degree of freedom (MacKinnon and White 1985, HC1).
fn inflation(hours: &[PairedHour], options: RelationOptions) -> f64 {
    let n = hours.len() as f64;
    let degrees_of_freedom = n - options.adjustment.parameters(hours) as f64;
    if degrees_of_freedom > 1.0 {
        n / degrees_of_freedom
    } else {
        n
    }
}

/// Adjusts a series and scales it to mean 0 and variance 1. Also returns its standard deviation.
fn standardize(
    hours: &[PairedHour],
    options: RelationOptions,
    weights: &[f64],
    mut values: Vec<f64>,
    series: Series,
) -> Result<(Vec<f64>, f64), InsufficientData> {
    let largest = values.iter().fold(0.0f64, |max, v| max.max(v.abs()));
    let total: f64 = weights.iter().sum();
    let weighted_mean = |values: &[f64]| weighted(weights, values).sum::<f64>() / total;
    // Twice: the first mean of values with a large common offset is inexact, the second is not.
    for _ in 0..2 {
        let mean = weighted_mean(&values);
        values.iter_mut().for_each(|value| *value -= mean);
    }
    options
        .adjustment
        .remove_effects(hours, weights, &mut values);
    let mean = weighted_mean(&values);
    values.iter_mut().for_each(|value| *value -= mean);
    let squares: Vec<f64> = values.iter().map(|value| value * value).collect();
    let deviation = weighted_mean(&squares).sqrt();
    if !deviation.is_finite() || deviation <= largest * ROUNDING {
        return Err(InsufficientData::NoVariance { series });
    }
    values.iter_mut().for_each(|value| *value /= deviation);
    Ok((values, deviation))
}

fn weighted<'a>(weights: &'a [f64], values: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    weights.iter().zip(values).map(|(weight, v)| weight * v)
}
