//! The weather of [`WorldModel::Confounded`](crate::WorldModel::Confounded): highs and lows, showers, a
//! daily and a yearly cycle, with wet winters far from the equator and wet summers close to it.
//!
//! Terms: *winter* is the cosine of the year, 1 at its coldest day and -1 half a year later.
//!
//! Guarantees: weather depends on seed, city and time alone. Rain is constant within an hour of UTC.
//! Temperatures are whole tenths of a °C and precipitation whole hundredths of a mm/h, as the providers'
//! formats have them, so that a threshold separates the served values exactly as it does here.

use std::f64::consts::TAU;

use moodvane_model::{City, HourSlot, Timestamp};

use crate::effects::WET_MM_PER_H;
use crate::noise::{Layers, Noise};
use crate::rng::{Purpose, derive_seed};
use crate::weather::Weather;

const DAY_H: f64 = 24.0;
const YEAR_H: f64 = 365.2425 * DAY_H;
/// The coldest day in hours after new year.
const COLDEST_H: f64 = 20.0 * DAY_H;
/// It rains while moisture, of variance 1 and a little more, exceeds this.
const RAIN_THRESHOLD: f64 = 1.2;

const SYNOPTIC: Layers = &[(31.0, 0.5), (83.0, 0.5)];
const SHOWER: Layers = &[(4.3, 0.6), (9.1, 0.4)];
const WARMTH: Layers = &[(19.0, 0.4), (67.0, 0.6)];
const DAMP: Layers = &[(5.7, 0.5), (17.0, 0.5)];
const WIND: Layers = &[(6.1, 0.5), (23.0, 0.5)];

/// The climate of a city.
#[derive(Debug, Clone)]
pub(crate) struct SynopticClimate {
    seed: u64,
    latitude: f64,
    longitude: f64,
}

impl SynopticClimate {
    pub(crate) fn new(seed: u64, city: &City) -> Self {
        Self {
            seed: derive_seed(seed, city.id.as_str()),
            latitude: city.latitude,
            longitude: city.longitude,
        }
    }

    /// The weather at a time. Rain is that of the hour's start.
    pub(crate) fn at(&self, at: Timestamp) -> Weather {
        let hours = at.millis() as f64 / 3_600_000.0;
        let start = HourSlot::containing(at);
        let [damp, gust] = [(Purpose::Damp, DAMP), (Purpose::Wind, WIND)]
            .map(|(purpose, layers)| self.noise(purpose, layers, hours));
        let (synoptic, moisture) = (self.synoptic(hours), self.moisture(hours));
        let precipitation_mm_h = self.rain(start);
        let overcast = if precipitation_mm_h > 0.0 { 70.0 } else { 0.0 };
        let humidity = 62.0 + 10.0 * damp + 8.0 * synoptic - 6.0 * self.daily_cycle(hours);
        let cloud = 50.0 + 30.0 * moisture + 12.0 * damp;
        Weather {
            temperature_c: self.temperature(hours),
            humidity_pct: humidity.clamp(5.0, 100.0),
            precipitation_mm_h,
            wind_m_s: (4.0 + 2.0 * gust + synoptic).max(0.0),
            cloud_pct: cloud.clamp(overcast, 100.0),
            pressure_hpa: 1_013.0 - 8.0 * synoptic,
        }
    }

    /// The temperature at the start of an hour, in °C.
    pub(crate) fn hour_temperature(&self, hour: HourSlot) -> f64 {
        self.temperature(f64::from(hour.index()))
    }

    /// Whether an hour is wet.
    pub(crate) fn is_wet(&self, hour: HourSlot) -> bool {
        self.rain(hour) >= WET_MM_PER_H
    }

    /// The rain of an hour in mm/h: none, or at least [`WET_MM_PER_H`].
    fn rain(&self, hour: HourSlot) -> f64 {
        let excess = self.moisture(f64::from(hour.index())) - RAIN_THRESHOLD;
        if excess > 0.0 {
            rounded(WET_MM_PER_H + 4.0 * excess * excess, 100.0)
        } else {
            0.0
        }
    }

    fn moisture(&self, hours: f64) -> f64 {
        let shower = self.noise(Purpose::Shower, SHOWER, hours);
        // Most in the morning.
        let day = (TAU * (self.solar_hours(hours) - 6.0) / DAY_H).cos();
        // Winters are wet from 42 degrees on, summers closer to the equator.
        let season = ((self.latitude.abs() - 42.0) / 10.0).clamp(-0.4, 0.4);
        0.7 * self.synoptic(hours) + 0.7 * shower + season * self.winter(hours) + 0.2 * day
    }

