//! The relation of a weather variable and the feeling, with confidence intervals.
//!
//! The intervals and the p-value account for the autocorrelation of the hours; [`crate::inference`]
//! explains how, and `study/` shows how often they are right.

use crate::inference::{Inference, REPLICATES};
use crate::insufficient_data::InsufficientData;
use crate::moments::Statistic;
use crate::rank::{ranked, spearman};
use crate::sample::{PairedHour, RelationOptions, usable_hours};
use crate::uncertainty::Estimate;

/// The minimum number of hours of an estimate.
pub const MIN_HOURS: usize = 30;
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
    /// The probability of a rank correlation at least as large if there is no relation (two-sided).
    /// `None` if the ranks do not suffice for a test.
    pub spearman_p_value: Option<f64>,
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
    let statistics = [Statistic::FisherZ, Statistic::Slope];
    let inference = Inference::new(&hours, options, &weather(&hours), statistics)?;
    let ranked = ranked(&hours);
    let ranks = Inference::new(&ranked, options, &weather(&ranked), [Statistic::FisherZ]);
    let pearson = inference.correlation();
    Ok(Relation {
        hours: hours.len(),
        effective_sample_size: inference.effective_sample_size,
        pearson,
        r_squared: pearson.value * pearson.value,
        spearman: spearman(&inference.grid),
        spearman_p_value: ranks.ok().map(|ranks| ranks.p_value),
        slope: inference.slope(),
        p_value: inference.p_value,
        block_hours: inference.block_hours,
        replicates: REPLICATES,
    })
}

fn weather(hours: &[PairedHour]) -> Vec<f64> {
    hours.iter().map(|hour| hour.weather).collect()
}

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
