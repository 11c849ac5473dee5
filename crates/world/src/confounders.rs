//! What moves moods besides the weather, and when a city is silent.
//!
//! Guarantee: all are functions of seed, city and hour alone, and no weather enters them.

use std::f64::consts::TAU;

use moodvane_model::HourSlot;

use crate::local::LocalClock;
use crate::noise::{Layers, Noise};
use crate::rng::{KeyedRng, Purpose};

/// The mean mood in winter is lower by this, in summer higher.
const SEASON: f64 = 0.15;
/// The mean mood at 4 in the morning is lower by this, in mid-afternoon higher.
const TIME_OF_DAY: f64 = 0.12;
/// From Monday to Sunday.
const WEEKDAYS: [f64; 7] = [-0.04, -0.02, 0.0, 0.0, 0.04, 0.10, 0.08];
const HOLIDAY: f64 = 0.25;
/// The probability that a date is a holiday.
const HOLIDAY_SHARE: f64 = 1.0 / 30.0;
/// The standard deviation of news, and of the noise of a city.
const NEWS: f64 = 0.05;
const NOISE: f64 = 0.10;
const NEWS_LAYERS: Layers = &[(7.0, 0.5), (29.0, 0.5)];
const NOISE_LAYERS: Layers = &[(2.3, 0.4), (7.1, 0.4), (26.0, 0.2)];

/// An outage begins in each cell of this many hours with this probability.
const OUTAGE_CELL_H: u32 = 400;
const OUTAGE_PROBABILITY: f64 = 0.2;
const OUTAGE_H: u32 = 30;
/// The share of other hours without posts.
const MISSING_SHARE: f64 = 0.03;

/// The sum of season, time of day, weekday, holiday, news and noise, in classes. `seed` is that of the
/// world, `city_seed` that of the city, `winter` as in [`crate::synoptic`].
pub(crate) fn mood_shift(
    (seed, city_seed): (u64, u64),
    hour: HourSlot,
    clock: LocalClock,
    winter: f64,
) -> f64 {
    let hours = f64::from(hour.index());
    let day = (TAU * (f64::from(clock.hour_of_day) - 16.0) / 24.0).cos();
    let holiday = if is_holiday(seed, clock.date) {
        HOLIDAY
    } else {
        0.0
    };
    let noise = |seed, purpose, layers| {
        Noise {
            seed,
            purpose,
            layers,
        }
        .at(hours)
    };
    -SEASON * winter
        + TIME_OF_DAY * day
        + WEEKDAYS[usize::from(clock.day_of_week % 7)]
        + holiday
        + NEWS * noise(seed, Purpose::News, NEWS_LAYERS)
        + NOISE * noise(city_seed, Purpose::Noise, NOISE_LAYERS)
}

/// Whether a date, in days since 1970-01-01, is a holiday in all cities.
fn is_holiday(seed: u64, date: i64) -> bool {
    KeyedRng::new(seed, Purpose::Holiday, date as u64).chance(HOLIDAY_SHARE)
}

/// The share of its people that post in an hour: 0 in an outage, else 0.2 at 4 in the morning to 1.0.
pub(crate) fn activity(city_seed: u64, hour: HourSlot, clock: LocalClock) -> f64 {
    if is_silent(city_seed, hour.index()) {
        return 0.0;
    }
    let day = (TAU * (f64::from(clock.hour_of_day) - 16.0) / 24.0).cos();
    0.6 + 0.4 * day
}

fn is_silent(city_seed: u64, hour: u32) -> bool {
    let cell = hour / OUTAGE_CELL_H;
    // Outages are shorter than a cell, so one of this cell or the previous one covers the hour.
    let is_out = |cell: u32| {
        let mut rng = KeyedRng::new(city_seed, Purpose::Outage, u64::from(cell));
        let begins = rng.chance(OUTAGE_PROBABILITY);
        let first = cell * OUTAGE_CELL_H + rng.below(u64::from(OUTAGE_CELL_H)) as u32;
        begins && (first..first + OUTAGE_H).contains(&hour)
    };
    let single = u64::from(hour) | 1 << 32;
    is_out(cell)
        || (cell > 0 && is_out(cell - 1))
        || KeyedRng::new(city_seed, Purpose::Outage, single).chance(MISSING_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(hour_of_day: u8, day_of_week: u8, date: i64) -> LocalClock {
        LocalClock {
            offset_hours: 0,
            hour_of_day,
            day_of_week,
            date,
        }
    }

    #[test]
    fn cycles_and_holidays_have_documented_sizes() {
        let hour: HourSlot = "2025-01-01 00".parse().unwrap();
        let holiday = (0..400).find(|date| is_holiday(1, *date)).unwrap();
        let workday = (0..400).find(|date| !is_holiday(1, *date)).unwrap();
        let shift = |hour_of_day, day_of_week, date, winter| {
            mood_shift((1, 2), hour, clock(hour_of_day, day_of_week, date), winter)
        };
        let base = shift(16, 2, workday, 0.0);
        for (found, expected) in [
            (shift(16, 2, workday, 1.0), -0.15),
            (shift(16, 2, workday, -1.0), 0.15),
            (shift(4, 2, workday, 0.0), -0.24),
            (shift(16, 5, workday, 0.0), 0.10),
            (shift(16, 0, workday, 0.0), -0.04),
            (shift(16, 2, holiday, 0.0), 0.25),
        ] {
            assert!((found - base - expected).abs() < 1e-12, "{expected}");
        }
    }

    #[test]
    fn silence_has_documented_share_and_outages_of_30_hours() {
        let silent: Vec<bool> = (480_000..530_000).map(|hour| is_silent(3, hour)).collect();
        let share = silent.iter().filter(|s| **s).count() as f64 / 50_000.0;
        assert!((0.035..0.055).contains(&share), "{share}");
        let longest = silent.chunk_by(|a, b| a == b).filter(|run| run[0]);
        let longest = longest.map(<[bool]>::len).max().unwrap();
        assert!((30..36).contains(&longest), "{longest}");
    }

    #[test]
    fn holidays_have_documented_share() {
        let holidays = (0..30_000).filter(|date| is_holiday(9, *date)).count();
        assert!((900..1_100).contains(&holidays), "{holidays}");
    }
}
