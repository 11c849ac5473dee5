//! The interval and the p-value of a relation.
//!
//! Two tests must agree before a relation is claimed, because each is blind where the other one sees:
//!
//! - a block bootstrap around a long-run standard error with a correction for leverage. It allows noise
//!   that depends on the weather, and a trend in both series makes its standard error large; but a few
//!   hours that carry the weather, or heavy tails, make it too narrow;
//! - the test of [`crate::shift`]. It holds for any distribution of the weather, but assumes that the
//!   weather is stationary and independent of the feelings, noise included.
//!
//! The interval is the union of the intervals of both tests; the p-value is the larger one. Hence the
//! interval excludes 0 exactly if both tests reject 0.
//!
//! Terms: a *standardized slope* is the change of the feeling by the weather, both in standard
//! deviations.

use crate::bootstrap::deviations;
use crate::exposure::Exposure;
use crate::grid::Grid;
use crate::insufficient_data::{InsufficientData, Series};
use crate::moments::{CircularSums, SampleMoments, Statistic};
use crate::sample::{PairedHour, RelationOptions};
use crate::shift::ShiftTest;
use crate::uncertainty::{ALPHA, Estimate, StatisticWithError};

/// The number of bootstrap replicates.
pub const REPLICATES: usize = 1999;
/// A correlation above this is perfect up to rounding.
const PERFECT: f64 = 1.0 - 1e-9;

/// The relation of two series, in standardized units.
pub(crate) struct Inference {
    pub(crate) grid: Grid,
    pub(crate) effective_sample_size: f64,
    pub(crate) block_hours: usize,
    /// The larger one of both tests.
    pub(crate) p_value: f64,
    r: f64,
    low: Bound,
    high: Bound,
}

/// An end of the interval as a standardized slope and as a correlation. Both have the same sign.
#[derive(Debug, Clone, Copy)]
struct Bound {
    slope: f64,
    correlation: f64,
}

impl Inference {
    /// Relates the feelings of hours, sorted by time, with `x`. The bootstrap resamples all of
    /// `statistics`, of which the first one determines its blocks and the effective sample size.
    pub(crate) fn new<const N: usize>(
        hours: &[PairedHour],
        options: RelationOptions,
        x: &[f64],
        statistics: [Statistic; N],
    ) -> Result<Self, InsufficientData> {
        let grid = Grid::new(hours, options, x.to_vec())?;
        let exposure = Exposure::new(x, &grid);
        exposure.check()?;
        let sums = CircularSums::new(&grid);
        let sample = sums.total().sample_moments().ok_or(NO_VARIANCE)?;
        if sample.r().abs() > PERFECT {
            return Ok(Self::perfect(grid, sample.r()));
        }
        let errors = statistics.map(|s| StatisticWithError::new(&grid, &sample, s));
        let effective_sample_size = errors[0].effective_sample_size(&grid)?;
        let block_hours = errors[0].block_hours(sums.len());
        // If the weather does not vary in many samples of blocks, too few blocks carry it.
        let resampled = deviations(&sums, statistics, block_hours, REPLICATES)
            .ok_or_else(|| exposure.insufficient())?;
        let shifts = ShiftTest::new(hours, options, x, &grid);
        let (low, high) = shifts.interval(ALPHA)?;
        let mut low = Bound::from_slope(low, sample.r());
        let mut high = Bound::from_slope(high, sample.r());
        let mut p_value = shifts.p_value();
        for ((statistic, error), deviations) in statistics.iter().zip(&errors).zip(&resampled) {
            let interval = error.estimate(deviations);
            low = low.combine(Bound::new(*statistic, interval.low, &sample), f64::min);
            high = high.combine(Bound::new(*statistic, interval.high, &sample), f64::max);
            p_value = p_value.max(error.p_value(deviations));
        }
        Ok(Self {
            grid,
            effective_sample_size,
            block_hours,
            p_value,
            r: sample.r(),
            low,
            high,
        })
    }

    /// The relation of hours that are on a line up to rounding: the interval has width 0.
    fn perfect(grid: Grid, r: f64) -> Self {
        let bound = Bound {
            slope: r,
            correlation: r,
        };
        Self {
            effective_sample_size: grid.hours as f64,
            block_hours: 1,
            p_value: 1.0 / (REPLICATES as f64 + 1.0),
            r,
            low: bound,
            high: bound,
            grid,
        }
    }

    /// Pearson's correlation with its interval.
    pub(crate) fn correlation(&self) -> Estimate {
        Estimate {
            value: self.r,
            low: self.low.correlation,
            high: self.high.correlation,
        }
    }

    /// The slope with its interval, in the units of the series.
    pub(crate) fn slope(&self) -> Estimate {
        let unit = self.grid.scale.1 / self.grid.scale.0;
        Estimate {
            value: self.r * unit,
            low: self.low.slope * unit,
            high: self.high.slope * unit,
        }
    }
}

impl Bound {
    /// The end of the interval of a statistic.
    fn new(statistic: Statistic, value: f64, sample: &SampleMoments) -> Self {
        match statistic {
            Statistic::Slope => Self::from_slope(value, sample.r()),
            // With the variances as they are, the standardized slope is the correlation.
            Statistic::FisherZ => Self {
                slope: value.tanh(),
                correlation: value.tanh(),
            },
        }
    }

    /// A slope, and the correlation that it has with the residuals of the estimate `r`.
    fn from_slope(slope: f64, r: f64) -> Self {
        Self {
            slope,
            correlation: slope / slope.hypot((1.0 - r * r).sqrt()),
        }
    }

    fn combine(self, other: Self, choose: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            slope: choose(self.slope, other.slope),
            correlation: choose(self.correlation, other.correlation),
        }
    }
}

const NO_VARIANCE: InsufficientData = InsufficientData::NoVariance {
    series: Series::Weather,
};
