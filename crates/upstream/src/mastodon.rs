//! Mastodon: streaming timelines as server-sent events, and timeline pages to fill the gaps of a
//! stream.
//!
//! Terms: a *status* is a post; its *id* is assigned by the server, as a number by Mastodon and as letters
//! and digits by servers of the same API; the id of a later status is longer, or of equal length and
//! greater; a *timeline* is the set of statuses of a stream or a page.
//!
//! Guarantees: only a new, public, original status yields a post. A deletion, an edit or a boost is
//! dropped with a reason. The text is the visible text of the status' HTML, without the content
//! warning.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use moodvane_model::{Language, MAX_POST_TEXT_BYTES, Post, SourceId, Timestamp};
use serde::Deserialize;
use url::Url;

use crate::format::{ParsedPost, check_text, excerpt};
use crate::html::visible_text;
use crate::sse::Event;
use crate::url::with_path;
use crate::{DropReason, PostFormat, RawMessage, Selection, UpstreamError};

/// The maximum number of statuses of a page.
pub const PAGE_SIZE: usize = 40;
/// Limit for the HTML of a status, which is larger than its text. Longer HTML is not parsed.
const MAX_HTML_BYTES: usize = 16 * MAX_POST_TEXT_BYTES;
/// Limit for an id that serves as a position. The longest known ones have 26.
const MAX_ID_BYTES: usize = 64;
const NEW_STATUS: &str = "update";

/// The timeline to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timeline {
    /// All public statuses known to the server.
    Public,
    /// Public statuses of the server's own accounts.
    Local,
    /// Public statuses with a hashtag, given without `#`.
    Hashtag(String),
}

impl Timeline {
    /// URL of the stream on the server at `base`.
    #[must_use]
    pub fn stream_url(&self, base: &Url) -> Url {
        match self {
            Self::Public => with_path(base, "/api/v1/streaming/public"),
            Self::Local => with_path(base, "/api/v1/streaming/public/local"),
            Self::Hashtag(tag) => {
                let mut url = with_path(base, "/api/v1/streaming/hashtag");
                url.query_pairs_mut().append_pair("tag", tag);
                url
            }
        }
    }

    /// URL of the page with the oldest statuses after the status `after`. The response lists them
    /// newest first.
    #[must_use]
    pub fn page_url(&self, base: &Url, after: &str) -> Url {
        let mut url = match self {
            Self::Public | Self::Local => with_path(base, "/api/v1/timelines/public"),
            Self::Hashtag(tag) => {
                let mut url = with_path(base, "/api/v1/timelines/tag");
                if let Ok(mut path) = url.path_segments_mut() {
                    path.push(tag);
                }
                url
            }
        };
        let mut pairs = url.query_pairs_mut();
        if *self == Self::Local {
            pairs.append_pair("local", "true");
        }
        pairs
            .append_pair("min_id", after)
            .append_pair("limit", &PAGE_SIZE.to_string());
        drop(pairs);
        url
    }
}

/// The raw message of an event: its name, a line break and its data.
#[must_use]
pub fn raw_message(event: &Event) -> RawMessage {
    RawMessage::Text(format!("{}\n{}", event.name, event.data))
}

/// The statuses of a page with their ids, oldest first, as raw messages equal to those of a stream.
///
/// # Errors
/// [`UpstreamError`] if the response is not a list of statuses.
pub fn parse_page(body: &[u8]) -> Result<Vec<(String, RawMessage)>, UpstreamError> {
    let statuses: Vec<serde_json::Value> = serde_json::from_slice(body)?;
    let mut page = Vec::with_capacity(statuses.len());
    for status in statuses {
        let text = status.to_string();
        let id = parse_id(&text).ok_or_else(|| UpstreamError::MissingField("id".to_owned()))?;
        page.push((id, RawMessage::Text(format!("{NEW_STATUS}\n{text}"))));
    }
    page.sort_by(|(a, _), (b, _)| compare_ids(a, b));
    Ok(page)
}

