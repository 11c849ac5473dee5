//! One hour of `GET /v1/hours`.

use moodvane_analysis::{FeelingEstimator, OutlierBound, variable_mean};
use moodvane_model::{HourRow, SourceId, Variable, WeatherTalk};
use serde::Serialize;
use utoipa::ToSchema;

use super::rounded;
use crate::zone::Zone;

/// All stored facts of an hour.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Hour {
    /// The start of the hour with the offset of the zone (RFC 3339).
    #[schema(example = "2018-01-01T02:00:00Z")]
    pub(super) hour: String,
    /// The number of scored posts that are included.
    pub(super) posts: u64,
    /// The number of posts in a language that the scorer does not support.
    pub(super) unscored: u64,
    /// The estimated mean sentiment class of the posts, 0 to 4: the best estimate of this hour. It shrinks
    /// towards the mean of the scorer's calibration, the more the fewer the posts.
    pub(super) feeling: Option<f64>,
    /// The standard error of the feeling. Where the scorer has no calibration, null for fewer than two
    /// posts.
    pub(super) standard_error: Option<f64>,
    /// The mean sentiment class without shrinkage, for comparing hours and for regressions: unbiased for
    /// any mix of classes and any number of posts, may lie outside 0 to 4.
    pub(super) direct_feeling: Option<f64>,
    /// The standard error of the direct feeling.
    pub(super) direct_standard_error: Option<f64>,
    /// The number of scored posts of the hour that speak of the weather, whether they are included or
    /// not. Null where the run of the hour does not tell them apart; `moodvane rescore` starts one that
    /// does.
    pub(super) weather_talk_posts: Option<u64>,
    /// The estimated share of each class, from very negative to very positive.
    #[schema(min_items = 5, max_items = 5)]
    pub(super) shares: Option<[f64; 5]>,
    pub(super) weather: HourWeather,
    /// What each source contributed.
    pub(super) sources: Vec<HourSource>,
}

/// Each variable in its unit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HourWeather {
    /// °C.
    pub(super) temperature: Option<Reading>,
    /// %.
    pub(super) humidity: Option<Reading>,
    /// mm/h.
    pub(super) precipitation: Option<Reading>,
    /// m/s.
    pub(super) wind: Option<Reading>,
    /// %.
    pub(super) cloud: Option<Reading>,
    /// hPa.
    pub(super) pressure: Option<Reading>,
}

/// The value of a variable.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reading {
    /// The mean over the used sources of each source's mean.
    pub(super) value: f64,
    /// The used sources.
    pub(super) used: Vec<String>,
    /// The sources that are excluded as outliers.
    pub(super) left_out: Vec<String>,
}

/// What a source contributed to an hour.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HourSource {
    #[schema(example = "open-meteo")]
    pub(super) id: String,
    /// The number of minutes of the hour with data from the source, 0 to 60.
    pub(super) minutes: u32,
    pub(super) posts: u64,
    pub(super) observations: u64,
}

/// What the answer for an hour depends on besides its row.
#[derive(Clone, Copy)]
pub(super) struct HourOptions {
    pub(super) bound: OutlierBound,
    pub(super) zone: Zone,
    pub(super) talk: WeatherTalk,
}

impl Hour {
    /// `None` if the zone has no whole-hour offset in this hour.
    pub(super) fn new(
        row: &HourRow,
        estimator: &mut FeelingEstimator,
        options: HourOptions,
    ) -> Option<Self> {
        let HourOptions { bound, zone, talk } = options;
        let feeling = estimator.estimate(row, talk);
        let about_weather = row.posts_by_talk(WeatherTalk::Only);
        Some(Self {
            hour: zone.rfc3339(row.hour)?,
            posts: feeling.map_or(0, |f| f.posts),
            unscored: row.posts().unscored,
            feeling: feeling.map(|f| rounded(f.value)),
            standard_error: feeling.and_then(|f| f.standard_error).map(rounded),
            direct_feeling: feeling.map(|f| rounded(f.direct)),
            direct_standard_error: feeling.and_then(|f| f.direct_standard_error).map(rounded),
            weather_talk_posts: about_weather.map(|posts| posts.scored()),
            shares: feeling.map(|f| f.distribution.map(rounded)),
            weather: HourWeather::new(row, bound),
            sources: sources(row),
        })
    }
}

impl HourWeather {
    fn new(row: &HourRow, bound: OutlierBound) -> Self {
        let mean = |variable| {
            let found = variable_mean(row, variable, bound)?;
            let names = |ids: Vec<SourceId>| ids.iter().map(ToString::to_string).collect();
            Some(Reading {
                value: rounded(found.value),
                used: names(found.used_sources),
                left_out: names(found.excluded_sources),
            })
        };
        Self {
            temperature: mean(Variable::Temperature),
            humidity: mean(Variable::Humidity),
            precipitation: mean(Variable::Precipitation),
            wind: mean(Variable::Wind),
            cloud: mean(Variable::Cloud),
            pressure: mean(Variable::Pressure),
        }
    }

    /// Each variable with its value, in the order of [`Variable::ALL`].
    pub(super) fn all(&self) -> [(Variable, Option<&Reading>); Variable::ALL.len()] {
        [
            (Variable::Temperature, self.temperature.as_ref()),
            (Variable::Humidity, self.humidity.as_ref()),
            (Variable::Precipitation, self.precipitation.as_ref()),
            (Variable::Wind, self.wind.as_ref()),
            (Variable::Cloud, self.cloud.as_ref()),
            (Variable::Pressure, self.pressure.as_ref()),
        ]
    }
}

fn sources(row: &HourRow) -> Vec<HourSource> {
    let sources = row.sources.iter().map(|(id, sums)| HourSource {
        id: id.to_string(),
        minutes: sums.minutes.count(),
        posts: sums.posts.scored() + sums.posts.unscored,
        // Every observation has a temperature.
        observations: sums.weather.get(Variable::Temperature).count,
    });
    sources.collect()
}
