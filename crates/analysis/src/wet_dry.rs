//! The difference between the feelings of wet and dry hours.

use crate::inference::Inference;
use crate::insufficient_data::InsufficientData;
use crate::moments::Statistic;
use crate::relation::enough_hours;
use crate::sample::{PairedHour, RelationOptions};
use crate::uncertainty::Estimate;

/// An hour with at least this precipitation is wet, in mm/h: the smallest amount that a gauge
/// measures (World Meteorological Organization, No. 8, chapter 6).
pub const WET_MM_PER_H: f64 = 0.1;
/// The minimum number of hours of each group.
const MIN_GROUP_SIZE: usize = 10;

/// The feelings of wet hours compared with those of dry hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WetDryComparison {
    /// The number of wet hours.
    pub wet_hours: usize,
    /// The number of dry hours.
    pub dry_hours: usize,
    /// The weighted mean feeling of wet hours.
    pub wet_feeling: f64,
    /// The weighted mean feeling of dry hours.
    pub dry_feeling: f64,
    /// The mean feeling of wet hours minus that of dry hours, after the seasonal adjustment.
    pub difference: Estimate,
    /// The difference in pooled standard deviations: Hedges' g (Hedges 1981).
    pub effect_size: Estimate,
    /// The probability of a difference at least as large if there is none (two-sided).
    pub p_value: f64,
    /// The block length of the bootstrap in hours.
    pub block_hours: usize,
}

/// Compares the feelings of hours with at least [`WET_MM_PER_H`] with those of other hours. The
/// weather of the hours is their precipitation in mm/h.
///
/// The difference of two means equals the slope of a regression on an indicator of one group, so that
/// the bootstrap of [`relate`](crate::relate) applies.
///
/// # Errors
/// [`InsufficientData`] if the hours do not suffice for an estimate.
pub fn compare_wet_dry(
    hours: &[PairedHour],
    options: RelationOptions,
) -> Result<WetDryComparison, InsufficientData> {
    let hours = enough_hours(hours, options)?;
    let indicator = wet_indicator(&hours)?;
    let inference = Inference::new(&hours, options, &indicator, [Statistic::Slope])?;
    let difference = inference.slope();
    let wet_group = Group::new(&hours, options, is_wet);
    let dry_group = Group::new(&hours, options, |hour| !is_wet(hour));
    let hedges_factor = hedges_factor(&wet_group, &dry_group);
    Ok(WetDryComparison {
        wet_hours: wet_group.hours,
        dry_hours: dry_group.hours,
        wet_feeling: wet_group.mean,
        dry_feeling: dry_group.mean,
        difference,
        effect_size: difference.transformed(|difference| difference * hedges_factor),
        p_value: inference.p_value,
        block_hours: inference.block_hours,
    })
}

fn is_wet(hour: &PairedHour) -> bool {
    hour.weather >= WET_MM_PER_H
}

/// 1 for each wet hour and 0 for each dry one, if there are enough of both.
pub(crate) fn wet_indicator(hours: &[PairedHour]) -> Result<Vec<f64>, InsufficientData> {
    let wet = hours.iter().filter(|hour| is_wet(hour)).count();
    let dry = hours.len() - wet;
    if wet.min(dry) < MIN_GROUP_SIZE {
        return Err(InsufficientData::GroupSize {
            wet,
            dry,
            need: MIN_GROUP_SIZE,
        });
    }
    let indicators = hours.iter().map(|hour| f64::from(u8::from(is_wet(hour))));
    Ok(indicators.collect())
}

struct Group {
    hours: usize,
    mean: f64,
    variance: f64,
}

impl Group {
    fn new(
        hours: &[PairedHour],
        options: RelationOptions,
        is_member: impl Fn(&PairedHour) -> bool,
    ) -> Self {
        let members: Vec<&PairedHour> = hours.iter().filter(|hour| is_member(hour)).collect();
        let weight = |hour: &PairedHour| options.weighting.weight(hour);
        let total: f64 = members.iter().map(|hour| weight(hour)).sum();
        let sum: f64 = members.iter().map(|hour| weight(hour) * hour.feeling).sum();
        let mean = sum / total;
        let squares: f64 = members
            .iter()
            .map(|hour| weight(hour) * (hour.feeling - mean).powi(2))
            .sum();
        Self {
            hours: members.len(),
            mean,
            variance: squares / total,
        }
    }
}

/// The factor from a difference to Hedges' g: 1 over the pooled standard deviation, times the
/// small-sample correction 1 - 3 / (4 m - 1) with m = n - 2 degrees of freedom.
fn hedges_factor(wet: &Group, dry: &Group) -> f64 {
    let (a, b) = (wet.hours as f64, dry.hours as f64);
    let degrees_of_freedom = a + b - 2.0;
    let pooled = ((a * wet.variance + b * dry.variance) / degrees_of_freedom).sqrt();
    if pooled > 0.0 {
        (1.0 - 3.0 / (4.0 * degrees_of_freedom - 1.0)) / pooled
    } else {
        0.0
    }
}
