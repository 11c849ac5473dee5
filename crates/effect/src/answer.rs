//! The answer: estimates, tests and checks, and what was left out.

use std::fmt;

use moodvane_model::{CityId, HourSlot, Variable};

use crate::covariance::JointTest;
use crate::options::{ALPHA, EffectError};

/// An explanatory variable of the regression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// Air temperature in bins of °C.
    Temperature,
    /// Precipitation in classes of mm/h.
    Precipitation,
    /// Relative humidity in bins of percent.
    Humidity,
    /// Cloud cover in classes of percent.
    Cloud,
    /// Wind speed, a line, per m/s.
    Wind,
    /// The change of the pressure in [`PRESSURE_CHANGE_HOURS`], a line, per hPa.
    PressureChange,
}

/// The hours over which the pressure changes: the tendency of synoptic reports (World Meteorological
/// Organization, No. 306, code FM 12).
pub const PRESSURE_CHANGE_HOURS: u32 = 3;

impl Factor {
    /// All factors.
    pub const ALL: [Self; 6] = [
        Self::Temperature,
        Self::Precipitation,
        Self::Humidity,
        Self::Cloud,
        Self::Wind,
        Self::PressureChange,
    ];

    /// The variable that the factor is made from.
    #[must_use]
    pub fn variable(self) -> Variable {
        match self {
            Self::Temperature => Variable::Temperature,
            Self::Precipitation => Variable::Precipitation,
            Self::Humidity => Variable::Humidity,
            Self::Cloud => Variable::Cloud,
            Self::Wind => Variable::Wind,
            Self::PressureChange => Variable::Pressure,
        }
    }

    /// The factor's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PressureChange => "pressure change",
            other => other.variable().name(),
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Hours before or after an hour, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LagWindow {
    /// The nearest hour.
    pub first: usize,
    /// The farthest hour.
    pub last: usize,
}

impl LagWindow {
    /// The number of hours.
    #[must_use]
    pub fn hours(self) -> usize {
        self.last + 1 - self.first
    }
}

/// A column of the regression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Term {
    /// The hours of a bin.
    Bin {
        /// The variable.
        factor: Factor,
        /// From this value on.
        low: Option<f64>,
        /// Below this value.
        high: Option<f64>,
    },
    /// The variable itself.
    Slope(Factor),
    /// The wet hours.
    Wet,
    /// The wet hours, or the sum of temperatures, of hours before.
    Past(Factor, LagWindow),
    /// The same of hours after.
    Future(Factor, LagWindow),
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bin { factor, low, high } => match (low, high) {
                (Some(low), Some(high)) => write!(f, "{factor} {low} to {high}"),
                (Some(low), None) => write!(f, "{factor} from {low}"),
                (None, Some(high)) => write!(f, "{factor} below {high}"),
                (None, None) => write!(f, "any {factor}"),
            },
            Self::Slope(factor) => write!(f, "{factor}"),
            Self::Wet => f.write_str("wet"),
            Self::Past(factor, window) => {
                write!(f, "{factor} {} to {} h before", window.first, window.last)
            }
            Self::Future(factor, window) => {
                write!(f, "{factor} {} to {} h later", window.first, window.last)
            }
        }
    }
}

/// A value in classes of feeling, with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectEstimate {
    /// The value.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// The standard error.
    pub standard_error: f64,
    /// The degrees of freedom of the interval.
    pub degrees_of_freedom: f64,
    /// The probability of a value at least as far from 0 if there is no effect (two-sided).
    pub p_value: f64,
}

impl EffectEstimate {
    /// Whether the interval excludes 0.
    #[must_use]
    pub fn is_significant(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// The hours that were left out, each counted under the first reason that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOutHours {
    /// A second row of the same hour.
    pub duplicate: usize,
    /// Without scored posts, or with fewer than the minimum.
    pub too_few_posts: usize,
    /// The feeling is not a finite number.
    pub invalid_feeling: usize,
    /// Without a variable, in the order of [`Variable::ALL`].
    pub without_variable: [usize; Variable::ALL.len()],
    /// Without the pressure [`PRESSURE_CHANGE_HOURS`] before.
    pub without_earlier_pressure: usize,
    /// Less than half of a window of the past has rain and temperature.
    pub without_past: usize,
}

impl LeftOutHours {
    /// The sum over all reasons.
    #[must_use]
    pub fn total(&self) -> usize {
        self.duplicate
            + self.too_few_posts
            + self.invalid_feeling
            + self.without_variable.iter().sum::<usize>()
            + self.without_earlier_pressure
            + self.without_past
    }
}

/// A variable that does not enter, because too few hours have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeftOutVariable {
    /// The variable.
    pub variable: Variable,
    /// The share of the hours with posts that have it, 0 to 1.
    pub share: f64,
}

/// The hours and the model of an estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleSummary {
    /// The number of cities with hours.
    pub cities: usize,
    /// The number of hours of all cities.
    pub hours: usize,
    /// The number of scored posts in these hours.
    pub posts: u64,
    /// The first and the last hour.
    pub range: Option<(HourSlot, HourSlot)>,
    /// The hours that were left out.
    pub left_out: LeftOutHours,
    /// The variables that were left out.
    pub left_out_variables: Vec<LeftOutVariable>,
    /// The columns that the fixed effects or other columns explain.
    pub dropped: Vec<Term>,
    /// Whether hours of the week have an effect of their own; otherwise hours of the day and days of
    /// the week do, because there are too few weeks.
    pub has_hour_of_week_effects: bool,
    /// Whether dates have a fixed effect.
    pub has_date_effects: bool,
    /// The levels of all fixed effects.
    pub levels: usize,
    /// The last lag of Bartlett's kernel in hours, for [`Inference::Hours`](crate::Inference::Hours).
    pub kernel_lags: usize,
}

