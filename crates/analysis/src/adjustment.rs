//! Removes daily and weekly cycles from a series.
//!
//! By the theorem of Frisch and Waugh (1933), relating the residuals of both series equals relating
//! the series with fixed effects: a regression with an indicator for each hour of the day and each
//! day of the week.

use crate::sample::{Adjustment, PairedHour};

/// Two fixed effects are removed alternately until the values converge (von Neumann's alternating
/// projections). Hours of the day and days of the week are nearly orthogonal, so that a few
/// iterations suffice; the limit matters only if most hours of some days are missing.
const MAX_ITERATIONS: usize = 500;
const TOLERANCE: f64 = 1e-13;

/// A fixed effect: maps an hour to the index of its level, and has this number of levels.
type FixedEffect = (fn(&PairedHour) -> usize, usize);

const HOUR_OF_DAY: FixedEffect = (|hour| usize::from(hour.local.hour_of_day()), 24);
const DAY_OF_WEEK: FixedEffect = (|hour| usize::from(hour.local.day_of_week()), 7);

/// The indicator columns of an adjustment: a constant, or one for each level of each effect.
pub(crate) struct FixedEffects(&'static [FixedEffect]);

impl FixedEffects {
    pub(crate) fn new(adjustment: Adjustment) -> Self {
        Self(adjustment.fixed_effects())
    }

    pub(crate) fn column_count(&self) -> usize {
        let levels: usize = self.0.iter().map(|(_, levels)| levels).sum();
        levels.max(1)
    }

    /// The columns that are 1 in this hour; the others are 0. With fewer than two, the number of
    /// columns stands for a missing one.
    pub(crate) fn columns(&self, hour: &PairedHour) -> [usize; 2] {
        let none = self.column_count();
        match self.0 {
            [] => [0, none],
            [(level, _)] => [level(hour), none],
            [(level, levels), (other, _), ..] => [level(hour), levels + other(hour)],
        }
    }
}

impl Adjustment {
    pub(crate) fn has_hour_of_day(self) -> bool {
        matches!(self, Self::HourOfDay | Self::HourOfDayAndDayOfWeek)
    }

    fn fixed_effects(self) -> &'static [FixedEffect] {
        match self {
            Self::None => &[],
            Self::HourOfDay => &[HOUR_OF_DAY],
            Self::DayOfWeek => &[DAY_OF_WEEK],
            Self::HourOfDayAndDayOfWeek => &[HOUR_OF_DAY, DAY_OF_WEEK],
        }
    }

    /// The number of parameters that the fixed effects estimate from these hours, beyond the mean.
    pub(crate) fn parameters(self, hours: &[PairedHour]) -> usize {
        let parameters = |(level, levels): &FixedEffect| {
            let mut present = vec![false; *levels];
            hours.iter().for_each(|hour| present[level(hour)] = true);
            let count = present.iter().filter(|present| **present).count();
            count.saturating_sub(1)
        };
        self.fixed_effects().iter().map(parameters).sum()
    }

    /// Replaces `values`, one for each of `hours`, by their residuals.
    pub(crate) fn remove_effects(self, hours: &[PairedHour], weights: &[f64], values: &mut [f64]) {
        let effects = self.fixed_effects();
        let scale = values.iter().fold(0.0f64, |max, v| max.max(v.abs()));
        for _ in 0..MAX_ITERATIONS {
            let mut change = 0.0f64;
            for (level, levels) in effects {
                change = change.max(center(hours, weights, values, *level, *levels));
            }
            if change <= scale * TOLERANCE || effects.len() < 2 {
                return;
            }
        }
    }
}

/// Subtracts the weighted mean of each level. Returns the largest mean that it subtracted.
fn center(
    hours: &[PairedHour],
    weights: &[f64],
    values: &mut [f64],
    level: fn(&PairedHour) -> usize,
    levels: usize,
) -> f64 {
    let mut sums = vec![(0.0, 0.0); levels];
    for ((hour, weight), value) in hours.iter().zip(weights).zip(values.iter()) {
        let sum = &mut sums[level(hour)];
        *sum = (sum.0 + weight, sum.1 + weight * value);
    }
    let mean = |(weight, sum): (f64, f64)| if weight > 0.0 { sum / weight } else { 0.0 };
    for (hour, value) in hours.iter().zip(values.iter_mut()) {
        *value -= mean(sums[level(hour)]);
    }
    sums.iter().fold(0.0, |max, sum| max.max(mean(*sum).abs()))
}
