//! Time formats of tables.

use std::fmt::Write as _;
use std::str::FromStr;

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveTime};
use moodvane_model::{ErrorChain, Timestamp};

use super::error::TableError;
use crate::format::excerpt;

/// The format of a table's times.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeFormat(Repr);

#[derive(Debug, Clone, PartialEq)]
enum Repr {
    Rfc3339,
    UnixSeconds,
    UnixMillis,
    Pattern(String, Vec<Item<'static>>),
}

impl TimeFormat {
    /// For example `2015-02-17T07:36:05Z`.
    pub const RFC3339: Self = Self(Repr::Rfc3339);
    /// Seconds since 1970-01-01 UTC, with or without decimals.
    pub const UNIX_SECONDS: Self = Self(Repr::UnixSeconds);
    /// Milliseconds since 1970-01-01 UTC.
    pub const UNIX_MILLIS: Self = Self(Repr::UnixMillis);

    /// A strftime pattern such as `%d/%m/%Y %H:%M`. Times are UTC unless the pattern has an offset; a
    /// pattern without a time of day means midnight.
    ///
    /// # Errors
    /// [`TableError::TimeFormat`] if the pattern is invalid or does not determine a date.
    pub fn pattern(pattern: &str) -> Result<Self, TableError> {
        let invalid = || TableError::TimeFormat(excerpt(pattern));
        let items = StrftimeItems::new(pattern)
            .parse_to_owned()
            .map_err(|_| invalid())?;
        // A valid pattern parses its own output.
        let mut sample = String::new();
        let noon = DateTime::from_timestamp(1_514_808_000, 0).unwrap_or_default();
        write!(sample, "{}", noon.format_with_items(items.iter())).map_err(|_| invalid())?;
        parse_with(&sample, &items).ok_or_else(invalid)?;
        Ok(Self(Repr::Pattern(pattern.to_owned(), items)))
    }

    /// Parses a time.
    ///
    /// # Errors
    /// A message with the expected form.
    pub fn parse(&self, text: &str) -> Result<Timestamp, String> {
        let text = text.trim();
        let invalid = |expected: &str| format!("\"{}\" is not {expected}", excerpt(text));
        match &self.0 {
            Repr::Rfc3339 => Timestamp::parse_rfc3339(text).map_err(|e| ErrorChain(&e).to_string()),
            Repr::UnixSeconds => parse_millis(text, 1000.0).ok_or_else(|| invalid("Unix seconds")),
            Repr::UnixMillis => parse_millis(text, 1.0).ok_or_else(|| invalid("Unix milliseconds")),
            Repr::Pattern(pattern, items) => parse_with(text, items)
                .ok_or_else(|| invalid(&format!("a time of the form {pattern}"))),
        }
    }
}

impl FromStr for TimeFormat {
    type Err = TableError;

    /// Parses `rfc3339`, `unix_s`, `unix_ms` or a strftime pattern.
    fn from_str(text: &str) -> Result<Self, TableError> {
        match text {
            "rfc3339" => Ok(Self::RFC3339),
            "unix_s" => Ok(Self::UNIX_SECONDS),
            "unix_ms" => Ok(Self::UNIX_MILLIS),
            pattern => Self::pattern(pattern),
        }
    }
}

fn parse_millis(text: &str, factor: f64) -> Option<Timestamp> {
    // Whole numbers stay exact; fractions are within the precision of a double.
    let ms = match text.parse::<i64>() {
        Ok(whole) => whole.checked_mul(factor as i64)?,
        Err(_) => {
            let ms = text.parse::<f64>().ok()? * factor;
            ms.is_finite().then(|| ms.round() as i64)?
        }
    };
    Timestamp::from_millis(ms).ok()
}

fn parse_with(text: &str, items: &[Item<'_>]) -> Option<Timestamp> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).ok()?;
    let offset_s = parsed.offset().unwrap_or(0);
    let local = parsed
        .to_naive_datetime_with_offset(offset_s)
        .or_else(|e| match parsed.to_naive_time() {
            Ok(_) => Err(e),
            Err(_) => parsed.to_naive_date().map(|d| d.and_time(NaiveTime::MIN)),
        })
        .ok()?;
    let utc_ms = local.and_utc().timestamp_millis() - i64::from(offset_s) * 1000;
    Timestamp::from_millis(utc_ms).ok()
}