/// A bin of a variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinEffect {
    /// From this value on, in the variable's unit; `None` for the lowest bin.
    pub low: Option<f64>,
    /// Below this value; `None` for the highest bin.
    pub high: Option<f64>,
    /// The number of hours.
    pub hours: usize,
    /// The number of scored posts.
    pub posts: u64,
    /// The mean value of the bin's hours.
    pub mean: f64,
    /// The difference from the reference bin; `None` for the reference, and for a bin that other
    /// columns explain.
    pub estimate: Option<EffectEstimate>,
    /// The interval that contains the whole curve with 95 % probability; for temperature only.
    pub band: Option<(f64, f64)>,
}

/// The effect of one variable, with all others held equal.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorEffect {
    /// The variable.
    pub factor: Factor,
    /// Its bins, from the lowest; empty for a line.
    pub bins: Vec<BinEffect>,
    /// The index of the reference among the bins.
    pub reference: Option<usize>,
    /// The effect of one unit, for a line.
    pub slope: Option<EffectEstimate>,
    /// The test that all its coefficients are 0. `None` if there are none.
    pub test: Option<JointTest>,
    /// The p-value of the test, corrected for the number of variables by Holm's method.
    pub adjusted_p_value: Option<f64>,
}

/// The effect of rain and its proportion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WetEffect {
    /// The feeling of a wet hour minus that of a dry hour of equal other weather, past, season, hour of
    /// the week and city.
    pub estimate: EffectEstimate,
    /// The same for hours of any past: it includes the after-effects of the rain before.
    pub with_any_past: EffectEstimate,
    /// The number of wet hours.
    pub wet_hours: usize,
    /// The number of dry hours.
    pub dry_hours: usize,
    /// The number of separate wet spells.
    pub wet_spells: usize,
}

/// What an effect is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The standard deviation of the feelings of a city's hours.
    pub standard_deviation: f64,
    /// The feeling of a Saturday minus that of a Monday of equal weather and season.
    pub saturday_minus_monday: Option<EffectEstimate>,
}

impl Scale {
    /// A value in standard deviations of hours; `None` if the feelings do not vary.
    #[must_use]
    pub fn in_standard_deviations(&self, value: f64) -> Option<f64> {
        (self.standard_deviation > 0.0).then(|| value / self.standard_deviation)
    }

    /// A value over the difference of Saturday and Monday, if that is significant.
    #[must_use]
    pub fn share_of_weekend(&self, value: f64) -> Option<f64> {
        let difference = self.saturday_minus_monday?;
        let is_significant = difference.is_significant();
        is_significant.then(|| value / difference.value.abs())
    }
}

/// The effect of a window of hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LagEffect {
    /// The hours before; `None` for the hour itself.
    pub window: Option<LagWindow>,
    /// The effect of each hour of the window: one wet hour, or one °C for one hour.
    pub estimate: EffectEstimate,
}

/// The effects of the past of a variable.
#[derive(Debug, Clone, PartialEq)]
pub struct LagProfile {
    /// Precipitation or temperature.
    pub factor: Factor,
    /// The effects, from the hour itself backwards.
    pub lags: Vec<LagEffect>,
    /// The sum over all hours: the effect of one wet hour, or of one °C in one hour, on all hours up to the
    /// end of the past.
    pub cumulative: EffectEstimate,
}

/// The weather of the future, which cannot have an effect.
#[derive(Debug, Clone, PartialEq)]
pub struct Placebo {
    /// The hours with past and future.
    pub hours: usize,
    /// The test that no coefficient of future rain and temperature differs from 0.
    pub test: JointTest,
    /// The effects of future wet hours.
    pub rain: Vec<LagEffect>,
}

impl Placebo {
    /// Whether future weather shows nothing, as it should.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.test.p_value > ALPHA
    }
}

/// The permutation test of the wet effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShiftCheck {
    /// The number of shifts.
    pub shifts: usize,
    /// The number of shifts that relate rain and feeling at least as strongly.
    pub as_strong: usize,
}

impl ShiftCheck {
    /// The p-value, in which the observed pairing is one of the shifts.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        (self.as_strong as f64 + 1.0) / (self.shifts as f64 + 1.0)
    }
}

/// The wet effect of one city alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CityEffect {
    /// The city.
    pub city: CityId,
    /// The effect, or why there is none.
    pub effect: Result<WetEffect, EffectError>,
}

/// The effect of the weather on the feeling.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectAnswer {
    /// The hours and the model.
    pub sample: SampleSummary,
    /// The effect of rain.
    pub wet: WetEffect,
    /// What effects are compared with.
    pub scale: Scale,
    /// The effects of all variables.
    pub factors: Vec<FactorEffect>,
    /// The effects of past rain and temperature; empty without a past.
    pub lags: Vec<LagProfile>,
    /// The placebo; `None` without checks, without a past, or with too few hours that have a future.
    pub placebo: Option<Placebo>,
    /// The permutation test; `None` without checks.
    pub shifts: Option<ShiftCheck>,
    /// Each city alone; empty without checks, or for one city.
    pub cities: Vec<CityEffect>,
}