/// Whether a raw message is a new status.
#[must_use]
pub fn is_new_status(raw: &RawMessage) -> bool {
    matches!(raw, RawMessage::Text(text) if text.split('\n').next() == Some(NEW_STATUS))
}

/// The id of the new status in a raw message; `None` also for an id that cannot be ordered.
#[must_use]
pub fn new_status_id(raw: &RawMessage) -> Option<String> {
    let RawMessage::Text(text) = raw else {
        return None;
    };
    let (name, data) = text.split_once('\n')?;
    (name == NEW_STATUS).then(|| parse_id(data)).flatten()
}

fn parse_id(status: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let named: Named = serde_json::from_str(status).ok()?;
    let is_ordered = (1..=MAX_ID_BYTES).contains(&named.id.len())
        && named.id.bytes().all(|b| b.is_ascii_alphanumeric());
    is_ordered.then_some(named.id)
}

/// The order of two status ids in time.
#[must_use]
pub fn compare_ids(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Parses events into posts.
#[derive(Debug, Clone)]
pub struct MastodonFormat {
    source: SourceId,
    selection: Arc<Selection>,
}

impl MastodonFormat {
    /// A format for the posts of `source` that match `selection`.
    #[must_use]
    pub fn new(source: SourceId, selection: Arc<Selection>) -> Self {
        Self { source, selection }
    }
}

impl PostFormat for MastodonFormat {
    fn format(
        &self,
        raw: &RawMessage,
        received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), DropReason> {
        let RawMessage::Text(event) = raw else {
            return Err(DropReason::malformed(
                "event",
                "must be an event, not a row",
            ));
        };
        let (name, data) = event.split_once('\n').unwrap_or((event, ""));
        match name {
            NEW_STATUS => {}
            "delete" => return Err(DropReason::Deleted),
            "status.update" => return Err(DropReason::Updated),
            _ => return Err(DropReason::NotAPost),
        }
        let status: Status<'_> = serde_json::from_str(data)
            .map_err(|e| DropReason::malformed("status", e.to_string()))?;
        status.check_original_and_public()?;
        let text = status.text()?;
        let text = check_text(&text)?;
        let language = status.language.as_deref();
        let language = language.and_then(|tag| Language::parse(tag).ok());
        let cities = self.selection.matching_cities(text, language, None)?;
        let post = ParsedPost {
            source: self.source,
            id_field: "id",
            id: &status.id,
            text,
            language,
            created_at: status.created_at()?,
            received_at,
        };
        post.push_for(cities, out)
    }
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    created_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    language: Option<Cow<'a, str>>,
    #[serde(borrow)]
    visibility: Option<Cow<'a, str>>,
    reblog: Option<serde::de::IgnoredAny>,
}

impl Status<'_> {
    fn check_original_and_public(&self) -> Result<(), DropReason> {
        if self.reblog.is_some() {
            return Err(DropReason::Repost);
        }
        match self.visibility.as_deref() {
            Some("public" | "unlisted") => Ok(()),
            Some(_) => Err(DropReason::NotPublic),
            None => Err(DropReason::malformed("visibility", "is missing")),
        }
    }

    fn text(&self) -> Result<String, DropReason> {
        let html = self.content.as_deref();
        let html = html.ok_or_else(|| DropReason::malformed("content", "is missing"))?;
        if html.len() > MAX_HTML_BYTES {
            return Err(DropReason::TooLong { len: html.len() });
        }
        Ok(visible_text(html))
    }

    fn created_at(&self) -> Result<Timestamp, DropReason> {
        let text = self.created_at.as_deref();
        let text = text.ok_or_else(|| DropReason::malformed("created_at", "is missing"))?;
        Timestamp::parse_rfc3339(text).map_err(|_| {
            DropReason::malformed(
                "created_at",
                format!("\"{}\" is not an RFC 3339 time", excerpt(text)),
            )
        })
    }
}
