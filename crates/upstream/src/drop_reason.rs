//! The reasons for dropping a raw message.

use std::borrow::Cow;

use moodvane_model::{MAX_POST_TEXT_BYTES, ModelError};
use thiserror::Error;

/// Begins the field of a problem with a column.
pub(crate) const COLUMN: &str = "column ";
/// Ends the field of a problem that a time has only after the shift.
pub(crate) const SHIFTED: &str = ", shifted";

/// The reason for dropping a raw message.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DropReason {
    /// An event about something other than a post, such as a like.
    #[error("the event is not about a post")]
    NotAPost,
    /// An event about the handle of an account.
    #[error("the event is about an identity")]
    Identity,
    /// An event about the state of an account.
    #[error("the event is about an account")]
    Account,
    /// The deletion of a post. A deletion does not change a count that is final.
    #[error("the event deletes a post")]
    Deleted,
    /// The edit of a post. Only the first version counts.
    #[error("the event edits a post")]
    Updated,
    /// A repost. The original is a post of its own.
    #[error("the event is a repost")]
    Repost,
    /// A post with a restricted audience.
    #[error("the post is not public")]
    NotPublic,
    /// The post matches only rules of other sources.
    #[error("the post matches only rules of other sources")]
    OtherRule,
    /// Does not match the upstream's documentation.
    #[error("{field}: {fault}")]
    Malformed {
        /// Path of the field in the message.
        field: String,
        /// The start of the field's value, if it is the problem.
        value: Option<String>,
        /// The problem and the expected form.
        fault: String,
    },
    /// The post was created long before its network had it, as posts that are imported from another
    /// network: its text is not of the time at which it arrived.
    #[error("the post was created {age_s} s before it arrived, the limit is {limit_s} s")]
    Imported {
        /// Seconds from the creation to the arrival.
        age_s: i64,
        /// The limit in seconds.
        limit_s: u64,
    },
    /// A local time in a file that occurs twice in its zone, when clocks are put back.
    #[error("{field}: {fault}")]
    TimeRepeated {
        /// The column.
        field: String,
        /// The local time.
        value: String,
        /// The problem.
        fault: String,
    },
    /// A local time in a file that does not occur in its zone, when clocks are put forward.
    #[error("{field}: {fault}")]
    TimeMissing {
        /// The column.
        field: String,
        /// The local time.
        value: String,
        /// The problem.
        fault: String,
    },
    /// The post belongs to none of the configured cities.
    #[error("the post names no configured city and has no location in one")]
    NoCity,
    /// The post is in another language, or states none.
    #[error("the post is not in the selected language")]
    Language,
    /// The post has no text, for example only pictures. It has no sentiment to score and would count
    /// as neutral.
    #[error("the post has no text")]
    NoText,
    /// The post's text exceeds the limit.
    #[error("text has {len} bytes, the limit is {MAX_POST_TEXT_BYTES}")]
    TooLong {
        /// Length of the text in bytes.
        len: usize,
    },
    /// A record of a file exceeds the reader's limit.
    #[error("record has {len} bytes, the limit is {limit}")]
    RecordTooLong {
        /// Length of the record in bytes.
        len: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A record of a file is not UTF-8.
    #[error("record is not UTF-8 from byte {at}")]
    NotUtf8 {
        /// Offset of the first invalid byte from the start of the record.
        at: usize,
    },
    /// A row of a weather table that does not match the filters.
    #[error("the row does not match the filters")]
    Filtered,
    /// A row of a weather table without a temperature.
    #[error("the row has no temperature")]
    NoTemperature,
    /// A value outside its range.
    #[error("{field} has an invalid value")]
    InvalidValue {
        /// Path of the field in the message.
        field: String,
        /// The violated bound.
        #[source]
        source: ModelError,
    },
}

impl DropReason {
    /// A short name from a bounded set, for a metric label.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotAPost => "not_a_post",
            Self::Identity => "identity",
            Self::Account => "account",
            Self::Deleted => "deleted",
            Self::Updated => "updated",
            Self::Repost => "repost",
            Self::NotPublic => "not_public",
            Self::OtherRule => "other_rule",
            Self::Malformed { .. } => "malformed",
            Self::Imported { .. } => "imported",
            Self::TimeRepeated { .. } => "time_repeated",
            Self::TimeMissing { .. } => "time_missing",
            Self::NoCity => "no_city",
            Self::Language => "language",
            Self::NoText => "no_text",
            Self::TooLong { .. } => "too_long",
            Self::RecordTooLong { .. } => "record_too_long",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::Filtered => "filtered",
            Self::NoTemperature => "no_temperature",
            Self::InvalidValue { .. } => "impossible_value",
        }
    }

    /// Whether the user's own selection excludes the message: it is read as it should be, and not
    /// wanted.
    #[must_use]
    pub fn is_selection(&self) -> bool {
        match self {
            Self::NotAPost
            | Self::Identity
            | Self::Account
            | Self::Deleted
            | Self::Updated
            | Self::Repost
            | Self::NotPublic
            | Self::OtherRule
            | Self::NoCity
            | Self::Language
            | Self::Filtered => true,
            Self::Malformed { .. }
            | Self::TimeRepeated { .. }
            | Self::TimeMissing { .. }
            | Self::Imported { .. }
            | Self::NoText
            | Self::TooLong { .. }
            | Self::RecordTooLong { .. }
            | Self::NotUtf8 { .. }
            | Self::NoTemperature
            | Self::InvalidValue { .. } => false,
        }
    }

    /// The column of a file that has the problem.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        let field = match self {
            Self::Malformed { field, .. }
            | Self::TimeRepeated { field, .. }
            | Self::TimeMissing { field, .. }
            | Self::InvalidValue { field, .. } => field,
            _ => return None,
        };
        let column = field.strip_prefix(COLUMN)?;
        Some(column.strip_suffix(SHIFTED).unwrap_or(column))
    }

    /// The start of the value that has the problem.
    #[must_use]
    pub fn value(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Malformed { value, .. } => value.as_deref().map(Cow::Borrowed),
            Self::TimeRepeated { value, .. } | Self::TimeMissing { value, .. } => {
                Some(Cow::Borrowed(value))
            }
            Self::InvalidValue {
                source: ModelError::Quantity { value, .. },
                ..
            } => Some(Cow::Owned(value.to_string())),
            _ => None,
        }
    }

    pub(crate) fn malformed(field: impl Into<String>, fault: impl Into<String>) -> Self {
        Self::Malformed {
            field: field.into(),
            value: None,
            fault: fault.into(),
        }
    }
}
