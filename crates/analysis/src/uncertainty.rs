//! The standard error and confidence interval of a statistic of autocorrelated hours.

use crate::autocovariance::{bartlett_factor, block_length, long_run_variance};
use crate::bootstrap::Deviations;
use crate::grid::Grid;
use crate::insufficient_data::InsufficientData;
use crate::moments::{MomentSums, SampleMoments, Statistic};

/// The minimum effective sample size of an estimate.
pub const MIN_EFFECTIVE_SAMPLE_SIZE: f64 = 6.0;
/// The significance level of the intervals.
pub(crate) const ALPHA: f64 = 0.05;

/// A value and its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Estimate {
    /// Transforms the value and the interval by an increasing function.
    pub(crate) fn transformed(self, transform: impl Fn(f64) -> f64) -> Self {
        Self {
            value: transform(self.value),
            low: transform(self.low),
            high: transform(self.high),
        }
    }
}

/// An hour's residual is corrected for at most this leverage.
const MAX_LEVERAGE: f64 = 0.95;

/// The value of a statistic and its standard error.
pub(crate) struct StatisticWithError {
    value: f64,
    standard_error: f64,
    influences: Vec<f64>,
}

impl StatisticWithError {
    pub(crate) fn new(grid: &Grid, sample: &SampleMoments, statistic: Statistic) -> Self {
        Self::with_influences(
            grid,
            sample,
            statistic,
            corrected_influences(grid, sample, statistic),
        )
    }

    /// The standard error by the long-run variance of these influences.
    pub(crate) fn with_influences(
        grid: &Grid,
        sample: &SampleMoments,
        statistic: Statistic,
        influences: Vec<f64>,
    ) -> Self {
        let variances = Variances::new(grid, sample, statistic, &influences);
        let variance = variances.bartlett.max(variances.prewhitened) * grid.inflation;
        Self {
            value: sample.value(statistic),
            standard_error: (variance / grid.hours as f64).sqrt(),
            influences,
        }
    }

    /// The number of independent hours that would give the same standard error of a correlation of 0.
    ///
    /// # Errors
    /// [`InsufficientData::EffectiveSampleSize`] if it is below [`MIN_EFFECTIVE_SAMPLE_SIZE`].
    pub(crate) fn effective_sample_size(&self, grid: &Grid) -> Result<f64, InsufficientData> {
        let hours = grid.hours as f64;
        let effective = self.standard_error.powi(2).recip().min(hours);
        if effective < MIN_EFFECTIVE_SAMPLE_SIZE {
            return Err(InsufficientData::EffectiveSampleSize {
                have: grid.hours,
                effective,
                need: MIN_EFFECTIVE_SAMPLE_SIZE,
            });
        }
        Ok(effective)
    }

    /// The block length of the bootstrap: the optimal one by Politis and White, but at least half the
    /// cube root of the time span.
    ///
    /// The cube root is the rate of the optimal length for any dependence (Hall, Horowitz and Jing
    /// 1995), so that blocks also preserve dependence that is too weak to detect. The full cube root
    /// does not improve the coverage (`study/coverage.md`).
    pub(crate) fn block_hours(&self, span: usize) -> usize {
        let floor = (span as f64).cbrt() / 2.0;
        block_length(&self.influences).max(floor).round() as usize
    }

    /// The probability of a value at least as far from 0, by the deviations of the bootstrap.
    pub(crate) fn p_value(&self, deviations: &Deviations) -> f64 {
        deviations.p_value((self.value / self.standard_error).abs())
    }

    /// The value with its 95 % interval, by the deviations of the bootstrap.
    pub(crate) fn estimate(&self, deviations: &Deviations) -> Estimate {
        let margin = deviations.critical_value(ALPHA) * self.standard_error;
        Estimate {
            value: self.value,
            low: self.value - margin,
            high: self.value + margin,
        }
    }
}

/// The influence of each hour on the statistic, corrected for its leverage.
///
/// An hour that carries the weather draws the line to itself, so that its residual is too small by
/// the factor 1 - leverage (MacKinnon and White 1985, HC3).
fn corrected_influences(grid: &Grid, sample: &SampleMoments, statistic: Statistic) -> Vec<f64> {
    let influences = influences(grid, sample, statistic).into_iter();
    let corrected = influences.zip(grid.leverages());
    corrected
        .map(|(influence, leverage)| influence / (1.0 - leverage.min(MAX_LEVERAGE)))
        .collect()
}

/// The influence of each hour on the statistic; 0 for a missing hour.
pub(crate) fn influences(grid: &Grid, sample: &SampleMoments, statistic: Statistic) -> Vec<f64> {
    (0..grid.weight.len())
        .map(|i| MomentSums::of_hour(grid.weight[i], grid.x[i], grid.y[i]))
        .map(|hour| sample.influence(&hour, statistic))
        .collect()
}

/// Two estimates of the statistic's variance, times the number of hours.
pub(crate) struct Variances {
    pub(crate) bartlett: f64,
    pub(crate) prewhitened: f64,
}

impl Variances {
    pub(crate) fn new(
        grid: &Grid,
        sample: &SampleMoments,
        statistic: Statistic,
        influences: &[f64],
    ) -> Self {
        let present: Vec<bool> = grid.weight.iter().map(|weight| *weight > 0.0).collect();
        let white = influences.iter().map(|u| u * u).sum::<f64>() / grid.hours as f64;
        let response = match statistic {
            Statistic::FisherZ => grid.y.clone(),
            Statistic::Slope => residuals(grid, sample),
        };
        Self {
            bartlett: white * bartlett_factor(&grid.x, &response, &present),
            prewhitened: long_run_variance(influences, &present, grid.hours),
        }
    }
}

/// The residuals of the regression of y on x; 0 for a missing hour.
fn residuals(grid: &Grid, sample: &SampleMoments) -> Vec<f64> {
    let slope = sample.value(Statistic::Slope);
    let pairs = grid.x.iter().zip(&grid.y);
    pairs.map(|(x, y)| y - slope * x).collect()
}
