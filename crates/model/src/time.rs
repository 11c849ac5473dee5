//! Timestamps in UTC with millisecond precision.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::ModelError;

/// 10000-01-01T00:00:00Z in milliseconds since the epoch: the first invalid timestamp.
const END_MS: i64 = 253_402_300_800_000;

/// A timestamp in UTC: milliseconds since 1970-01-01, within the years 1970 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The timestamp `ms` milliseconds after the epoch.
    ///
    /// # Errors
    /// [`ModelError::Timestamp`] outside the years 1970 to 9999.
    pub fn from_millis(ms: i64) -> Result<Self, ModelError> {
        if (0..END_MS).contains(&ms) {
            Ok(Self(ms))
        } else {
            Err(ModelError::Timestamp(ms))
        }
    }

    /// Parses an RFC 3339 date and time, such as `2015-02-17T07:36:05Z`.
    ///
    /// # Errors
    /// [`ModelError::Rfc3339`] for any other text, [`ModelError::Timestamp`] outside the years 1970
    /// to 9999.
    pub fn parse_rfc3339(text: &str) -> Result<Self, ModelError> {
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|source| ModelError::Rfc3339 {
            text: text.to_owned(),
            source,
        })?;
        Self::from_millis(parsed.timestamp_millis())
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The timestamp `ms` milliseconds later, or earlier if `ms` is negative.
    ///
    /// # Errors
    /// [`ModelError::Timestamp`] if the result is outside the years 1970 to 9999.
    pub fn checked_add_millis(self, ms: i64) -> Result<Self, ModelError> {
        Self::from_millis(self.0.saturating_add(ms))
    }

    /// The timestamp as a `chrono` value.
    #[must_use]
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// Clamps to the years 1970 to 9999.
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis().clamp(0, END_MS - 1))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &self
                .to_chrono()
                .to_rfc3339_opts(SecondsFormat::Millis, true),
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