    fn temperature(&self, hours: f64) -> f64 {
        let north = self.latitude.abs();
        let warmth = self.noise(Purpose::Front, WARMTH, hours);
        let celsius = 28.0 - 0.35 * north - 0.28 * north * self.winter(hours)
            + 4.0 * self.daily_cycle(hours)
            + 3.5 * warmth
            - 1.5 * self.synoptic(hours);
        rounded(celsius, 10.0)
    }

    /// The state of highs (below 0) and lows.
    fn synoptic(&self, hours: f64) -> f64 {
        self.noise(Purpose::Synoptic, SYNOPTIC, hours)
    }

    /// 1 in the coldest time of the year, -1 in the warmest.
    pub(crate) fn winter(&self, hours: f64) -> f64 {
        let hemisphere = if self.latitude < 0.0 { -1.0 } else { 1.0 };
        hemisphere * (TAU * (hours - COLDEST_H) / YEAR_H).cos()
    }

    /// 1 in mid-afternoon, -1 before dawn.
    fn daily_cycle(&self, hours: f64) -> f64 {
        (TAU * (self.solar_hours(hours) - 15.0) / DAY_H).cos()
    }

    fn solar_hours(&self, hours: f64) -> f64 {
        hours + self.longitude / 15.0
    }

    fn noise(&self, purpose: Purpose, layers: Layers, hours: f64) -> f64 {
        let seed = self.seed;
        Noise {
            seed,
            purpose,
            layers,
        }
        .at(hours)
    }
}

/// Rounds to multiples of 1 / `parts`; never -0.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::{CityId, Readings, Variable};

    fn climate(latitude: f64) -> SynopticClimate {
        let id = CityId::parse("a-city").unwrap();
        let city = City::new(id, "A", &[], (latitude, -74.0), "UTC").unwrap();
        SynopticClimate::new(1, &city)
    }

    fn hours(from: &str, count: i32) -> impl Iterator<Item = HourSlot> {
        let first: HourSlot = from.parse().unwrap();
        (0..count).map(move |n| first.checked_add(n).unwrap())
    }

    fn wet_share(climate: &SynopticClimate, from: &str) -> f64 {
        // The same three months of eight years.
        let years = (2010..2018).map(|year| format!("{year}{from}"));
        let wet: usize = years
            .map(|from| hours(&from, 2_184).filter(|h| climate.is_wet(*h)).count())
            .sum();
        wet as f64 / (8.0 * 2_184.0)
    }

    #[test]
    fn winters_are_wet_far_from_equator_and_summers_close_to_it() {
        for (latitude, winter_is_wetter) in [(52.0, true), (1.0, false), (-52.0, false)] {
            let climate = climate(latitude);
            let january = wet_share(&climate, "-12-05 00");
            let july = wet_share(&climate, "-06-05 00");
            assert!((0.01..0.40).contains(&january), "{latitude}: {january}");
            assert!((0.01..0.40).contains(&july), "{latitude}: {july}");
            assert_eq!(january > july, winter_is_wetter, "{latitude}");
            assert!((january / july).ln().abs() > 0.5, "{january} {july}");
        }
    }

    #[test]
    fn rain_has_spells_of_hours() {
        let climate = climate(41.0);
        let wet: Vec<bool> = hours("2018-01-01 00", 8_760)
            .map(|h| climate.is_wet(h))
            .collect();
        let begins = wet.windows(2).filter(|w| !w[0] && w[1]).count();
        let length = wet.iter().filter(|w| **w).count() as f64 / begins as f64;
        assert!(
            begins > 100 && (2.0..9.0).contains(&length),
            "{begins} {length}"
        );
    }

    #[test]
    fn hours_are_constant_in_rain_and_agree_with_weather() {
        let climate = climate(41.0);
        for hour in hours("2018-03-01 00", 500) {
            let start = climate.at(hour.start());
            let late = climate.at(hour.start().checked_add_millis(3_599_000).unwrap());
            assert_eq!(start.precipitation_mm_h, late.precipitation_mm_h);
            assert_eq!(start.temperature_c, climate.hour_temperature(hour));
            let is_wet = start.precipitation_mm_h >= WET_MM_PER_H;
            assert_eq!(climate.is_wet(hour), is_wet);
            assert_eq!(start.precipitation_mm_h > 0.0, is_wet);
        }
    }

    #[test]
    fn values_stay_within_model_bounds() {
        for latitude in [-90.0, -33.9, 0.0, 40.7, 90.0] {
            let climate = climate(latitude);
            for hour in hours("1975-01-01 00", 20_000).step_by(7) {
                let weather = climate.at(hour.start());
                let mut readings = Readings::new(weather.temperature_c).unwrap();
                for (variable, value) in Variable::ALL.into_iter().zip(weather.values()) {
                    readings = readings.with(variable, Some(value)).unwrap();
                }
            }
        }
    }
}
