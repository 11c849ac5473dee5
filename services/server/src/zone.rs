//! Local hours of a time zone.
//!
//! Terms: a *local hour* is an hour in local time, such as `2018-11-04 01`.
//!
//! When clocks are put back, a local hour names two hours: as begin the first, as end the last, so
//! that a range has both. When clocks are put forward, a local hour names none: as begin it means
//! the next hour, as end the previous one. Offsets must be whole hours in the whole range, because
//! rows are hours of UTC.

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;
use moodvane_model::{City, HourRange, HourSlot};

use crate::problem::{Kind, Problem};

/// The largest offset from UTC, and an hour more.
const MAX_OFFSET_HOURS: i32 = 15;

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zone(Tz);

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl Zone {
    pub(crate) const UTC: Self = Self(Tz::UTC);

    /// Parses the name of a zone. A problem names the field `tz`.
    pub(crate) fn parse(name: &str) -> Result<Self, Problem> {
        name.parse().map(Self).map_err(|_| {
            let name: String = name.chars().take(64).collect();
            let detail = format!(
                "\"tz\": there is no zone \"{name}\"; it must be an IANA zone such as America/New_York"
            );
            Problem::new(Kind::UnknownZone, detail).with_field("tz")
        })
    }

    pub(crate) fn name(self) -> &'static str {
        self.0.name()
    }

    /// The zone of a city.
    pub(crate) fn of_city(city: &City) -> Self {
        Self(city.zone)
    }

    /// The offset from UTC in hours, rounded down: precise enough for the hour of the day.
    pub(crate) fn approximate_offset(self, hour: HourSlot) -> i8 {
        i8::try_from(self.offset_seconds(hour).div_euclid(3600)).unwrap_or_default()
    }

    fn offset_seconds(self, hour: HourSlot) -> i32 {
        let at = hour.start().to_chrono().naive_utc();
        self.0.offset_from_utc_datetime(&at).fix().local_minus_utc()
    }

    /// The offset from UTC in hours; `None` if it is not a whole number.
    fn whole_hour_offset(self, hour: HourSlot) -> Option<i8> {
        let seconds = self.offset_seconds(hour);
        let hours = i8::try_from(seconds / 3600).ok()?;
        (seconds % 3600 == 0).then_some(hours)
    }

    /// The local hour of an hour of UTC.
    pub(crate) fn local_hour(self, hour: HourSlot) -> Option<HourSlot> {
        hour.checked_add(self.whole_hour_offset(hour)?.into())
    }

    /// The start of the hour with its offset (RFC 3339).
    pub(crate) fn rfc3339(self, hour: HourSlot) -> Option<String> {
        let local = self.local_hour(hour)?.to_string().replace(' ', "T");
        let offset = match self.whole_hour_offset(hour)? {
            0 => "Z".to_owned(),
            hours => format!("{hours:+03}:00"),
        };
        Some(format!("{local}:00:00{offset}"))
    }

    /// The hours from local hour `begin` to local hour `end`, both included.
    pub(crate) fn range(self, begin: HourSlot, end: HourSlot) -> Result<HourRange, Problem> {
        if end < begin {
            let error = HourRange::new(begin, end).err().map(|e| e.to_string());
            return Err(
                Problem::new(Kind::EndBeforeBegin, error.unwrap_or_default()).with_field("end"),
            );
        }
        if self == Self::UTC {
            return HourRange::new(begin, end).map_err(|_| self.no_hours());
        }
        let first = self.hours_near(begin)?.find(|(_, local)| *local >= begin);
        let last = self.hours_near(end)?.rfind(|(_, local)| *local <= end);
        let (Some((first, _)), Some((last, _))) = (first, last) else {
            return Err(self.no_hours());
        };
        HourRange::new(first, last).map_err(|_| self.no_hours())
    }

    /// Rejects a range in which an offset from UTC is not a whole number of hours.
    pub(crate) fn require_whole_hours(self, range: HourRange) -> Result<(), Problem> {
        if self == Self::UTC
            || range
                .iter()
                .all(|hour| self.whole_hour_offset(hour).is_some())
        {
            return Ok(());
        }
        Err(self.fractional())
    }

    /// The hours of UTC that may have this local hour, in order, each with its own local hour.
    fn hours_near(
        self,
        local: HourSlot,
    ) -> Result<impl DoubleEndedIterator<Item = (HourSlot, HourSlot)>, Problem> {
        let near = (-MAX_OFFSET_HOURS..=MAX_OFFSET_HOURS).filter_map(|by| local.checked_add(by));
        let mut found = Vec::new();
        for hour in near {
            let offset = self
                .whole_hour_offset(hour)
                .ok_or_else(|| self.fractional())?;
            if let Some(local) = hour.checked_add(offset.into()) {
                found.push((hour, local));
            }
        }
        Ok(found.into_iter())
    }

    fn fractional(self) -> Problem {
        let detail = format!(
            "\"tz\": {} has an offset from UTC that is not a whole number of hours in the range; choose a zone with whole-hour offsets",
            self.name()
        );
        Problem::new(Kind::FractionalZone, detail).with_field("tz")
    }

    fn no_hours(self) -> Problem {
        let detail = format!(
            "the range has no hour: the clocks of {} skip it",
            self.name()
        );
        Problem::new(Kind::InvalidHour, detail).with_field("begin")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(zone: &str, begin: &str, end: &str) -> Result<(String, String), String> {
        let zone = Zone::parse(zone).unwrap();
        let range = zone.range(begin.parse().unwrap(), end.parse().unwrap());
        let range = range.map_err(|problem| problem.type_name().to_owned())?;
        Ok((range.begin().to_string(), range.end().to_string()))
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn range_follows_local_clocks() {
        let new_york = "America/New_York";
        let cases = [
            (
                "winter",
                new_york,
                ("2018-01-01 00", "2018-01-01 01"),
                ("2018-01-01 05", "2018-01-01 06"),
            ),
            (
                "summer",
                new_york,
                ("2018-07-01 00", "2018-07-01 00"),
                ("2018-07-01 04", "2018-07-01 04"),
            ),
            (
                "put back: both hours",
                new_york,
                ("2018-11-04 01", "2018-11-04 01"),
                ("2018-11-04 05", "2018-11-04 06"),
            ),
            (
                "put back: after both",
                new_york,
                ("2018-11-04 02", "2018-11-04 02"),
                ("2018-11-04 07", "2018-11-04 07"),
            ),
            (
                "put forward, begin: the next",
                new_york,
                ("2018-03-11 02", "2018-03-11 03"),
                ("2018-03-11 07", "2018-03-11 07"),
            ),
            (
                "put forward, end: the one before",
                new_york,
                ("2018-03-11 01", "2018-03-11 02"),
                ("2018-03-11 06", "2018-03-11 06"),
            ),
            (
                "far east",
                "Pacific/Kiritimati",
                ("2018-01-01 00", "2018-01-01 00"),
                ("2017-12-31 10", "2017-12-31 10"),
            ),
            (
                "skipped day, begin",
                "Pacific/Apia",
                ("2011-12-30 12", "2011-12-31 00"),
                ("2011-12-30 10", "2011-12-30 10"),
            ),
            (
                "utc",
                "UTC",
                ("2018-01-01 00", "2018-01-01 00"),
                ("2018-01-01 00", "2018-01-01 00"),
            ),
        ];
        for (name, zone, (begin, end), (first, last)) in cases {
            let expected = Ok((first.to_owned(), last.to_owned()));
            assert_eq!(range(zone, begin, end), expected, "{name}");
        }
    }

    #[test]
    fn rejects_range_without_hours() {
        let cases = [
            (
                "America/New_York",
                "2018-03-11 02",
                "2018-03-11 02",
                "/problems/invalid-hour",
            ),
            (
                "America/New_York",
                "2018-03-11 05",
                "2018-03-11 04",
                "/problems/end-before-begin",
            ),
            (
                "Asia/Kolkata",
                "2018-03-11 02",
                "2018-03-11 02",
                "/problems/fractional-zone",
            ),
        ];
        for (zone, begin, end, kind) in cases {
            assert_eq!(
                range(zone, begin, end),
                Err(kind.to_owned()),
                "{zone} {begin}"
            );
        }
        let howe = Zone::parse("Australia/Lord_Howe").unwrap();
        let summer = howe.range(
            "2018-01-01 00".parse().unwrap(),
            "2018-01-02 00".parse().unwrap(),
        );
        assert_eq!(howe.require_whole_hours(summer.unwrap()), Ok(()));
        let year = howe.range(
            "2018-01-01 00".parse().unwrap(),
            "2018-12-31 00".parse().unwrap(),
        );
        assert!(howe.require_whole_hours(year.unwrap()).is_err());
    }

    #[test]
    fn rfc3339_has_offset() {
        let rfc3339 =
            |zone: &str, hour: &str| Zone::parse(zone).unwrap().rfc3339(hour.parse().unwrap());
        assert_eq!(
            rfc3339("UTC", "2018-01-01 02").unwrap(),
            "2018-01-01T02:00:00Z"
        );
        assert_eq!(
            rfc3339("America/New_York", "2018-11-04 05").unwrap(),
            "2018-11-04T01:00:00-04:00"
        );
        assert_eq!(
            rfc3339("America/New_York", "2018-11-04 06").unwrap(),
            "2018-11-04T01:00:00-05:00"
        );
        assert_eq!(
            rfc3339("Asia/Tokyo", "2018-11-04 06").unwrap(),
            "2018-11-04T15:00:00+09:00"
        );
    }

    proptest! {
        #[test]
        fn range_of_local_hour_contains_hour(index in 100u32..900_000) {
            for zone in ["America/New_York", "Europe/London", "Pacific/Auckland"] {
                let zone = Zone::parse(zone).unwrap();
                let hour = HourSlot::from_index(index).unwrap();
                let local = zone.local_hour(hour).unwrap();
                let range = zone.range(local, local).unwrap();
                prop_assert!(range.begin() <= hour && hour <= range.end());
                prop_assert!(range.hours() <= 2);
            }
        }
    }
}
