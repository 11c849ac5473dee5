//! How a table writes its times.

use std::fmt::Write as _;
use std::str::FromStr;

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveTime};
use moodvane_model::{ErrorChain, Timestamp};

use super::TableError;
use crate::format::shortened;

/// How a table writes its times.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeFormat(Form);

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Rfc3339,
    UnixSeconds,
    UnixMillis,
    Pattern(String, Vec<Item<'static>>),
}

impl TimeFormat {
    /// As in `2015-02-17T07:36:05Z`.
    pub const RFC3339: Self = Self(Form::Rfc3339);
    /// Seconds since 1970-01-01 UTC, with decimals or without.
    pub const UNIX_SECONDS: Self = Self(Form::UnixSeconds);
    /// Milliseconds since 1970-01-01 UTC.
    pub const UNIX_MILLIS: Self = Self(Form::UnixMillis);

    /// A strftime pattern such as `%d/%m/%Y %H:%M`. Without an offset in the pattern the time is
    /// UTC; a pattern without a time of day means midnight.
    ///
    /// # Errors
    /// [`TableError::TimeFormat`] where the pattern is not valid or does not fix a date.
    pub fn pattern(pattern: &str) -> Result<Self, TableError> {
        let refused = || TableError::TimeFormat(shortened(pattern));
        let items = StrftimeItems::new(pattern)
            .parse_to_owned()
            .map_err(|_| refused())?;
        // A pattern is good if it reads back what it writes.
        let mut sample = String::new();
        let noon = DateTime::from_timestamp(1_514_808_000, 0).unwrap_or_default();
        write!(sample, "{}", noon.format_with_items(items.iter())).map_err(|_| refused())?;
        by_pattern(&sample, &items).ok_or_else(refused)?;
        Ok(Self(Form::Pattern(pattern.to_owned(), items)))
    }

    /// Reads a time.
    ///
    /// # Errors
    /// What would be right, in words.
    pub fn read(&self, text: &str) -> Result<Timestamp, String> {
        let text = text.trim();
        let refused = |right: &str| format!("\"{}\" is not {right}", shortened(text));
        match &self.0 {
            Form::Rfc3339 => Timestamp::parse_rfc3339(text).map_err(|e| ErrorChain(&e).to_string()),
            Form::UnixSeconds => millis(text, 1000.0).ok_or_else(|| refused("Unix seconds")),
            Form::UnixMillis => millis(text, 1.0).ok_or_else(|| refused("Unix milliseconds")),
            Form::Pattern(pattern, items) => by_pattern(text, items)
                .ok_or_else(|| refused(&format!("a time of the form {pattern}"))),
        }
    }
}

impl FromStr for TimeFormat {
    type Err = TableError;

    /// Reads `rfc3339`, `unix_s`, `unix_ms` or a strftime pattern.
    fn from_str(text: &str) -> Result<Self, TableError> {
        match text {
            "rfc3339" => Ok(Self::RFC3339),
            "unix_s" => Ok(Self::UNIX_SECONDS),
            "unix_ms" => Ok(Self::UNIX_MILLIS),
            pattern => Self::pattern(pattern),
        }
    }
}

fn millis(text: &str, factor: f64) -> Option<Timestamp> {
    // Whole numbers stay exact; the rest is within the precision of a double for these years.
    let ms = match text.parse::<i64>() {
        Ok(whole) => whole.checked_mul(factor as i64)?,
        Err(_) => {
            let ms = text.parse::<f64>().ok()? * factor;
            ms.is_finite().then(|| ms.round() as i64)?
        }
    };
    Timestamp::from_millis(ms).ok()
}

fn by_pattern(text: &str, items: &[Item<'_>]) -> Option<Timestamp> {
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
