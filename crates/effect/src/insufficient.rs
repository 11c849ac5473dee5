//! Why the data do not suffice, and how many more hours it takes.

use thiserror::Error;

/// The minimum number of hours that have posts and all weather.
pub const MIN_HOURS: usize = 336;
/// The minimum number of weeks with hours: the clusters of the standard errors.
pub const MIN_WEEKS: usize = 8;
/// The minimum number of wet and of dry hours.
pub const MIN_WET_HOURS: usize = 20;
/// The minimum number of separate wet spells.
pub const MIN_WET_SPELLS: usize = 10;

/// The data do not suffice for an effect.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum InsufficientEffect {
    /// Too few hours.
    #[error("only {have} of the required {need} hours have posts and all weather")]
    Hours {
        /// The hours with both.
        have: usize,
        /// The required hours.
        need: usize,
    },
    /// Too few weeks.
    #[error(
        "the hours with posts and all weather lie in {have} weeks, at least {need} are required"
    )]
    Weeks {
        /// The weeks with such hours.
        have: usize,
        /// The required weeks.
        need: usize,
        /// The hours.
        hours: usize,
    },
    /// Too few wet or dry hours.
    #[error("of {hours} hours {wet} are wet, at least {need} wet and {need} dry ones are required")]
    WetHours {
        /// All hours.
        hours: usize,
        /// The wet hours.
        wet: usize,
        /// The required number of each.
        need: usize,
    },
    /// The wet hours form too few spells.
    #[error(
        "it is wet in only {have} separate spells in {hours} hours, at least {need} are required"
    )]
    WetSpells {
        /// All hours.
        hours: usize,
        /// The number of spells.
        have: usize,
        /// The required number.
        need: usize,
    },
    /// No city reports precipitation in enough hours.
    #[error(
        "only {share:.0} % of the hours have a precipitation, at least {need:.0} % are required"
    )]
    NoPrecipitation {
        /// Percent of hours.
        share: f64,
        /// The required percentage.
        need: f64,
    },
    /// The fixed effects and the other variables explain the rain.
    #[error("the rain is a function of the other variables, the time of day and the season")]
    Collinear,
}

impl InsufficientEffect {
    /// How many additional hours the estimate needs if they are like the present ones. `None` if no
    /// number of such hours suffices.
    #[must_use]
    pub fn additional_hours(self) -> Option<u64> {
        let scaled = |hours: usize, have: usize, need: usize| {
            let missing = need.saturating_sub(have) as f64;
            (have > 0).then(|| (hours as f64 * missing / have as f64).ceil() as u64)
        };
        match self {
            Self::Hours { have, need } => Some(need.saturating_sub(have) as u64),
            Self::WetHours { hours, wet, need } => scaled(hours, wet.min(hours - wet), need),
            Self::WetSpells { hours, have, need } | Self::Weeks { hours, have, need } => {
                scaled(hours, have, need)
            }
            Self::NoPrecipitation { .. } | Self::Collinear => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additional_hours_extrapolate() {
        let cases = [
            (
                InsufficientEffect::Hours {
                    have: 300,
                    need: 336,
                },
                Some(36),
            ),
            (
                InsufficientEffect::WetHours {
                    hours: 400,
                    wet: 10,
                    need: 20,
                },
                Some(400),
            ),
            (
                InsufficientEffect::WetHours {
                    hours: 400,
                    wet: 0,
                    need: 20,
                },
                None,
            ),
            (
                InsufficientEffect::WetHours {
                    hours: 400,
                    wet: 390,
                    need: 20,
                },
                Some(400),
            ),
            (
                InsufficientEffect::WetSpells {
                    hours: 400,
                    have: 8,
                    need: 10,
                },
                Some(100),
            ),
            (InsufficientEffect::Collinear, None),
        ];
        for (case, expected) in cases {
            assert_eq!(case.additional_hours(), expected, "{case}");
        }
    }
}
