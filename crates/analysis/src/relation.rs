//! The relation of a weather variable and the feeling, with confidence intervals.
//!
//! The intervals and the p-value account for the autocorrelation of the hours. An interval is
//! value ± c · standard error, where
//!
//! - the standard error comes from the long-run variance of the hours' influences. It is the larger
//!   of two estimates: the prewhitened one of Andrews and Monahan, which needs no assumption but
//!   is too small for few, strongly autocorrelated hours; and White's (1980) times Bartlett's factor
//!   for the autocorrelation of both series, which is better there, but assumes that the
//!   autocorrelation is the only dependence;
//! - `c` comes from a studentized circular block bootstrap, so that it reflects the effective sample
//!   size.
//!
//! `study/` compares the coverage of this interval with that of alternatives.

use crate::bootstrap::deviations;
use crate::grid::Grid;
use crate::insufficient_data::{InsufficientData, Series};
use crate::moments::{CircularSums, SampleMoments, Statistic};
use crate::rank::spearman;
use crate::sample::{PairedHour, RelationOptions, usable_hours};
use crate::uncertainty::{Estimate, StatisticWithError};

/// The minimum number of hours of an estimate.
pub const MIN_HOURS: usize = 30;
/// The number of bootstrap replicates.
pub const REPLICATES: usize = 1999;
/// A correlation above this is perfect up to rounding.
const PERFECT: f64 = 1.0 - 1e-9;
/// The smallest correlation that [`Relation::additional_hours`] aims to detect.
const SMALL_CORRELATION: f64 = 0.1;
/// Quantiles of the normal distribution: of 97.5 % for the level, of 80 % for the power.
const LEVEL_AND_POWER: f64 = 1.959_964 + 0.841_621;

/// The sign of a relation, as far as the interval of the correlation determines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// The feeling rises with the variable: the interval is above 0.
    Rises,
    /// The feeling falls with the variable: the interval is below 0.
    Falls,
    /// The interval contains 0.
    Undecided,
}

/// The relation of a weather variable and the feeling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relation {
    /// The number of hours with both series and enough posts.
    pub hours: usize,
    /// The number of independent hours that would give the same standard error of the correlation.
    pub effective_sample_size: f64,
    /// Pearson's correlation.
    pub pearson: Estimate,
    /// The square of Pearson's correlation.
    pub r_squared: f64,
    /// Spearman's rank correlation with mean ranks for ties. Not weighted.
    pub spearman: f64,
    /// The change of the feeling per unit of the variable (least squares).
    pub slope: Estimate,
    /// The probability of a correlation at least as large if there is no relation (two-sided).
    pub p_value: f64,
    /// The block length of the bootstrap in hours.
    pub block_hours: usize,
    /// The number of bootstrap replicates.
    pub replicates: usize,
}

impl Relation {
    /// The relation of hours that are on a line up to rounding: all intervals have width 0.
    fn perfect(grid: &Grid, r: f64) -> Self {
        let exact = |value| Estimate {
            value,
            low: value,
            high: value,
        };
        Self {
            hours: grid.hours,
            effective_sample_size: grid.hours as f64,
            pearson: exact(r),
            r_squared: r * r,
            spearman: spearman(grid),
            slope: exact(r.signum() * grid.scale.1 / grid.scale.0),
            p_value: 1.0 / (REPLICATES as f64 + 1.0),
            block_hours: 1,
            replicates: REPLICATES,
        }
    }

    /// The conclusion at a significance level of 5 %.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        if self.pearson.low > 0.0 {
            Conclusion::Rises
        } else if self.pearson.high < 0.0 {
            Conclusion::Falls
        } else {
            Conclusion::Undecided
        }
    }

    /// The number of additional hours like the present ones that are needed to detect a correlation
    /// of 0.1 with a power of 80 %.
    ///
    /// By Fisher's z this takes (1.96 + 0.84)² / artanh(0.1)² + 3 independent hours. The result is 0
    /// if the hours suffice: then an undecided relation is unlikely to be as large as 0.1.
    #[must_use]
    pub fn additional_hours(&self) -> u64 {
        let needed = (LEVEL_AND_POWER / SMALL_CORRELATION.atanh()).powi(2) + 3.0;
        let efficiency = self.effective_sample_size / self.hours as f64;
        (needed / efficiency - self.hours as f64).ceil().max(0.0) as u64
    }
}

/// Estimates the relation of weather and feeling.
///
/// The hours may have any order. A missing hour is a gap in time.
///
/// # Errors
/// [`InsufficientData`] if the hours do not suffice for an estimate.
pub fn relate(
    hours: &[PairedHour],
    options: RelationOptions,
) -> Result<Relation, InsufficientData> {
    let hours = enough_hours(hours, options)?;
    let weather = hours.iter().map(|hour| hour.weather).collect();
    let grid = Grid::new(&hours, options, weather)?;
    let sums = CircularSums::new(&grid);
    let sample = sample_moments(&sums)?;
    let r = sample.r();
    if r.abs() > PERFECT {
        return Ok(Relation::perfect(&grid, r));
    }
    let z = StatisticWithError::new(&grid, &sample, Statistic::FisherZ);
    let slope = StatisticWithError::new(&grid, &sample, Statistic::Slope);
    let effective_sample_size = z.effective_sample_size(&grid)?;
    let block_hours = z.block_hours(sums.len());
    let statistics = [Statistic::FisherZ, Statistic::Slope];
    let [z_deviations, slope_deviations] =
        deviations(&sums, statistics, block_hours, REPLICATES).ok_or(NO_VARIANCE)?;
    let unit = grid.scale.1 / grid.scale.0;
    Ok(Relation {
        hours: hours.len(),
        effective_sample_size,
        pearson: z
            .estimate(&z_deviations)
            .transformed(f64::tanh)
            .with_value(r),
        r_squared: r * r,
        spearman: spearman(&grid),
        slope: slope
            .estimate(&slope_deviations)
            .transformed(|slope| slope * unit),
        p_value: z_deviations.p_value(z.deviation()),
        block_hours,
        replicates: REPLICATES,
    })
}

const NO_VARIANCE: InsufficientData = InsufficientData::NoVariance {
    series: Series::Weather,
};

/// The usable hours, if there are at least [`MIN_HOURS`].
pub(crate) fn enough_hours(
    hours: &[PairedHour],
    options: RelationOptions,
) -> Result<Vec<PairedHour>, InsufficientData> {
    let hours = usable_hours(hours, options);
    if hours.len() < MIN_HOURS {
        return Err(InsufficientData::Hours {
            have: hours.len(),
            need: MIN_HOURS,
        });
    }
    Ok(hours)
}

pub(crate) fn sample_moments(sums: &CircularSums) -> Result<SampleMoments, InsufficientData> {
    sums.total().sample_moments().ok_or(NO_VARIANCE)
}
