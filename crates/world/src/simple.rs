//! The weather of [`WorldModel::Simple`](crate::WorldModel::Simple): of a location, as a closed-form function of seed and time.
//!
//! Terms: a *front* is a slow, smooth variation over days; an *episode* of rain lasts some hours; time
//! is divided into *cells*, each with at most one episode.
//!
//! Guarantee: the weather depends only on seed, location and time, so that repeated requests for any
//! part of history return the same values.

use std::f64::consts::TAU;

use moodvane_model::Timestamp;

use crate::rng::{KeyedRng, Purpose};
use crate::weather::Weather;

const HOUR_S: f64 = 3_600.0;
const DAY_S: f64 = 24.0 * HOUR_S;
const YEAR_S: f64 = 365.2425 * DAY_S;
/// The coldest day, about 20 days after new year, as a share of the year.
const COLDEST: f64 = 20.0 / 365.2425;
const RAIN_CELL_S: f64 = 16.0 * HOUR_S;
const RAIN_PROBABILITY: f64 = 0.42;
const SHORTEST_RAIN_S: f64 = 2.0 * HOUR_S;
/// Shorter than a cell, so that an episode ends in the next cell at the latest.
const LONGEST_RAIN_S: f64 = 9.0 * HOUR_S;

/// The climate of a location.
#[derive(Debug, Clone)]
pub(crate) struct SimpleClimate {
    seed: u64,
    latitude: f64,
    longitude: f64,
}

impl SimpleClimate {
    pub(crate) fn new(seed: u64, latitude: f64, longitude: f64) -> Self {
        Self {
            seed,
            latitude,
            longitude,
        }
    }

    pub(crate) fn at(&self, at: Timestamp) -> Weather {
        let rain = self.rain(at);
        let wet = wetness(rain);
        let day = self.daily_cycle(at);
        let cloudiness = self.smooth_noise(Purpose::Cloud, 14.0, at);
        let gustiness = self.smooth_noise(Purpose::Wind, 10.0, at);
        let barometer = self.smooth_noise(Purpose::Pressure, 40.0, at);
        let overcast = if rain > 0.0 { 80.0 } else { 0.0 };
        Weather {
            temperature_c: self.dry_temperature(at) - 2.5 * wet,
            humidity_pct: (62.0 - 12.0 * day + 10.0 * cloudiness + 28.0 * wet).clamp(15.0, 100.0),
            precipitation_mm_h: rain,
            wind_m_s: (3.8 + 2.6 * gustiness + 2.5 * wet).max(0.3),
            cloud_pct: (45.0 + 45.0 * cloudiness + 50.0 * wet).clamp(overcast, 100.0),
            pressure_hpa: 1_015.0 + 11.0 * barometer - 6.0 * wet,
        }
    }

    /// Temperature in °C and rain in mm/h, on which a mood depends.
    pub(crate) fn temperature_and_rain(&self, at: Timestamp) -> (f64, f64) {
        let rain = self.rain(at);
        (self.dry_temperature(at) - 2.5 * wetness(rain), rain)
    }

    /// The intensity of rain in mm/h.
    pub(crate) fn rain(&self, at: Timestamp) -> f64 {
        let seconds = seconds(at);
        let cell = (seconds / RAIN_CELL_S).floor();
        self.episode(cell, seconds) + self.episode(cell - 1.0, seconds)
    }

    fn dry_temperature(&self, at: Timestamp) -> f64 {
        let north = self.latitude.abs();
        let hemisphere = if self.latitude < 0.0 { -1.0 } else { 1.0 };
        let season = -hemisphere * (TAU * (seconds(at) / YEAR_S - COLDEST)).cos();
        let front = self.smooth_noise(Purpose::Front, 36.0, at);
        27.0 - 0.38 * north + 0.3 * north * season + 4.0 * self.daily_cycle(at) + 5.0 * front
    }

    /// The daily cycle: 1.0 in mid-afternoon, -1.0 before dawn, by solar time.
    fn daily_cycle(&self, at: Timestamp) -> f64 {
        let hour = seconds(at) / HOUR_S + self.longitude / 15.0;
        (TAU * (hour - 15.0) / 24.0).cos()
    }

    /// Smooth noise in -1.0 to 1.0, interpolated between random values every `period_h` hours.
    fn smooth_noise(&self, purpose: Purpose, period_h: f64, at: Timestamp) -> f64 {
        let position = seconds(at) / (period_h * HOUR_S);
        let node = position.floor();
        let value = |node: f64| KeyedRng::new(self.seed, purpose, node as i64 as u64).signed();
        let x = position - node;
        let eased = x * x * (3.0 - 2.0 * x);
        value(node) * (1.0 - eased) + value(node + 1.0) * eased
    }

