//! Local hours of a time zone.
//!
//! Terms: a *local hour* is an hour in local time, such as `2018-11-04 01`.
//!
//! A begin or an end with an offset from UTC names one hour, whatever the zone. Of local hours:
//! when clocks are put back, a local hour names two hours: as begin the first, as end the last, so
//! that a range has both. When clocks are put forward, a local hour names none: as begin it means
//! the next hour, as end the previous one. Offsets must be whole hours in the whole range, because
//! rows are hours of UTC.

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;
use moodvane_model::{HourRange, HourSlot, ModelError};

use crate::problem::{Kind, Problem};
use crate::requested_hour::{RequestedHour, unsupported};

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

    /// The hours from `begin` to `end`, both included.
    pub(crate) fn range(
        self,
        begin: RequestedHour,
        end: RequestedHour,
    ) -> Result<HourRange, Problem> {
        let local = match (begin, end) {
            (RequestedHour::Local(begin), RequestedHour::Local(end)) => Some((begin, end)),
            _ => None,
        };
        if let Some((begin, end)) = local {
            HourRange::new(begin, end).map_err(|error| end_before_begin(&error))?;
        }
        let first = match begin {
            RequestedHour::Utc(hour) => hour,
            RequestedHour::Local(local) => self.first_hour(local)?,
        };
        let last = match end {
            RequestedHour::Utc(hour) => hour,
            RequestedHour::Local(local) => self.last_hour(local)?,
        };
        for (name, hour) in [("begin", first), ("end", last)] {
            // The answer shows it in local time.
            if hour
                .checked_add(self.approximate_offset(hour).into())
                .is_none()
            {
                return Err(unsupported(name, &self.describe(hour)));
            }
        }
        HourRange::new(first, last).map_err(|error| match local {
            Some(_) => self.no_hours(),
            None => end_before_begin(&error),
        })
    }

    /// The first hour of UTC whose local hour is `local` or later.
    fn first_hour(self, local: HourSlot) -> Result<HourSlot, Problem> {
        let near = self.hours_near("begin", local)?;
        let first = near.iter().find(|(_, other)| *other >= local);
        first.map(|(hour, _)| *hour).ok_or_else(|| self.no_hours())
    }

    /// The last hour of UTC whose local hour is `local` or earlier.
    fn last_hour(self, local: HourSlot) -> Result<HourSlot, Problem> {
        let near = self.hours_near("end", local)?;
        let last = near.iter().rfind(|(_, other)| *other <= local);
        last.map(|(hour, _)| *hour).ok_or_else(|| self.no_hours())
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

    /// The hours of UTC that may have this local hour, in order, each with its own local hour. Rejects a
    /// local hour of the field `name` that lies before the first or after the last of them.
    fn hours_near(
        self,
        name: &'static str,
        local: HourSlot,
    ) -> Result<Vec<(HourSlot, HourSlot)>, Problem> {
        if self == Self::UTC {
            return Ok(vec![(local, local)]);
        }
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
        let is_before = found.first().is_none_or(|(_, first)| local < *first);
        let is_after = found.last().is_none_or(|(_, last)| local > *last);
        if is_before || is_after {
            return Err(unsupported(name, &self.describe(local)));
        }
        Ok(found)
    }

    fn describe(self, hour: HourSlot) -> String {
        format!("{hour} with the zone {}", self.name())
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

fn end_before_begin(error: &ModelError) -> Problem {
    Problem::new(Kind::EndBeforeBegin, error.to_string()).with_field("end")
}

#[cfg(test)]
mod tests;
