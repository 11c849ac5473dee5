//! The answer: hours with their feeling and temperature, and how the two go together.
//!
//! Guarantee: the bytes are a function of the rows. Fields stand in a fixed order without spaces,
//! no number is NaN, infinite or a negative zero, and `r2` comes from the unrounded values.

use moodvane_analysis::{OutlierBound, feeling, r_squared, temperature};
use moodvane_model::{HourRow, HourSlot, SourceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::request::Manner;

/// How far below a half a value may lie and still be rounded away from zero, in units of the last
/// place. A mean is held in binary, so that 2.675 may be a little less than it says. A feeling
/// that is really below a half lies farther from it than this for any hour of under 500 million
/// posts.
const HALF_TOLERANCE: f64 = 1e-9;

/// One hour of the answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WeatherHour)]
struct Hour {
    /// The hour, as the clocks of the zone show it.
    #[serde(rename = "hourSlot")]
    #[schema(value_type = String, example = "2018-01-01 02")]
    hour: HourSlot,
    /// The mean class of the hour's posts, 0 to 4.
    feeling: Option<f64>,
    /// °C.
    temperature: Option<f64>,
}

/// The answer to a request for weather.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WeatherAnswer)]
pub(crate) struct Answer {
    res: Vec<Hour>,
    /// The squared Pearson correlation of the hours that have both; 0 where it is not defined.
    r2: f64,
    #[serde(skip)]
    strays: Vec<(HourSlot, SourceId)>,
}

impl Answer {
    /// The answer over rows in order. An hour counts where it has posts and a temperature.
    pub(crate) fn over(rows: &[HourRow], bound: OutlierBound, manner: Manner) -> Self {
        let mut res = Vec::with_capacity(rows.len());
        let mut pairs = Vec::with_capacity(rows.len());
        let mut strays = Vec::new();
        for row in rows {
            let enough = row.posts().scored() >= manner.min_posts;
            let feeling = feeling(row).filter(|_| enough);
            let weather = temperature(row, bound);
            let sides = u8::from(feeling.is_some()) + u8::from(weather.is_some());
            if sides < 2 && !(manner.one_sided && sides == 1) {
                continue;
            }
            let left_out = weather.iter().flat_map(|weather| &weather.excluded_sources);
            strays.extend(left_out.map(|source| (row.hour, *source)));
            let celsius = weather.map(|weather| weather.value);
            pairs.extend(feeling.zip(celsius));
            res.push(Hour {
                // Every hour of the range has a slot: that was checked with the request.
                hour: manner.zone.slot(row.hour).unwrap_or(row.hour),
                feeling: feeling.map(round::<2>),
                temperature: celsius.map(round::<2>),
            });
        }
        let r2 = r_squared(&pairs).map_or(0.0, round::<4>);
        Self { res, r2, strays }
    }

    /// Which source was left out of which hour, because it strayed from the others.
    pub(crate) fn strays(&self) -> &[(HourSlot, SourceId)] {
        &self.strays
    }
}

/// Rounds to `PLACES` decimals, halves away from zero; a zero has no sign.
pub(crate) fn round<const PLACES: i32>(value: f64) -> f64 {
    let scale = 10f64.powi(PLACES);
    let scaled = value * scale;
    let rounded = (scaled + HALF_TOLERANCE.copysign(scaled)).round() / scale;
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_are_rounded_away_from_zero_whatever_their_binary_value() {
        let cases = [
            (5.0 / 3.0, 1.67),
            (7.0, 7.0),
            (2.675, 2.68),
            (201.0 / 200.0, 1.01),
            (223.0 / 200.0, 1.12),
            (-0.125, -0.13),
            (-2.675, -2.68),
            (1.004_999, 1.0),
            (2.674_999_9, 2.67),
            (-0.004, 0.0),
            (-0.0, 0.0),
            (0.0, 0.0),
        ];
        for (value, expected) in cases {
            let rounded = round::<2>(value);
            assert_eq!(rounded, expected, "{value}");
            assert!(rounded != 0.0 || rounded.is_sign_positive(), "{value}");
        }
        assert_eq!(round::<4>(0.900_000_000_1), 0.9);
        assert_eq!(round::<4>(1.0), 1.0);
        assert_eq!(round::<4>(0.000_05), 0.0001);
    }

    proptest! {
        #[test]
        fn a_feeling_is_rounded_as_the_fraction_that_it_is(
            posts in 1u64..100_000_000, share in 0.0f64..=4.0,
        ) {
            let class_sum = (share * posts as f64) as u64;
            // Half up in whole numbers: no binary fraction is in the way.
            let hundredths = (200 * class_sum + posts) / (2 * posts);
            let rounded = round::<2>(class_sum as f64 / posts as f64);
            prop_assert_eq!(rounded, hundredths as f64 / 100.0);
        }

        #[test]
        fn every_half_hundredth_is_rounded_up(class_sum in 0u64..400, times in 1u64..10_000) {
            let posts = 200 * times;
            let sum = (2 * class_sum + 1) * times;
            let rounded = round::<2>(sum as f64 / posts as f64);
            prop_assert_eq!(rounded, (class_sum + 1) as f64 / 100.0);
        }
    }

    #[test]
    fn no_rows_give_an_empty_answer() {
        let answer = Answer::over(&[], OutlierBound::STANDARD, Manner::PLAIN);
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"res":[],"r2":0.0}"#
        );
    }
}
