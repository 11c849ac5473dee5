//! The hours that an effect is estimated from.

use chrono::{Datelike, NaiveDate};
use moodvane_analysis::LocalHour;
use moodvane_model::{CityId, HourSlot, Variable};

/// The hours of a week.
pub(crate) const WEEK_HOURS: i32 = 168;

/// The local time of an hour, from which the fixed effects of cycle, season and date follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    hour: LocalHour,
    date: i32,
}

impl LocalTime {
    /// The local time of a UTC hour at a place whose time is `offset_hours` ahead of UTC.
    #[must_use]
    pub fn from_utc(hour: HourSlot, offset_hours: i8) -> Self {
        let local = i64::from(hour.index()) + i64::from(offset_hours);
        Self {
            hour: LocalHour::from_utc(hour, offset_hours),
            date: local.div_euclid(24) as i32,
        }
    }

    /// The hour of the day and the day of the week.
    #[must_use]
    pub fn hour(self) -> LocalHour {
        self.hour
    }

    /// The hour of the week, 0 (Monday, midnight) to 167.
    #[must_use]
    pub fn hour_of_week(self) -> u8 {
        self.hour.day_of_week() * 24 + self.hour.hour_of_day()
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn date(self) -> i32 {
        self.date
    }

    /// The number of the block of this many hours; blocks begin on Monday, midnight.
    #[must_use]
    pub fn block(self, hours: i32) -> i32 {
        let since_monday = i64::from(self.date + 3) * 24 + i64::from(self.hour.hour_of_day());
        since_monday.div_euclid(i64::from(hours)) as i32
    }

    /// Months since the beginning of the calendar: 12 times the year, plus 0 to 11.
    #[must_use]
    pub fn month(self) -> i32 {
        NaiveDate::from_epoch_days(self.date)
            .map_or(0, |date| date.year() * 12 + date.month0() as i32)
    }
}

/// The feeling of an hour's posts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HourFeeling {
    /// The mean class, 0 to 4.
    pub mean: f64,
    /// The number of scored posts.
    pub posts: u64,
    /// The standard error of the mean, if there are at least two posts.
    pub standard_error: Option<f64>,
}

/// One hour of a city. An hour without posts still has weather, which is the past and the future of
/// other hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectHour {
    /// The hour in UTC.
    pub hour: HourSlot,
    /// The hour at the city.
    pub local: LocalTime,
    /// The feeling; `None` without scored posts.
    pub feeling: Option<HourFeeling>,
    /// The mean of each variable, in its unit and in the order of [`Variable::ALL`].
    pub weather: [Option<f64>; Variable::ALL.len()],
}

impl EffectHour {
    /// The value of a variable.
    #[must_use]
    pub fn value(&self, variable: Variable) -> Option<f64> {
        self.weather[variable.index()].filter(|value| value.is_finite())
    }
}

/// The hours of a city, in any order; gaps are allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct CityHours {
    /// The city.
    pub city: CityId,
    /// Its hours. Of two rows for one hour the first counts.
    pub hours: Vec<EffectHour>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_follows_offset() {
        let cases = [
            ("1970-01-01 00", 0, (0, 0, 72, 1970 * 12)),
            ("2024-02-29 23", 1, (19_783, 2826, 96, 2024 * 12 + 2)),
            ("2024-01-01 02", -5, (19_722, 2817, 165, 2023 * 12 + 11)),
        ];
        for (slot, offset, expected) in cases {
            let local = LocalTime::from_utc(slot.parse().unwrap(), offset);
            let week_hour = local.hour_of_week();
            let found = (local.date(), local.block(168), week_hour, local.month());
            assert_eq!(found, expected, "{slot} {offset}");
        }
    }
}
