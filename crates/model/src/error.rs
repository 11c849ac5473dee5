//! The errors of the vocabulary. Each says what was wrong and what would be right.

use thiserror::Error;

/// A value from outside that is not valid in the vocabulary.
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
    /// The end of a range lies before its beginning.
    #[error("the range ends at {end}, before it begins at {begin}")]
    EmptyRange {
        /// First hour of the refused range.
        begin: String,
        /// Last hour of the refused range.
        end: String,
    },
    /// Not a moment that the system can hold.
    #[error("{0} ms is outside the years 1970 to 9999")]
    Timestamp(i64),
    /// Not a language tag such as `en` or `pt-BR`.
    #[error(
        "\"{0}\" is not a language tag: it must begin with 2 to 8 letters, such as en or pt-BR"
    )]
    Language(String),
    /// A sentiment class other than 0 to 4.
    #[error("{0} is not a sentiment class: it must be 0 (very negative) to 4 (very positive)")]
    Sentiment(u8),
    /// A weather value that cannot be.
    #[error("{variable} {value} is impossible: it must lie in {min} to {max} {unit}")]
    Quantity {
        /// Name of the variable, for example `temperature`.
        variable: &'static str,
        /// The refused value, in the unit.
        value: f64,
        /// Least possible value.
        min: f64,
        /// Greatest possible value.
        max: f64,
        /// The unit of all three.
        unit: &'static str,
    },
    /// A post's identifier is empty, too long, or has control characters.
    #[error("a post id must be 1 to {max} bytes without control characters, this one has {len} bytes", max = crate::MAX_POST_ID_BYTES)]
    PostId {
        /// Length of the refused identifier in bytes.
        len: usize,
    },
    /// A post's text is longer than the limit.
    #[error("a post's text must be at most {max} bytes, this one has {len}", max = crate::MAX_POST_TEXT_BYTES)]
    PostText {
        /// Length of the refused text in bytes.
        len: usize,
    },
    /// A city's field is not valid.
    #[error("city {city}: {reason}")]
    City {
        /// The city's identifier.
        city: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// Not a topic of the log.
    #[error("\"{0}\" is not a topic: it must be temperature or tweet")]
    Topic(String),
}

/// A record of the log that cannot be read.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// Not JSON, or a field of the wrong type.
    #[error("not a readable record: {0}")]
    Json(#[from] serde_json::Error),
    /// Written by a later version: upgrade the readers first, then send the record again.
    #[error("the record has version {found}, this reader knows up to {known}")]
    Version {
        /// The record's `v`.
        found: u64,
        /// The greatest `v` that this reader knows.
        known: u64,
    },
    /// A required field is missing.
    #[error("field \"{0}\" is missing")]
    Missing(&'static str),
    /// A field's value cannot be.
    #[error("field \"{field}\": {source}")]
    Impossible {
        /// Name of the field in the record.
        field: &'static str,
        /// Why it cannot be.
        #[source]
        source: ModelError,
    },
    /// The record's key is not the identity that its value states.
    #[error("the record's key is not its identity \"{expected}\"")]
    Key {
        /// The identity by the record's value.
        expected: String,
    },
}

impl DecodeError {
    /// A short, bounded name of the reason, fit for a metric's label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Version { .. } => "version",
            Self::Missing(_) => "missing_field",
            Self::Impossible { .. } => "impossible_value",
            Self::Key { .. } => "key",
        }
    }
}