    /// Rain of one cell's episode, in mm/h.
    fn episode(&self, cell: f64, seconds: f64) -> f64 {
        let mut rng = KeyedRng::new(self.seed, Purpose::Rain, cell as i64 as u64);
        if !rng.chance(RAIN_PROBABILITY) {
            return 0.0;
        }
        let begin = (cell + rng.unit()) * RAIN_CELL_S;
        let length = SHORTEST_RAIN_S + rng.unit() * (LONGEST_RAIN_S - SHORTEST_RAIN_S);
        let peak = 0.5 + 6.0 * rng.unit().powi(2);
        let x = (seconds - begin) / length;
        if (0.0..1.0).contains(&x) {
            peak * (x * TAU / 2.0).sin()
        } else {
            0.0
        }
    }
}

/// From 0.0 (dry) to 1.0 (2 mm/h or more).
fn wetness(rain_mm_h: f64) -> f64 {
    (rain_mm_h / 2.0).min(1.0)
}

fn seconds(at: Timestamp) -> f64 {
    at.millis() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::{Readings, Variable};

    fn new_york(seed: u64) -> SimpleClimate {
        SimpleClimate::new(seed, 40.7128, -74.0060)
    }

    fn hours(from: &str, count: i64) -> impl Iterator<Item = Timestamp> {
        let start = Timestamp::parse_rfc3339(from).unwrap();
        (0..count).map(move |h| start.checked_add_millis(h * 3_600_000).unwrap())
    }

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        let all: Vec<f64> = values.collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    #[test]
    fn seasons_are_reversed_in_southern_hemisphere() {
        let month = |climate: &SimpleClimate, from: &str| {
            mean(hours(from, 720).map(|at| climate.at(at).temperature_c))
        };
        let (winter, summer) = ("2018-01-01T00:00:00Z", "2018-07-01T00:00:00Z");
        let north = new_york(1);
        assert!(month(&north, summer) - month(&north, winter) > 15.0);
        let south = SimpleClimate::new(1, -33.9, 151.2);
        assert!(month(&south, winter) - month(&south, summer) > 10.0);
    }

    #[test]
    fn afternoons_are_warmer_than_nights() {
        let climate = new_york(1);
        let at_hour = |hour: usize| {
            let days = hours("2018-01-01T00:00:00Z", 24 * 90)
                .skip(hour)
                .step_by(24);
            mean(days.map(|at| climate.at(at).temperature_c))
        };
        // 20 and 8 UTC are mid-afternoon and before dawn in New York.
        assert!(at_hour(20) - at_hour(8) > 5.0);
    }

    #[test]
    fn rain_has_episodes_of_hours() {
        let climate = new_york(1);
        let wet: Vec<bool> = hours("2018-01-01T00:00:00Z", 8_760)
            .map(|at| climate.rain(at) > 0.0)
            .collect();
        let share = wet.iter().filter(|w| **w).count() as f64 / wet.len() as f64;
        assert!((0.08..0.25).contains(&share), "{share}");
        let begins = wet.windows(2).filter(|w| !w[0] && w[1]).count() as f64;
        let length = share * wet.len() as f64 / begins;
        assert!((3.0..9.0).contains(&length), "{length}");
    }

    #[test]
    fn values_stay_within_model_bounds() {
        for latitude in [-90.0, -33.9, 0.0, 40.7, 90.0] {
            let climate = SimpleClimate::new(3, latitude, 10.0);
            for at in hours("1970-01-01T00:00:00Z", 20_000).step_by(7) {
                let w = climate.at(at);
                let readings = Readings::new(w.temperature_c)
                    .and_then(|r| r.with(Variable::Humidity, Some(w.humidity_pct)))
                    .and_then(|r| r.with(Variable::Precipitation, Some(w.precipitation_mm_h)))
                    .and_then(|r| r.with(Variable::Wind, Some(w.wind_m_s)))
                    .and_then(|r| r.with(Variable::Cloud, Some(w.cloud_pct)))
                    .and_then(|r| r.with(Variable::Pressure, Some(w.pressure_hpa)));
                assert!(readings.is_ok(), "{at} {w:?}");
            }
        }
    }

    #[test]
    fn temperature_and_rain_match_weather() {
        let climate = new_york(5);
        for at in hours("2018-03-01T00:00:00Z", 100) {
            let weather = climate.at(at);
            let expected = (weather.temperature_c, weather.precipitation_mm_h);
            assert_eq!(climate.temperature_and_rain(at), expected);
        }
    }

    #[test]
    fn seed_changes_weather() {
        let at = Timestamp::parse_rfc3339("2018-01-01T00:00:00Z").unwrap();
        assert_eq!(new_york(1).at(at), new_york(1).at(at));
        assert_ne!(new_york(1).at(at), new_york(2).at(at));
    }
}
