//! The begin or the end of a requested range: a local hour, or an hour with its offset from UTC.
//!
//! The forms are those that the answers print, `2018-01-01 02` and `2018-01-01T02:00:00-05:00`, and what
//! lies between: `T` or a space, with or without `:00`, `:00:00` and an offset. With an offset the hour
//! does not depend on the zone of the request.

use moodvane_model::{HourSlot, ModelError};

use crate::problem::{Kind, Problem};

/// The length of the date and the hour.
const HOUR_BYTES: usize = 13;
const MINUTES: i32 = 60;

/// A begin or an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestedHour {
    /// An hour in local time of the request's zone.
    Local(HourSlot),
    /// An hour of UTC: the request states an offset.
    Utc(HourSlot),
}

/// Why a text is not an hour.
#[derive(Debug)]
enum HourError {
    /// Another form, or no such hour.
    Form(ModelError),
    /// A time within an hour.
    NotWhole,
    /// Before 1970 or after 9999 in UTC.
    Unsupported,
}

impl RequestedHour {
    /// Parses the field or parameter `name`.
    pub(crate) fn parse(name: &'static str, text: &str) -> Result<Self, Problem> {
        read(text).map_err(|error| match error {
            HourError::Form(error) => invalid_hour(name, &error),
            HourError::NotWhole => {
                let text: String = text.chars().take(64).collect();
                let detail = format!(
                    "\"{name}\": \"{text}\" is not the start of an hour of UTC, such as 2018-01-01T02:00:00Z"
                );
                Problem::new(Kind::InvalidHour, detail).with_field(name)
            }
            HourError::Unsupported => unsupported(name, text),
        })
    }
}

/// The problem of a field or parameter that is not an hour.
pub(crate) fn invalid_hour(name: &'static str, error: &ModelError) -> Problem {
    Problem::new(Kind::InvalidHour, format!("\"{name}\": {error}")).with_field(name)
}

/// The problem of an hour outside the hours that exist in the store.
pub(crate) fn unsupported(name: &'static str, hour: &str) -> Problem {
    let hour: String = hour.chars().take(64).collect();
    let detail = format!(
        "\"{name}\": {hour} is outside the supported hours, which are 1970-01-01 00 to 9999-12-31 23 in UTC"
    );
    Problem::new(Kind::InvalidHour, detail).with_field(name)
}

fn read(text: &str) -> Result<RequestedHour, HourError> {
    let form = || HourError::Form(ModelError::Hour(text.chars().take(64).collect()));
    let (hour, rest) = text.split_at_checked(HOUR_BYTES).ok_or_else(form)?;
    let hour = hour.replacen('T', " ", 1);
    let hour: HourSlot = hour.parse().map_err(|_| form())?;
    let (minute, rest) = read_minute(rest).ok_or_else(form)?;
    let Some(offset) = read_offset(rest).ok_or_else(form)? else {
        return match minute {
            0 => Ok(RequestedHour::Local(hour)),
            _ => Err(HourError::NotWhole),
        };
    };
    let minute = minute - offset;
    if minute % MINUTES != 0 {
        return Err(HourError::NotWhole);
    }
    let utc = hour.checked_add(minute / MINUTES);
    utc.map(RequestedHour::Utc).ok_or(HourError::Unsupported)
}

/// The minute, 0 if there is none, and what follows `:MM`, `:MM:00` or `:MM:00.0`.
fn read_minute(rest: &str) -> Option<(i32, &str)> {
    let Some(after) = rest.strip_prefix(':') else {
        return Some((0, rest));
    };
    let (minute, rest) = read_two_digits(after)?;
    if minute >= MINUTES {
        return None;
    }
    let rest = match rest.strip_prefix(":00") {
        Some(rest) => match rest.strip_prefix(".0") {
            Some(rest) => rest.trim_start_matches('0'),
            None => rest,
        },
        None => rest,
    };
    Some((minute, rest))
}

