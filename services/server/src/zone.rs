//! Hours on the clocks of a place.
//!
//! Terms: a *slot* is an hour as its clocks show it, such as `2018-11-04 01`.
//!
//! Where clocks are put back, a slot names two hours: as a begin the first, as an end the last, so
//! that a range has both. Where they are put forward, a slot names none: as a begin it means the
//! next hour, as an end the one before. Offsets must be whole hours in the whole of a range, since
//! rows are hours of UTC.

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;
use moodvane_model::{City, HourRange, HourSlot};

use crate::problem::{Kind, Problem};

/// The farthest that clocks are from UTC, and an hour more.
const FARTHEST_HOURS: i32 = 15;

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zone(Tz);

impl Zone {
    pub(crate) const UTC: Self = Self(Tz::UTC);

    /// The zone of a name; the problem is one of field `tz`.
    pub(crate) fn parse(name: &str) -> Result<Self, Problem> {
        name.parse().map(Self).map_err(|_| {
            let name: String = name.chars().take(64).collect();
            let detail = format!(
                "\"tz\": there is no zone \"{name}\"; it must be an IANA zone such as America/New_York"
            );
            Problem::new(Kind::UnknownZone, detail).of("tz")
        })
    }

    pub(crate) fn name(self) -> &'static str {
        self.0.name()
    }

    /// The zone of a city.
    pub(crate) fn of(city: &City) -> Self {
        Self(city.zone)
    }

    /// How many hours the clocks are ahead of UTC, the part of an hour dropped: near enough for
    /// the time of day.
    pub(crate) fn nearest_offset(self, hour: HourSlot) -> i8 {
        i8::try_from(self.seconds(hour).div_euclid(3600)).unwrap_or_default()
    }

    fn seconds(self, hour: HourSlot) -> i32 {
        let at = hour.start().to_chrono().naive_utc();
        self.0.offset_from_utc_datetime(&at).fix().local_minus_utc()
    }

    /// How many hours the clocks are ahead of UTC. `None` where that is not a whole number.
    pub(crate) fn offset(self, hour: HourSlot) -> Option<i8> {
        let seconds = self.seconds(hour);
        let hours = i8::try_from(seconds / 3600).ok()?;
        (seconds % 3600 == 0).then_some(hours)
    }

    /// What the clocks show in an hour.
    pub(crate) fn slot(self, hour: HourSlot) -> Option<HourSlot> {
        hour.checked_add(self.offset(hour)?.into())
    }

    /// The hour's first moment with its offset (RFC 3339).
    pub(crate) fn moment(self, hour: HourSlot) -> Option<String> {
        let slot = self.slot(hour)?.to_string().replace(' ', "T");
        let offset = match self.offset(hour)? {
            0 => "Z".to_owned(),
            hours => format!("{hours:+03}:00"),
        };
        Some(format!("{slot}:00:00{offset}"))
    }

    /// The hours from slot `begin` to slot `end`, both included.
    pub(crate) fn range(self, begin: HourSlot, end: HourSlot) -> Result<HourRange, Problem> {
        if end < begin {
            let error = HourRange::new(begin, end).err().map(|e| e.to_string());
            return Err(Problem::new(Kind::EndBeforeBegin, error.unwrap_or_default()).of("end"));
        }
        if self == Self::UTC {
            return HourRange::new(begin, end).map_err(|_| self.no_hours());
        }
        let first = self.around(begin)?.find(|(_, slot)| *slot >= begin);
        let last = self.around(end)?.rfind(|(_, slot)| *slot <= end);
        let (Some((first, _)), Some((last, _))) = (first, last) else {
            return Err(self.no_hours());
        };
        HourRange::new(first, last).map_err(|_| self.no_hours())
    }

    /// Whether the clocks are whole hours from UTC in all of a range.
    pub(crate) fn check(self, range: HourRange) -> Result<(), Problem> {
        if self == Self::UTC || range.iter().all(|hour| self.offset(hour).is_some()) {
            return Ok(());
        }
        Err(self.fractional())
    }

    /// The hours that may have a slot, in order, with theirs.
    fn around(
        self,
        slot: HourSlot,
    ) -> Result<impl DoubleEndedIterator<Item = (HourSlot, HourSlot)>, Problem> {
        let near = (-FARTHEST_HOURS..=FARTHEST_HOURS).filter_map(|by| slot.checked_add(by));
        let mut found = Vec::new();
        for hour in near {
            let offset = self.offset(hour).ok_or_else(|| self.fractional())?;
            if let Some(shown) = hour.checked_add(offset.into()) {
                found.push((hour, shown));
            }
        }
        Ok(found.into_iter())
    }

    fn fractional(self) -> Problem {
        let detail = format!(
            "\"tz\": the clocks of {} are not whole hours from UTC in the range; hours are those of UTC",
            self.name()
        );
        Problem::new(Kind::FractionalZone, detail).of("tz")
    }

    fn no_hours(self) -> Problem {
        let detail = format!(
            "the range has no hour: the clocks of {} are put forward over it",
            self.name()
        );
        Problem::new(Kind::InvalidHour, detail).of("begin")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(zone: &str, begin: &str, end: &str) -> Result<(String, String), String> {
        let zone = Zone::parse(zone).unwrap();
        let range = zone.range(begin.parse().unwrap(), end.parse().unwrap());
        let range = range.map_err(|problem| problem.kind().to_owned())?;
        Ok((range.begin().to_string(), range.end().to_string()))
    }

    #[test]
    fn a_slot_is_the_hours_that_clocks_show_it_in() {
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
                "a day that was left out, begin",
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
    fn what_has_no_hours_is_refused() {
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
        assert_eq!(howe.check(summer.unwrap()), Ok(()));
        let year = howe.range(
            "2018-01-01 00".parse().unwrap(),
            "2018-12-31 00".parse().unwrap(),
        );
        assert!(howe.check(year.unwrap()).is_err());
    }

    #[test]
    fn a_moment_says_its_offset() {
        let moment =
            |zone: &str, hour: &str| Zone::parse(zone).unwrap().moment(hour.parse().unwrap());
        assert_eq!(
            moment("UTC", "2018-01-01 02").unwrap(),
            "2018-01-01T02:00:00Z"
        );
        assert_eq!(
            moment("America/New_York", "2018-11-04 05").unwrap(),
            "2018-11-04T01:00:00-04:00"
        );
        assert_eq!(
            moment("America/New_York", "2018-11-04 06").unwrap(),
            "2018-11-04T01:00:00-05:00"
        );
        assert_eq!(
            moment("Asia/Tokyo", "2018-11-04 06").unwrap(),
            "2018-11-04T15:00:00+09:00"
        );
    }

    proptest! {
        #[test]
        fn every_hour_lies_in_the_range_of_its_own_slot(index in 100u32..900_000) {
            for zone in ["America/New_York", "Europe/London", "Pacific/Auckland"] {
                let zone = Zone::parse(zone).unwrap();
                let hour = HourSlot::from_index(index).unwrap();
                let slot = zone.slot(hour).unwrap();
                let range = zone.range(slot, slot).unwrap();
                prop_assert!(range.begin() <= hour && hour <= range.end());
                prop_assert!(range.hours() <= 2);
            }
        }
    }
}
