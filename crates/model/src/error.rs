//! The errors of this crate.
//!
//! Convention of all libraries: an error states what failed, the value and the expected form. Its
//! cause is its [`source`](std::error::Error::source) and not a part of its own text. The place
//! that logs or prints an error prints the whole chain: with [`ErrorChain`], or with `{:#}` of
//! `anyhow`.

use std::error::Error as StdError;
use std::fmt;

use thiserror::Error;

/// A value that the vocabulary does not allow.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ModelError {
    /// Not an identifier such as `new-york`.
    #[error(
        "\"{0}\" is not an identifier: it must be 1 to 31 characters of a-z, 0-9 and '-', starting with a letter or digit"
    )]
    Slug(String),
    /// Not an hour such as `2018-01-01 02`.
    #[error("\"{0}\" is not an hour: it must look like 2018-01-01 02 (year-month-day hour, UTC)")]
    Hour(String),
    /// A range whose end is before its begin.
    #[error("the range ends at {end}, before it begins at {begin}")]
    EmptyRange {
        /// First hour of the rejected range.
        begin: String,
        /// Last hour of the rejected range.
        end: String,
    },
    /// A timestamp outside the years 1970 to 9999.
    #[error("{0} ms is outside the years 1970 to 9999")]
    Timestamp(i64),
    /// Not a date and time as in RFC 3339.
    #[error("\"{text}\" is not an RFC 3339 time such as 2018-01-01T02:00:00Z")]
    Rfc3339 {
        /// The rejected text.
        text: String,
        /// What the parser reports.
        #[source]
        source: chrono::ParseError,
    },
    /// Not a language tag such as `en` or `pt-BR`.
    #[error(
        "\"{0}\" is not a language tag: it must begin with 2 to 8 letters, such as en or pt-BR"
    )]
    Language(String),
    /// A sentiment class other than 0 to 4.
    #[error("{0} is not a sentiment class: it must be 0 (very negative) to 4 (very positive)")]
    Sentiment(u8),
    /// Not the text form of a [`Calibration`](crate::Calibration).
    #[error(
        "\"{0}\" is not a calibration: it must be five groups separated by ';', each with the sum of the values in millionths and {cells} counts, separated by spaces", cells = crate::VALUE_CELLS
    )]
    Calibration(String),
    /// A weather value outside the physical limits of its variable.
    #[error("{variable} {value} is impossible: it must lie in {min} to {max} {unit}")]
    Quantity {
        /// Name of the variable, for example `temperature`.
        variable: &'static str,
        /// The rejected value, in the unit.
        value: f64,
        /// Lower limit.
        min: f64,
        /// Upper limit.
        max: f64,
        /// The unit of the value and the limits.
        unit: &'static str,
    },
    /// A post's identifier is empty, too long, or has control characters.
    #[error("a post id must be 1 to {max} bytes without control characters, this one has {len} bytes", max = crate::MAX_POST_ID_BYTES)]
    PostId {
        /// Length of the rejected identifier in bytes.
        len: usize,
    },
    /// A post's text is longer than the limit.
    #[error("a post's text must be at most {max} bytes, this one has {len}", max = crate::MAX_POST_TEXT_BYTES)]
    PostText {
        /// Length of the rejected text in bytes.
        len: usize,
    },
    /// One or more fields of a city are not valid.
    #[error("city {city}: {reason}")]
    City {
        /// The city's identifier.
        city: String,
        /// Each invalid field with the expected form, separated by semicolons.
        reason: String,
    },
    /// Not a topic of the log.
    #[error("\"{0}\" is not a topic: it must be temperature or tweet")]
    Topic(String),
}

/// A record of the log that cannot be decoded.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The record is not JSON, or a field has the wrong type.
    #[error("cannot parse record as JSON")]
    Json(#[from] serde_json::Error),
    /// A later version wrote the record. Upgrade the readers first, then publish the record again.
    #[error("record has version {found}, this reader supports up to {supported}")]
    UnsupportedVersion {
        /// The record's `v`.
        found: u64,
        /// The greatest `v` that this reader supports.
        supported: u64,
    },
    /// A required field is missing.
    #[error("field \"{0}\" is missing")]
    MissingField(&'static str),
    /// A field has a value that the vocabulary does not allow.
    #[error("field \"{field}\" is invalid")]
    InvalidField {
        /// Name of the field in the record.
        field: &'static str,
        /// Why the value is rejected.
        #[source]
        source: ModelError,
    },
    /// The record's key differs from the identity in its value.
    #[error("record key differs from the record's identity \"{expected}\"")]
    KeyMismatch {
        /// The identity in the record's value.
        expected: String,
    },
}

impl DecodeError {
    /// A short name of the reason from a bounded set, for the label of a metric.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::UnsupportedVersion { .. } => "version",
            Self::MissingField(_) => "missing_field",
            Self::InvalidField { .. } => "impossible_value",
            Self::KeyMismatch { .. } => "key",
        }
    }
}

/// Displays an error and all its causes: `error: cause: cause of the cause`.
///
/// For logs and messages where no `anyhow::Error` is at hand.
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(pub &'a dyn StdError);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
