//! The settings of a question.

use std::num::NonZeroUsize;

use moodvane_effect::{Checks, EffectOptions, Inference, Season, Weighting};
use moodvane_model::WeatherTalk;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which posts are included by whether they speak of the weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = EffectTalk)]
pub enum Talk {
    /// All posts.
    All,
    /// Posts that do not speak of the weather.
    Without,
    /// Posts that speak of the weather.
    Only,
}

impl From<WeatherTalk> for Talk {
    fn from(talk: WeatherTalk) -> Self {
        match talk {
            WeatherTalk::All => Self::All,
            WeatherTalk::Without => Self::Without,
            WeatherTalk::Only => Self::Only,
        }
    }
}

impl From<Talk> for WeatherTalk {
    fn from(talk: Talk) -> Self {
        match talk {
            Talk::All => Self::All,
            Talk::Without => Self::Without,
            Talk::Only => Self::Only,
        }
    }
}

/// The weight of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EffectWeight)]
pub enum WeightName {
    /// All hours have the same weight.
    Equal,
    /// The number of posts.
    Posts,
    /// The inverse of the hour's variance.
    StandardError,
}

/// The fixed effect of the season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EffectSeason)]
pub enum SeasonName {
    /// A level for each week of each city.
    Week,
    /// A level and a trend for each month of each city.
    MonthTrend,
    /// A level for each month of each city.
    Month,
}

/// The settings of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectSettings)]
pub struct Settings {
    /// The minimum number of scored posts of an hour.
    pub min_posts: u64,
    /// The weight of an hour.
    pub weight: WeightName,
    /// The fixed effect of the season.
    pub season: SeasonName,
    /// Whether each date has a fixed effect where there are several cities.
    pub dates: bool,
    /// The past whose rain and temperature count, in hours.
    pub lag_hours: usize,
    /// The draws of the band of the temperature curve, and of the bootstrap of each joint test.
    pub draws: usize,
    /// The circular shifts of the permutation test.
    pub shifts: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let standard = EffectOptions::STANDARD;
        Self {
            min_posts: standard.min_posts,
            weight: WeightName::StandardError,
            season: SeasonName::Week,
            dates: standard.date_effects,
            lag_hours: standard.lag_hours,
            draws: standard.draws,
            shifts: standard.shifts,
        }
    }
}

impl Settings {
    pub(crate) fn options(self, checks: Checks, threads: NonZeroUsize) -> EffectOptions {
        EffectOptions {
            min_posts: self.min_posts,
            weighting: match self.weight {
                WeightName::Equal => Weighting::Equal,
                WeightName::Posts => Weighting::Posts,
                WeightName::StandardError => Weighting::StandardError,
            },
            season: match self.season {
                SeasonName::Week => Season::Week,
                SeasonName::MonthTrend => Season::MonthTrend,
                SeasonName::Month => Season::Month,
            },
            date_effects: self.dates,
            lag_hours: self.lag_hours,
            inference: Inference::Weeks,
            checks,
            draws: self.draws,
            shifts: self.shifts,
            threads,
        }
    }
}
