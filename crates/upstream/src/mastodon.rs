//! Mastodon: the streaming timelines as server-sent events, and the pages of a timeline for what a
//! stream missed.
//!
//! Terms: a *status* is a post; its *id* is a number that the asked server gave it, greater for a
//! later one; a *timeline* is what a stream or a page is of.
//!
//! Guarantees: only a new, public status of the author's own becomes a post; a deletion, an edit, or
//! what is passed on is dropped with its reason. The text is what the status' HTML shows. A content
//! warning is a label and not part of the text.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use moodvane_model::{Language, MAX_POST_TEXT_BYTES, Post, SourceId, Timestamp};
use serde::Deserialize;
use url::Url;

use crate::format::{Told, readable, shortened};
use crate::html::text_of;
use crate::sse::Event;
use crate::url::with_path;
use crate::{Dropped, PostFormat, Raw, Selection, UpstreamError};

/// The most statuses of a page.
pub const PAGE: usize = 40;
/// HTML takes more bytes than the text in it; beyond this it is not even looked at.
const MAX_HTML_BYTES: usize = 16 * MAX_POST_TEXT_BYTES;
const NEW: &str = "update";

/// What is listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timeline {
    /// All public statuses that the server knows.
    Public,
    /// Those of the server's own people.
    Local,
    /// All with a hashtag, given without `#`.
    Hashtag(String),
}

impl Timeline {
    /// Where the stream of the server at `base` is.
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

    /// Where the page is that follows upon the status `after`, the oldest such statuses first in
    /// time, though not in the answer.
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
            .append_pair("limit", &PAGE.to_string());
        drop(pairs);
        url
    }
}

/// The raw message of an event: its name, a line break, its data.
#[must_use]
pub fn raw(event: &Event) -> Raw {
    Raw::Text(format!("{}\n{}", event.name, event.data))
}

/// The raw messages of a page's statuses with their ids, the oldest first, as if they had come by the
/// stream.
///
/// # Errors
/// [`UpstreamError`] where the answer is no list of statuses.
pub fn parse_page(body: &[u8]) -> Result<Vec<(String, Raw)>, UpstreamError> {
    let statuses: Vec<serde_json::Value> = serde_json::from_slice(body)?;
    let mut page = Vec::with_capacity(statuses.len());
    for status in statuses {
        let text = status.to_string();
        let id = id_in(&text).ok_or_else(|| UpstreamError::Missing("id".to_owned()))?;
        page.push((id, Raw::Text(format!("{NEW}\n{text}"))));
    }
    page.sort_by(|(a, _), (b, _)| compare_ids(a, b));
    Ok(page)
}

/// The id of the new status that a raw message is of.
#[must_use]
pub fn new_id(raw: &Raw) -> Option<String> {
    let Raw::Text(text) = raw else {
        return None;
    };
    let (name, data) = text.split_once('\n')?;
    (name == NEW).then(|| id_in(data)).flatten()
}

fn id_in(status: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let named: Named = serde_json::from_str(status).ok()?;
    // Only such can be compared, and asked for in a request.
    let is_number = !named.id.is_empty() && named.id.bytes().all(|b| b.is_ascii_digit());
    (is_number && named.id.len() <= 20).then_some(named.id)
}

/// Which of two ids is of the later status.
#[must_use]
pub fn compare_ids(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Turns events into posts.
#[derive(Debug, Clone)]
pub struct MastodonFormat {
    source: SourceId,
    selection: Arc<Selection>,
}

impl MastodonFormat {
    /// A format whose posts are `source`'s, as far as `selection` takes them.
    #[must_use]
    pub fn new(source: SourceId, selection: Arc<Selection>) -> Self {
        Self { source, selection }
    }
}

impl PostFormat for MastodonFormat {
    fn format(
        &self,
        raw: &Raw,
        received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), Dropped> {
        let Raw::Text(event) = raw else {
            return Err(Dropped::malformed("event", "must be an event, not a row"));
        };
        let (name, data) = event.split_once('\n').unwrap_or((event, ""));
        match name {
            NEW => {}
            "delete" => return Err(Dropped::Deleted),
            "status.update" => return Err(Dropped::Updated),
            _ => return Err(Dropped::NotAPost),
        }
        let status: Status<'_> =
            serde_json::from_str(data).map_err(|e| Dropped::malformed("status", e.to_string()))?;
        status.must_be_own_and_public()?;
        let text = status.text()?;
        let text = readable(&text)?;
        let language = status.language.as_deref();
        let language = language.and_then(|tag| Language::parse(tag).ok());
        let cities = self.selection.of(text, language, None)?;
        let told = Told {
            source: self.source,
            id_field: "id",
            id: &status.id,
            text,
            language,
            created_at: status.written_at()?,
            received_at,
        };
        told.push(cities, out)
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
    fn must_be_own_and_public(&self) -> Result<(), Dropped> {
        if self.reblog.is_some() {
            return Err(Dropped::Repost);
        }
        match self.visibility.as_deref() {
            Some("public" | "unlisted") => Ok(()),
            Some(_) => Err(Dropped::NotPublic),
            None => Err(Dropped::malformed("visibility", "is missing")),
        }
    }

    fn text(&self) -> Result<String, Dropped> {
        let html = self.content.as_deref();
        let html = html.ok_or_else(|| Dropped::malformed("content", "is missing"))?;
        if html.len() > MAX_HTML_BYTES {
            return Err(Dropped::TooLong { len: html.len() });
        }
        Ok(text_of(html))
    }

    fn written_at(&self) -> Result<Timestamp, Dropped> {
        let text = self.created_at.as_deref();
        let text = text.ok_or_else(|| Dropped::malformed("created_at", "is missing"))?;
        Timestamp::parse_rfc3339(text)
            .map_err(|_| Dropped::malformed("created_at", format!("is {}", shortened(text))))
    }
}
