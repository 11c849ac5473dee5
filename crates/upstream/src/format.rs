//! Raw messages, and the trait that parses them into posts.

use moodvane_model::{Language, MAX_POST_TEXT_BYTES, Post, SourceId, Timestamp};
use moodvane_text::is_blank;

use crate::{DropReason, MatchedCities};

/// One unparsed message of a stream or row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawMessage {
    /// A message of a stream, or a line of a JSONL file.
    Text(String),
    /// The fields of one row of a TSV or CSV file.
    Fields(csv::StringRecord),
}

/// Parses the raw messages of one kind of upstream into posts.
pub trait PostFormat: Send + Sync {
    /// Appends one post to `out` for each city that the message belongs to.
    ///
    /// `received_at` is the time of receipt. A format whose messages carry that time uses theirs, so
    /// that every copy of a post is equal.
    ///
    /// # Errors
    /// [`DropReason`]; `out` is then unchanged.
    fn format(
        &self,
        raw: &RawMessage,
        received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), DropReason>;
}

/// The fields of a parsed post, before it is assigned to cities.
pub(crate) struct ParsedPost<'a> {
    pub(crate) source: SourceId,
    /// The field of the message that the identifier comes from.
    pub(crate) id_field: &'a str,
    pub(crate) id: &'a str,
    pub(crate) text: &'a str,
    pub(crate) language: Option<Language>,
    pub(crate) created_at: Timestamp,
    pub(crate) received_at: Timestamp,
}

impl ParsedPost<'_> {
    /// Appends one post per city, or none if the post is invalid.
    pub(crate) fn push_for(
        &self,
        cities: MatchedCities,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), DropReason> {
        let before = out.len();
        for city in cities {
            let (id, text) = (self.id.to_owned(), self.text.to_owned());
            let times = (self.created_at, self.received_at);
            match Post::new((city, self.source), id, text, self.language, times) {
                Ok(post) => out.push(post),
                Err(source) => {
                    out.truncate(before);
                    let field = self.id_field.to_owned();
                    return Err(DropReason::InvalidValue { field, source });
                }
            }
        }
        Ok(())
    }
}

/// Returns the text if it is not blank and within the limit.
pub(crate) fn check_text(text: &str) -> Result<&str, DropReason> {
    if text.len() > MAX_POST_TEXT_BYTES {
        return Err(DropReason::TooLong { len: text.len() });
    }
    if is_blank(text) {
        return Err(DropReason::NoText);
    }
    Ok(text)
}

/// At most the first 64 characters of a rejected value, for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}
