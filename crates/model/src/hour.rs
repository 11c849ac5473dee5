//! Hours in UTC, ranges of hours, and the rule that assigns a record to its hour.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDate, Timelike};
use serde::{Serialize, Serializer};

use crate::{ModelError, Timestamp};

const HOUR_MS: i64 = 3_600_000;

/// One UTC hour between 1970 and 9999. Its text form is `2018-01-01 02`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HourSlot(u32);

impl HourSlot {
    /// 9999-12-31 23.
    const LAST: u32 = 70_389_527;

    /// The hour that contains a timestamp.
    #[must_use]
    pub fn containing(at: Timestamp) -> Self {
        Self((at.millis() / HOUR_MS) as u32)
    }

    /// The hour `index` hours after 1970-01-01 00.
    ///
    /// # Errors
    /// [`ModelError::Hour`] after 9999-12-31 23.
    pub fn from_index(index: u32) -> Result<Self, ModelError> {
        if index <= Self::LAST {
            Ok(Self(index))
        } else {
            Err(ModelError::Hour(index.to_string()))
        }
    }

    /// Hours since 1970-01-01 00.
    #[must_use]
    pub fn index(self) -> u32 {
        self.0
    }

    /// The first millisecond of the hour.
    #[must_use]
    pub fn start(self) -> Timestamp {
        // Within bounds by construction.
        Timestamp::from(
            chrono::DateTime::from_timestamp_millis(i64::from(self.0) * HOUR_MS)
                .unwrap_or_default(),
        )
    }

    /// The hour `n` hours later, or earlier if `n` is negative. `None` outside the years 1970 to
    /// 9999.
    #[must_use]
    pub fn checked_add(self, n: i32) -> Option<Self> {
        self.0
            .checked_add_signed(n)
            .filter(|index| *index <= Self::LAST)
            .map(Self)
    }
}

impl FromStr for HourSlot {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let invalid = || ModelError::Hour(text.chars().take(64).collect());
        let bytes = text.as_bytes();
        let has_valid_shape = bytes.len() == 13
            && bytes.iter().enumerate().all(|(i, b)| match i {
                4 | 7 => *b == b'-',
                10 => *b == b' ',
                _ => b.is_ascii_digit(),
            });
        if !has_valid_shape {
            return Err(invalid());
        }
        let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap_or(u32::MAX);
        let date = NaiveDate::from_ymd_opt(number(0..4) as i32, number(5..7), number(8..10));
        let start = date
            .and_then(|d| d.and_hms_opt(number(11..13), 0, 0))
            .ok_or_else(invalid)?;
        let at =
            Timestamp::from_millis(start.and_utc().timestamp_millis()).map_err(|_| invalid())?;
        Ok(Self::containing(at))
    }
}

impl fmt::Display for HourSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.start().to_chrono();
        write!(f, "{} {:02}", at.format("%Y-%m-%d"), at.hour())
    }
}

impl fmt::Debug for HourSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for HourSlot {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A non-empty range of hours that includes both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourRange {
    begin: HourSlot,
    end: HourSlot,
}

impl HourRange {
    /// The hours from `begin` to `end`, both included.
    ///
    /// # Errors
    /// [`ModelError::EmptyRange`] if `end` is before `begin`.
    pub fn new(begin: HourSlot, end: HourSlot) -> Result<Self, ModelError> {
        if end < begin {
            return Err(ModelError::EmptyRange {
                begin: begin.to_string(),
                end: end.to_string(),
            });
        }
        Ok(Self { begin, end })
    }

    /// The first hour.
    #[must_use]
    pub fn begin(self) -> HourSlot {
        self.begin
    }

    /// The last hour.
    #[must_use]
    pub fn end(self) -> HourSlot {
        self.end
    }

    /// The number of hours, at least 1.
    #[must_use]
    pub fn hours(self) -> u32 {
        self.end.0 - self.begin.0 + 1
    }

    /// All hours in order.
    pub fn iter(self) -> impl Iterator<Item = HourSlot> {
        (self.begin.0..=self.end.0).map(HourSlot)
    }
}

/// The range of one hour.
impl From<HourSlot> for HourRange {
    fn from(hour: HourSlot) -> Self {
        Self {
            begin: hour,
            end: hour,
        }
    }
}

/// The maximum difference between the timestamp of a source and the reception time of a record. A
/// wrong clock at a source therefore cannot put a record into an arbitrary hour.
///
/// The rule differs by kind. A *post* outside the bounds counts at its reception: a person wrote
/// it, most likely just now. An *observation* outside the bounds counts nowhere: the weather of
/// three days ago is not that of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTimeBounds {
    /// Maximum time after the reception, in milliseconds.
    pub ahead_ms: u32,
    /// Maximum time before the reception, in milliseconds.
    pub behind_ms: u32,
}

impl EventTimeBounds {
    /// 10 minutes ahead, 24 hours behind.
    pub const STANDARD: Self = Self {
        ahead_ms: 600_000,
        behind_ms: 86_400_000,
    };

    /// The hour that contains the event time of a post.
    #[must_use]
    pub fn event_hour(self, stated: Timestamp, received: Timestamp) -> HourSlot {
        HourSlot::containing(self.event_time(stated, received))
    }

