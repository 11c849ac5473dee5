//! The hours of a city in the forms that the question needs.

use moodvane_analysis::{FeelingEstimator, OutlierBound, variable_mean};
use moodvane_effect::{EffectHour, HourFeeling, LocalTime};
use moodvane_model::{City, CityId, HourRow, Variable, WeatherTalk};
use xxhash_rust::xxh3::Xxh3;

use crate::report::CityName;
use crate::settings::Talk;

/// The hours of one city: the weather, and the feelings of all posts, of those that the question
/// includes, and of those that do not speak of the weather. Takes about 250 bytes an hour.
#[derive(Debug, Clone, PartialEq)]
pub struct CitySeries {
    pub(crate) city: CityId,
    pub(crate) name: String,
    /// The hours with the feeling of the posts that the question includes.
    pub(crate) hours: Vec<EffectHour>,
    /// The other feelings of the same hours.
    pub(crate) others: Vec<OtherFeelings>,
    /// Hours whose run does not tell posts about the weather apart.
    pub(crate) hours_without_talk: usize,
}

/// Other feelings of an hour, for checks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OtherFeelings {
    /// By all posts.
    pub(crate) all: Option<HourFeeling>,
    /// By the posts that do not speak of the weather.
    pub(crate) without: Option<HourFeeling>,
    /// By the median of the posts that the question includes.
    pub(crate) median: Option<HourFeeling>,
}

impl CitySeries {
    /// The series of a city's rows.
    #[must_use]
    pub fn new(city: &City, rows: &[HourRow], talk: Talk, bound: OutlierBound) -> Self {
        let mut estimator = FeelingEstimator::default();
        let mut series = Self {
            city: city.id,
            name: city.name.clone(),
            hours: Vec::with_capacity(rows.len()),
            others: Vec::with_capacity(rows.len()),
            hours_without_talk: 0,
        };
        for row in rows {
            let mut direct = |talk: WeatherTalk| {
                let direct = estimator.direct(row, talk)?;
                Some(HourFeeling {
                    mean: direct.value,
                    posts: direct.posts,
                    standard_error: direct.standard_error,
                })
            };
            let (all, without) = (direct(WeatherTalk::All), direct(WeatherTalk::Without));
            let feeling = match talk {
                Talk::All => all,
                Talk::Without => without,
                Talk::Only => direct(WeatherTalk::Only),
            };
            let median = estimator.median(row, talk.into());
            // The standard errors of mean and median of a normal sample are proportional, so that the
            // weights are the same.
            let median = feeling.zip(median);
            series.others.push(OtherFeelings {
                all,
                without,
                median: median.map(|(feeling, median)| HourFeeling {
                    mean: median,
                    ..feeling
                }),
            });
            if all.is_some() && row.posts_by_talk(WeatherTalk::Without).is_none() {
                series.hours_without_talk += 1;
            }
            series.hours.push(EffectHour {
                hour: row.hour,
                local: LocalTime::from_utc(row.hour, city.utc_offset_hours(row.hour)),
                feeling,
                weather: Variable::ALL
                    .map(|variable| Some(variable_mean(row, variable, bound)?.value)),
            });
        }
        series
    }

    /// The city's name.
    #[must_use]
    pub fn city(&self) -> CityName {
        CityName {
            id: self.city.to_string(),
            name: self.name.clone(),
        }
    }

    /// The number of hours.
    #[must_use]
    pub fn hours(&self) -> usize {
        self.hours.len()
    }

    /// A hash of everything that the answer depends on: equal series have equal hashes.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        let mut hasher = Xxh3::new();
        hasher.update(self.city.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(self.name.as_bytes());
        let mut bytes = Vec::with_capacity(256);
        for (hour, others) in self.hours.iter().zip(&self.others) {
            bytes.clear();
            bytes.extend(hour.hour.index().to_le_bytes());
            bytes.extend(hour.local.date().to_le_bytes());
            bytes.push(hour.local.hour_of_week());
            for value in hour.weather {
                push(&mut bytes, value);
            }
            for feeling in [hour.feeling, others.all, others.without, others.median] {
                push(&mut bytes, feeling.map(|feeling| feeling.mean));
                push(
                    &mut bytes,
                    feeling.and_then(|feeling| feeling.standard_error),
                );
                bytes.extend(feeling.map_or(0, |feeling| feeling.posts).to_le_bytes());
            }
            hasher.update(&bytes);
        }
        hasher.digest128()
    }
}

/// Appends a value; no value is the bits of NaN, which no finite value has.
fn push(bytes: &mut Vec<u8>, value: Option<f64>) {
    bytes.extend(value.unwrap_or(f64::NAN).to_bits().to_le_bytes());
}
