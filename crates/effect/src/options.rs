//! Options of an estimate, and their limits.

use std::num::NonZeroUsize;

use thiserror::Error;

use crate::covariance::ClusterError;
use crate::insufficient::InsufficientEffect;
use crate::regression::RegressionError;

/// The most cities of an estimate.
pub const MAX_CITIES: usize = 100;
/// The most hours of all cities together.
pub const MAX_HOURS: usize = 2_000_000;
/// The longest past, in hours.
pub const MAX_LAG_HOURS: usize = 48;
/// The most draws of the simultaneous band, shifts, or draws of the wild bootstrap.
pub const MAX_DRAWS: usize = 9_999;

/// The significance level of intervals, bands and claims.
pub const ALPHA: f64 = 0.05;

/// The weight of each hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// All hours have the same weight.
    Equal,
    /// The number of posts.
    Posts,
    /// The inverse of an hour's variance: that of the mean of its posts plus that of hours of
    /// infinitely many posts.
    ///
    /// The first part is the variance of a post, pooled over all hours, over the number of posts. An
    /// hour's own standard error would favour hours whose posts happen to agree, mostly at the ends of
    /// the scale. The second is the variance of the feelings within the fixed effects, less the mean
    /// of the first (the moment estimator of DerSimonian and Laird 1986).
    StandardError,
}

/// The fixed effect of the season; each city has its own.
///
/// Months leave the drift within a month, which the feeling shares with the temperature: in spring
/// both rise. Weeks leave a quarter of it, and make the standard errors of [`Inference::Weeks`]
/// exact in this respect, since no level spans two clusters (`benches/results/effect.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Season {
    /// A level for each month of the sample.
    Month,
    /// A level and a linear trend for each month of the sample.
    MonthTrend,
    /// A level for each week of the sample.
    Week,
}

/// How the residuals of hours may depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inference {
    /// Over time and between cities: Driscoll and Kraay 1998; for one city, Newey and West 1987.
    Hours,
    /// Within a date, in all cities.
    Dates,
    /// Within a week, in all cities: the jackknife of weeks, with the degrees of freedom of each
    /// coefficient, and joint tests that the wild cluster bootstrap must confirm.
    Weeks,
    /// Within a city.
    Cities,
    /// Within a date or a city.
    DatesAndCities,
    /// Not at all (HC1).
    Independent,
}

/// The options of [`estimate_effect`](crate::estimate_effect).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectOptions {
    /// The minimum number of scored posts of an hour. Hours with fewer are left out.
    pub min_posts: u64,
    /// The weight of each hour.
    pub weighting: Weighting,
    /// The fixed effect of the season.
    pub season: Season,
    /// Whether dates have a fixed effect where there are at least two cities, so that a holiday of all
    /// cities cancels.
    pub date_effects: bool,
    /// The past whose rain and temperature count, in hours; 0 for none.
    pub lag_hours: usize,
    /// The dependence of residuals.
    pub inference: Inference,
    /// Which checks are made.
    pub checks: Checks,
    /// The draws of the simultaneous band of the temperature curve, and of the wild bootstrap of each
    /// joint test.
    pub draws: usize,
    /// The circular shifts of the permutation test.
    pub shifts: usize,
    /// The number of threads. The result does not depend on it.
    pub threads: NonZeroUsize,
}

/// Which checks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// All: the future as a placebo, circular shifts, and each city alone.
    All,
    /// None: for the same question of another feeling, such as medians.
    None,
}

impl EffectOptions {
    /// The options of the answer.
    pub const STANDARD: Self = Self {
        min_posts: 1,
        weighting: Weighting::StandardError,
        season: Season::Week,
        date_effects: true,
        lag_hours: 24,
        inference: Inference::Weeks,
        checks: Checks::All,
        draws: 1_999,
        shifts: 499,
        threads: NonZeroUsize::MIN.saturating_add(1),
    };

    pub(crate) fn check(&self, cities: usize, hours: usize) -> Result<(), EffectError> {
        let limits = [
            ("cities", cities, MAX_CITIES),
            ("hours", hours, MAX_HOURS),
            ("hours of the past", self.lag_hours, MAX_LAG_HOURS),
            ("draws", self.draws, MAX_DRAWS),
            ("shifts", self.shifts, MAX_DRAWS),
        ];
        for (what, have, limit) in limits {
            if have > limit {
                return Err(EffectError::Limit { what, have, limit });
            }
        }
        Ok(())
    }
}

/// Why there is no estimate.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum EffectError {
    /// More of something than the limit.
    #[error("{have} {what} are too many, the limit is {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The data do not suffice.
    #[error(transparent)]
    Insufficient(#[from] InsufficientEffect),
    /// The regression cannot be computed.
    #[error("cannot regress the feeling on the weather: {0}")]
    Regression(#[from] RegressionError),
    /// There are too few clusters for the chosen inference.
    #[error("cannot estimate standard errors: {0}")]
    Clusters(#[from] ClusterError),
}
