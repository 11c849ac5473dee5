//! Why an estimate is not possible, and how many more hours it needs.

use std::fmt;

use thiserror::Error;

use crate::exposure::Departures;

/// One of the two series of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// The weather variable.
    Weather,
    /// The feeling.
    Feeling,
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weather => "weather",
            Self::Feeling => "feeling",
        })
    }
}

/// The data do not suffice for an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum InsufficientData {
    /// Too few hours have both weather and feeling.
    #[error("only {have} of the required {need} hours have both weather and feeling")]
    Hours {
        /// The number of hours with both.
        have: usize,
        /// The required number of hours.
        need: usize,
    },
    /// The hours are so strongly autocorrelated that the effective sample size is too small.
    #[error(
        "the effective sample size of {have} hours is {effective:.1}, at least {need:.0} is required"
    )]
    EffectiveSampleSize {
        /// The number of hours with both weather and feeling.
        have: usize,
        /// The effective sample size.
        effective: f64,
        /// The required effective sample size.
        need: f64,
    },
    /// The weather varies in too few separate spells, such as a single wet hour.
    #[error("{}, at least {need:.1} are required", ExposureText(*.effective, *.departures))]
    Exposure {
        /// The number of hours with both weather and feeling.
        have: usize,
        /// The effective number of spells.
        effective: f64,
        /// The required effective number of spells.
        need: f64,
        /// The hours that depart from the usual weather, if one value is usual.
        departures: Option<Departures>,
    },
    /// The weather repeats itself, so that shifted hours have the same weather.
    #[error("the weather repeats itself so regularly that shifted hours have the same weather")]
    Repetition,
    /// A series has the same value in all hours.
    #[error("the {series} does not vary")]
    NoVariance {
        /// The series without variance.
        series: Series,
    },
    /// There are too few wet or too few dry hours, or all hours of a group are consecutive.
    #[error(
        "there are {wet} wet and {dry} dry hours, at least {need} of each in several spells are required"
    )]
    GroupSize {
        /// The number of wet hours.
        wet: usize,
        /// The number of dry hours.
        dry: usize,
        /// The required number of hours of each group.
        need: usize,
    },
}

/// The effective number of spells, and which hours they consist of.
struct ExposureText(f64, Option<Departures>);

impl fmt::Display for ExposureText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(departures) => write!(
                f,
                "the weather departs from its usual value in only {departures}"
            )?,
            None => f.write_str("the weather varies too rarely")?,
        }
        write!(f, ": as informative as {:.1} separate spells", self.0)
    }
}

impl InsufficientData {
    /// How many additional hours the estimate needs if they are like the present ones. `None` if no
    /// number of such hours suffices because they do not vary.
    #[must_use]
    pub fn additional_hours(self) -> Option<u64> {
        match self {
            Self::Hours { have, need } => Some(need.saturating_sub(have) as u64),
            Self::EffectiveSampleSize {
                have,
                effective,
                need,
            } => Some((have as f64 * (need / effective - 1.0)).ceil().max(1.0) as u64),
            Self::Exposure {
                have,
                effective,
                need,
                ..
            } => (effective > 0.0)
                .then(|| (have as f64 * (need / effective - 1.0)).ceil().max(1.0) as u64),
            Self::NoVariance { .. } | Self::Repetition => None,
            Self::GroupSize { wet, dry, need } => {
                let smaller = wet.min(dry);
                let all = (wet + dry) as f64;
                let missing = need.saturating_sub(smaller) as f64;
                // If both groups are large enough, there are too few spells: require as many again.
                let required = if missing > 0.0 {
                    missing
                } else {
                    smaller as f64
                };
                (smaller > 0).then(|| (all * required / smaller as f64).ceil() as u64)
            }
        }
    }
}
