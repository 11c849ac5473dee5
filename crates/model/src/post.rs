//! One message that is assigned to a city.

use std::borrow::Cow;
use std::fmt;

use crate::{CityId, ModelError, SourceId, Timestamp};

/// Maximum length of a post's identifier in bytes.
pub const MAX_POST_ID_BYTES: usize = 256;
/// Maximum length of a post's text in bytes.
pub const MAX_POST_TEXT_BYTES: usize = 16_384;

/// The language of a post: the primary subtag of its BCP 47 tag, in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language {
    bytes: [u8; 8],
    len: u8,
}

impl Language {
    /// Reads a BCP 47 tag such as `en` or `pt-BR` and keeps its primary subtag.
    ///
    /// # Errors
    /// [`ModelError::Language`] if the tag does not begin with 2 to 8 letters.
    pub fn parse(tag: &str) -> Result<Self, ModelError> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        let valid =
            (2..=8).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
        if !valid {
            return Err(ModelError::Language(tag.chars().take(64).collect()));
        }
        let mut bytes = [0; 8];
        bytes[..primary.len()].copy_from_slice(primary.as_bytes());
        bytes.make_ascii_lowercase();
        Ok(Self {
            bytes,
            len: primary.len() as u8,
        })
    }

    /// The primary subtag, for example `en`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One message that is assigned to a city: a record of topic `tweet`. Borrows its text from the
/// record's bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Post<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) text: Cow<'a, str>,
    /// The city.
    pub city: CityId,
    /// The source.
    pub source: SourceId,
    /// The language, if the source states one.
    pub language: Option<Language>,
    /// When the author wrote it, as stated in the post.
    pub created_at: Timestamp,
    /// When the stream's server received it, if the server states so; all copies of a post then
    /// have the same time. Otherwise when the ingester received it.
    pub received_at: Timestamp,
}

impl<'a> Post<'a> {
    /// Validates the fields and creates a post.
    ///
    /// # Errors
    /// [`ModelError::PostId`] for an identifier that is empty, too long or has control characters;
    /// [`ModelError::PostText`] for a text over the limit.
    pub fn new(
        (city, source): (CityId, SourceId),
        id: impl Into<Cow<'a, str>>,
        text: impl Into<Cow<'a, str>>,
        language: Option<Language>,
        (created_at, received_at): (Timestamp, Timestamp),
    ) -> Result<Self, ModelError> {
        let (id, text) = (id.into(), text.into());
        check_id(&id)?;
        check_text(&text)?;
        Ok(Self {
            id,
            text,
            city,
            source,
            language,
            created_at,
            received_at,
        })
    }

    /// The identifier that the source gives the post.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The identity `city:source:id`. It is the record's key; records with equal identity are
    /// duplicates.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{}:{}:{}", self.city, self.source, self.id)
    }

    /// Whether `key` equals [`Post::identity`]. Does not allocate.
    #[must_use]
    pub fn has_identity(&self, key: &[u8]) -> bool {
        strip_part(key, self.city.as_str())
            .and_then(|rest| strip_part(rest, self.source.as_str()))
            .is_some_and(|rest| rest == self.id.as_bytes())
    }
}

fn strip_part<'k>(key: &'k [u8], part: &str) -> Option<&'k [u8]> {
    key.strip_prefix(part.as_bytes())?.strip_prefix(b":")
}

pub(crate) fn check_id(id: &str) -> Result<(), ModelError> {
    let valid = (1..=MAX_POST_ID_BYTES).contains(&id.len()) && !id.bytes().any(|b| b < 0x20);
    if valid {
        Ok(())
    } else {
        Err(ModelError::PostId { len: id.len() })
    }
}

pub(crate) fn check_text(text: &str) -> Result<(), ModelError> {
    if text.len() <= MAX_POST_TEXT_BYTES {
        Ok(())
    } else {
        Err(ModelError::PostText { len: text.len() })
    }
}
