//! The answer of `POST /weather`: hours with their feeling and temperature, and their correlation.
//!
//! Guarantee: the bytes are a function of the rows. Fields have a fixed order without spaces, no
//! number is NaN, infinite or a negative zero, and `r2` is computed from the unrounded values.

use moodvane_analysis::{FeelingEstimator, OutlierBound, r_squared, temperature};
use moodvane_model::{HourRow, HourSlot, SourceId, WeatherTalk};
use serde::Serialize;
use utoipa::ToSchema;

use crate::request::{Include, ResponseOptions};
use crate::rounding::round;

/// One hour of the answer.
#[derive(Debug, Serialize, ToSchema)]
struct WeatherHour {
    /// The hour, in local time of the zone.
    #[serde(rename = "hourSlot")]
    #[schema(value_type = String, example = "2018-01-01 02")]
    hour: HourSlot,
    /// The estimated mean sentiment class of the hour's posts, 0 to 4.
    feeling: Option<f64>,
    /// °C.
    temperature: Option<f64>,
}

/// The answer to a request for weather.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WeatherAnswer {
    res: Vec<WeatherHour>,
    /// The squared Pearson correlation over the hours that have both values; 0 if undefined.
    r2: f64,
    #[serde(skip)]
    outliers: Vec<(HourSlot, SourceId)>,
}

impl WeatherAnswer {
    /// The answer over `rows`, which are in order.
    pub(crate) fn new(rows: &[HourRow], bound: OutlierBound, options: ResponseOptions) -> Self {
        let mut res = Vec::with_capacity(rows.len());
        let mut pairs = Vec::with_capacity(rows.len());
        let mut outliers = Vec::new();
        let mut estimator = FeelingEstimator::default();
        for row in rows {
            let feeling = estimator.estimate(row, WeatherTalk::All);
            let feeling = feeling
                .filter(|feeling| feeling.posts >= options.min_posts)
                .map(|feeling| feeling.value);
            let weather = temperature(row, bound);
            let is_included = match options.include {
                Include::Both => feeling.is_some() && weather.is_some(),
                Include::All => feeling.is_some() || weather.is_some(),
            };
            if !is_included {
                continue;
            }
            let excluded = weather.iter().flat_map(|weather| &weather.excluded_sources);
            outliers.extend(excluded.map(|source| (row.hour, *source)));
            let celsius = weather.map(|weather| weather.value);
            pairs.extend(feeling.zip(celsius));
            res.push(WeatherHour {
                // The request was checked: every hour of the range has a local hour.
                hour: options.zone.local_hour(row.hour).unwrap_or(row.hour),
                feeling: feeling.map(round::<2>),
                temperature: celsius.map(round::<2>),
            });
        }
        let r2 = r_squared(&pairs).map_or(0.0, round::<4>);
        Self { res, r2, outliers }
    }

    /// The sources that were excluded as outliers, with the hour.
    pub(crate) fn outliers(&self) -> &[(HourSlot, SourceId)] {
        &self.outliers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_rows_give_empty_answer() {
        let answer = WeatherAnswer::new(&[], OutlierBound::STANDARD, ResponseOptions::default());
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"res":[],"r2":0.0}"#
        );
    }
}
