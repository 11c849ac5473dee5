//! The reasons for dropping a raw message.

use moodvane_model::{MAX_POST_TEXT_BYTES, ModelError};
use thiserror::Error;

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

    pub(crate) fn malformed(field: impl Into<String>, fault: impl Into<String>) -> Self {
        Self::Malformed {
            field: field.into(),
            fault: fault.into(),
        }
    }
}
