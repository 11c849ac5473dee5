//! The local time of an hour at a city.

use chrono::{Offset, TimeZone};
use moodvane_model::{City, HourSlot};

/// The local time of an hour of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalClock {
    /// The offset from UTC in hours, rounded down.
    pub offset_hours: i8,
    /// The hour of the day, 0 to 23.
    pub hour_of_day: u8,
    /// The day of the week, 0 (Monday) to 6.
    pub day_of_week: u8,
    /// Days since 1970-01-01.
    pub date: i64,
}

impl LocalClock {
    /// The local time of an hour at a city, with daylight saving time.
    #[must_use]
    pub fn new(city: &City, hour: HourSlot) -> Self {
        let at = hour.start().to_chrono().naive_utc();
        let seconds = city.zone.offset_from_utc_datetime(&at).fix();
        let offset = i64::from(seconds.local_minus_utc().div_euclid(3_600));
        let local = i64::from(hour.index()) + offset;
        let date = local.div_euclid(24);
        Self {
            offset_hours: offset as i8,
            hour_of_day: local.rem_euclid(24) as u8,
            // 1970-01-01 was a Thursday.
            day_of_week: (date + 3).rem_euclid(7) as u8,
            date,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::CityId;

    #[test]
    fn follows_zone_and_daylight_saving_time() {
        for (zone, hour, expected) in [
            ("America/New_York", "2025-01-06 04", (-5, 23, 6, 20_093)),
            ("America/New_York", "2025-07-07 04", (-4, 0, 0, 20_276)),
            ("Asia/Kolkata", "1970-01-01 00", (5, 5, 3, 0)),
        ] {
            let id = CityId::parse("a").unwrap();
            let city = City::new(id, "A", &[], (0.0, 0.0), zone).unwrap();
            let clock = LocalClock::new(&city, hour.parse().unwrap());
            let found = (
                clock.offset_hours,
                clock.hour_of_day,
                clock.day_of_week,
                clock.date,
            );
            assert_eq!(found, expected, "{zone} {hour}");
        }
    }
}