    /// The event time of a post: the time that the source states if it is within the bounds, else
    /// the reception time. Both times are in the record, so that every replay gives the same
    /// result.
    #[must_use]
    pub fn event_time(self, stated: Timestamp, received: Timestamp) -> Timestamp {
        self.check(stated, received).map_or(received, |()| stated)
    }

    /// The event time of an observation, which is always the time of the observation.
    ///
    /// # Errors
    /// [`OutOfBounds`] if it is too old or in the future; the observation then counts in no hour.
    pub fn observation_time(
        self,
        observed: Timestamp,
        received: Timestamp,
    ) -> Result<Timestamp, OutOfBounds> {
        self.check(observed, received).map(|()| observed)
    }

    fn check(self, stated: Timestamp, received: Timestamp) -> Result<(), OutOfBounds> {
        let delay = received.millis() - stated.millis();
        if delay > i64::from(self.behind_ms) {
            return Err(OutOfBounds::TooOld);
        }
        if -delay > i64::from(self.ahead_ms) {
            return Err(OutOfBounds::Future);
        }
        Ok(())
    }
}

/// Why a time is outside [`EventTimeBounds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutOfBounds {
    /// Too long before the reception.
    TooOld,
    /// Too long after the reception.
    Future,
}

impl OutOfBounds {
    /// A short name from a bounded set, for a metric label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::Future => "future",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn rejects_invalid_hours() {
        for bad in [
            "",
            "2018-13-01 02",
            "2018-02-29 02",
            "2018-01-01 24",
            "2018-1-1 2",
            "2018-01-01T02",
            "2018-01-01 02 ",
            "+018-01-01 02",
            "1969-12-31 23",
            "2018-01-01",
            "２018-01-01 0",
        ] {
            assert!(bad.parse::<HourSlot>().is_err(), "{bad}");
        }
        assert_eq!(
            "9999-12-31 23".parse::<HourSlot>().unwrap().0,
            HourSlot::LAST
        );
        assert_eq!(
            "9999-12-31 23".parse::<HourSlot>().unwrap().checked_add(1),
            None
        );
        assert!("2016-02-29 00".parse::<HourSlot>().is_ok());
    }

    #[test]
    fn range_includes_both_ends() {
        let hour = |text: &str| text.parse::<HourSlot>().unwrap();
        let range = HourRange::new(hour("2018-01-01 23"), hour("2018-01-02 01")).unwrap();
        assert_eq!(range.hours(), 3);
        let all: Vec<String> = range.iter().map(|h| h.to_string()).collect();
        assert_eq!(all, ["2018-01-01 23", "2018-01-02 00", "2018-01-02 01"]);
        assert!(HourRange::new(hour("2018-01-02 00"), hour("2018-01-01 23")).is_err());
    }

    #[test]
    fn event_time_is_stated_time_within_bounds_else_reception_time() {
        let received = "2018-01-02T12:00:00Z";
        for (stated, hour) in [
            ("2018-01-02T11:59:59Z", "2018-01-02 11"),
            ("2018-01-02T12:10:00Z", "2018-01-02 12"),
            ("2018-01-02T12:10:00.001Z", "2018-01-02 12"),
            ("2018-01-02T13:00:00Z", "2018-01-02 12"),
            ("2018-01-01T12:00:00Z", "2018-01-01 12"),
            ("2018-01-01T11:59:59.999Z", "2018-01-02 12"),
        ] {
            let slot = EventTimeBounds::STANDARD.event_hour(at(stated), at(received));
            assert_eq!(slot.to_string(), hour, "{stated}");
        }
    }

    #[test]
    fn observation_counts_in_its_own_hour_or_not_at_all() {
        let received = at("2018-01-02T12:00:00Z");
        for (observed, expected) in [
            ("2018-01-02T11:59:59Z", Ok(())),
            ("2018-01-02T12:10:00Z", Ok(())),
            ("2018-01-02T12:10:00.001Z", Err(OutOfBounds::Future)),
            ("2018-01-01T12:00:00Z", Ok(())),
            ("2018-01-01T11:59:59.999Z", Err(OutOfBounds::TooOld)),
            ("2017-12-30T12:00:00Z", Err(OutOfBounds::TooOld)),
        ] {
            let observed = at(observed);
            let found = EventTimeBounds::STANDARD.observation_time(observed, received);
            assert_eq!(found, expected.map(|()| observed), "{observed}");
        }
        let replayed = at("2008-02-29T00:00:00Z");
        let found = EventTimeBounds::STANDARD.observation_time(replayed, replayed);
        assert_eq!(
            found,
            Ok(replayed),
            "files are received when they were observed"
        );
    }

    proptest! {
        #[test]
        fn display_and_parse_round_trip(index in 0..=HourSlot::LAST) {
            let slot = HourSlot::from_index(index).unwrap();
            prop_assert_eq!(slot.to_string().parse::<HourSlot>().unwrap(), slot);
            prop_assert_eq!(HourSlot::containing(slot.start()), slot);
        }

        #[test]
        fn parses_or_rejects_any_text(text in "\\PC{0,20}") {
            if let Ok(slot) = text.parse::<HourSlot>() {
                prop_assert_eq!(slot.to_string(), text);
            }
        }
    }
}
