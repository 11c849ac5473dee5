//! Raw messages, what turns them into posts, and why one is dropped.

use moodvane_model::{Language, MAX_POST_TEXT_BYTES, ModelError, Post, SourceId, Timestamp};
use thiserror::Error;

use crate::Chosen;

/// One raw message, as a stream or a file handed it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// A message of a stream, or a line of a JSONL file.
    Text(String),
    /// The fields of one row of a TSV or CSV file.
    Fields(csv::StringRecord),
}

/// Turns the raw messages of one kind of upstream into posts.
pub trait PostFormat: Send + Sync {
    /// Appends to `out` one post per city that the message belongs to.
    ///
    /// `received_at` is when the ingester got the message; a format whose messages say that
    /// themselves takes theirs, so that every copy of a post is equal.
    ///
    /// # Errors
    /// [`Dropped`], and then `out` is as it was.
    fn format(
        &self,
        raw: &Raw,
        received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), Dropped>;
}

/// Why a raw message became no record.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Dropped {
    /// An event about something else than a post, such as a like.
    #[error("the event is not about a post")]
    NotAPost,
    /// An event about the name of an account.
    #[error("the event is about an identity")]
    Identity,
    /// An event about the state of an account.
    #[error("the event is about an account")]
    Account,
    /// A post was deleted; a deletion does not change a closed count.
    #[error("the event is a post's deletion")]
    Deleted,
    /// A post was edited; the first version is the one that counts.
    #[error("the event is a post's edit")]
    Updated,
    /// Somebody passed on another's post; that one is a post of its own.
    #[error("the event passes on somebody else's post")]
    Repost,
    /// A message to some people only.
    #[error("the post is not public")]
    NotPublic,
    /// The post matched only rules that are not this source's.
    #[error("the post matched only rules of others")]
    OtherRule,
    /// Not readable as what the upstream promises.
    #[error("{field}: {fault}")]
    Malformed {
        /// Which part of the message.
        field: String,
        /// What was wrong with it, and what would be right.
        fault: String,
    },
    /// The post belongs to none of the cities.
    #[error("the post names none of the cities and has no place in one")]
    NoCity,
    /// The post is in another language, or names none.
    #[error("the post is not in the selected language")]
    Language,
    /// The post has no text, as one of pictures alone: it has no mood that could be read, and would
    /// count as neutral.
    #[error("the post has no text")]
    NoText,
    /// The post's text is longer than the limit.
    #[error("a post's text must be at most {MAX_POST_TEXT_BYTES} bytes, this one has {len}")]
    TooLong {
        /// Length of the text in bytes.
        len: usize,
    },
    /// A record of a file is longer than the reader's limit.
    #[error("a record must be at most {limit} bytes, this one has {len}")]
    RecordTooLong {
        /// Length of the record in bytes.
        len: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A record of a file is not UTF-8.
    #[error("a record must be UTF-8, this one is not from its byte {at} on")]
    NotUtf8 {
        /// The first byte that is not, counted from the record's beginning.
        at: usize,
    },
    /// A row of a weather table that the filter leaves out.
    #[error("the filter leaves the row out")]
    Filtered,
    /// A row of a weather table without a temperature.
    #[error("the row has no temperature")]
    NoTemperature,
    /// A value that cannot be.
    #[error("{field}: {source}")]
    Impossible {
        /// Which part of the message.
        field: String,
        /// Why it cannot be.
        #[source]
        source: ModelError,
    },
}

impl Dropped {
    /// A short, bounded name of the reason, fit for a metric's label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
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
            Self::NoCity => "no_city",
            Self::Language => "language",
            Self::NoText => "no_text",
            Self::TooLong { .. } => "too_long",
            Self::RecordTooLong { .. } => "record_too_long",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::Filtered => "filtered",
            Self::NoTemperature => "no_temperature",
            Self::Impossible { .. } => "impossible_value",
        }
    }

    pub(crate) fn malformed(field: impl Into<String>, fault: impl Into<String>) -> Self {
        Self::Malformed {
            field: field.into(),
            fault: fault.into(),
        }
    }
}

/// What a message says of a post, whatever its cities.
pub(crate) struct Told<'a> {
    pub(crate) source: SourceId,
    /// Which part of the message the identifier is from.
    pub(crate) id_field: &'a str,
    pub(crate) id: &'a str,
    pub(crate) text: &'a str,
    pub(crate) language: Option<Language>,
    pub(crate) created_at: Timestamp,
    pub(crate) received_at: Timestamp,
}

impl Told<'_> {
    /// Appends one post per city, or none where it cannot be.
    pub(crate) fn push(&self, cities: Chosen, out: &mut Vec<Post<'static>>) -> Result<(), Dropped> {
        let before = out.len();
        for city in cities {
            let (id, text) = (self.id.to_owned(), self.text.to_owned());
            let times = (self.created_at, self.received_at);
            match Post::new((city, self.source), id, text, self.language, times) {
                Ok(post) => out.push(post),
                Err(source) => {
                    out.truncate(before);
                    let field = self.id_field.to_owned();
                    return Err(Dropped::Impossible { field, source });
                }
            }
        }
        Ok(())
    }
}

/// The text, where there is any and it is within the limit.
pub(crate) fn readable(text: &str) -> Result<&str, Dropped> {
    if text.len() > MAX_POST_TEXT_BYTES {
        return Err(Dropped::TooLong { len: text.len() });
    }
    if text.trim().is_empty() {
        return Err(Dropped::NoText);
    }
    Ok(text)
}

/// At most the first 64 characters of what was refused, for an error.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