/// The offset from UTC in minutes; `Some(None)` if there is none.
fn read_offset(rest: &str) -> Option<Option<i32>> {
    if rest.is_empty() {
        return Some(None);
    }
    if rest.eq_ignore_ascii_case("z") {
        return Some(Some(0));
    }
    // In a query, a `+` that is not escaped means a space.
    let (sign, after) = match rest.split_at_checked(1)? {
        ("+" | " ", after) => (1, after),
        ("-", after) => (-1, after),
        _ => return None,
    };
    let (hours, rest) = read_two_digits(after)?;
    let (minutes, rest) = read_two_digits(rest.strip_prefix(':')?)?;
    let is_valid = rest.is_empty() && hours < 24 && minutes < MINUTES;
    is_valid.then_some(Some(sign * (hours * MINUTES + minutes)))
}

fn read_two_digits(text: &str) -> Option<(i32, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    let has_only_digits = digits.bytes().all(|b| b.is_ascii_digit());
    has_only_digits.then_some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Zone;
    use proptest::prelude::*;

    fn slot(text: &str) -> HourSlot {
        text.parse().unwrap()
    }

    #[test]
    fn reads_local_hours_and_hours_with_offset() {
        let local = RequestedHour::Local(slot("2018-01-01 02"));
        for text in [
            "2018-01-01 02",
            "2018-01-01T02",
            "2018-01-01T02:00",
            "2018-01-01 02:00:00",
            "2018-01-01T02:00:00.000",
        ] {
            assert_eq!(read(text).unwrap(), local, "{text}");
        }
        for (text, hour) in [
            ("2018-01-01T02:00:00Z", "2018-01-01 02"),
            ("2018-01-01T02:00:00.000Z", "2018-01-01 02"),
            ("2018-01-01T02Z", "2018-01-01 02"),
            ("2018-01-01T02:00:00-05:00", "2018-01-01 07"),
            ("2018-01-01T02:00:00+09:00", "2017-12-31 17"),
            ("2018-01-01T02:00:00 09:00", "2017-12-31 17"),
            ("2018-01-01T02:30:00+05:30", "2017-12-31 21"),
            ("2018-01-01T02:30:00-03:30", "2018-01-01 06"),
        ] {
            let expected = RequestedHour::Utc(slot(hour));
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn rejects_other_texts_with_reason() {
        for (text, part) in [
            ("", "must look like"),
            ("2018-01-01", "must look like"),
            ("2018-02-30T02:00:00Z", "must look like"),
            ("2018-01-01T02:00:01Z", "must look like"),
            ("2018-01-01T02:60", "must look like"),
            ("2018-01-01T02:00:00+5", "must look like"),
            ("2018-01-01T02:00:00+24:00", "must look like"),
            ("2018-01-01T02:00:00é", "must look like"),
            ("2018-01-01T02:30", "start of an hour"),
            ("2018-01-01T02:30:00Z", "start of an hour"),
            ("2018-01-01T02:00:00+05:30", "start of an hour"),
            ("9999-12-31T23:00:00-05:00", "9999-12-31 23"),
            ("1970-01-01T00:00:00+01:00", "1970-01-01 00"),
        ] {
            let problem = RequestedHour::parse("begin", text).unwrap_err();
            assert!(problem.detail().contains(part), "{text}: {problem:?}");
        }
    }

    proptest! {
        #[test]
        fn accepts_hours_of_answers(index in 24u32..70_000_000) {
            let hour = HourSlot::from_index(index).unwrap();
            for zone in ["UTC", "America/New_York", "Asia/Tokyo"] {
                let zone = Zone::parse(zone).unwrap();
                let printed = zone.rfc3339(hour).unwrap();
                prop_assert_eq!(read(&printed).unwrap(), RequestedHour::Utc(hour));
                let local = zone.local_hour(hour).unwrap();
                let printed = local.to_string();
                prop_assert_eq!(read(&printed).unwrap(), RequestedHour::Local(local));
            }
        }

        #[test]
        fn accepts_any_text(text in "\\PC{0,32}") {
            let _ = read(&text);
        }
    }
}
