//! Bluesky Jetstream: one JSON event per websocket message.
//!
//! Terms: a *commit* is a change of a record in a user's repository; a *collection* is the type of the
//! record, `app.bsky.feed.post` for a post; the *cursor* is the `time_us` of an event, the server's
//! time in microseconds, from which a subscription can resume.
//!
//! Guarantees: only the creation of a post yields a post. Every other event, including those that the
//! server sends regardless of the subscription, is dropped with a reason. A copy of an event yields an
//! equal post, because the time of receipt is the event's `time_us`. With a maximum age, a post that was
//! created longer before that time is dropped, because it was imported and is not of that hour.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moodvane_model::{Language, ModelError, Post, SourceId, Timestamp};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::format::{ParsedPost, check_text};
use crate::url::with_path;
use crate::{DropReason, PostFormat, RawMessage, Selection};

/// The collection of posts.
const POST_COLLECTION: &str = "app.bsky.feed.post";

/// Parses Jetstream events into posts.
#[derive(Debug, Clone)]
pub struct JetstreamFormat {
    source: SourceId,
    selection: Arc<Selection>,
    max_age: Option<Duration>,
}

impl JetstreamFormat {
    /// A format for the posts of `source` that match `selection`, of any age.
    #[must_use]
    pub fn new(source: SourceId, selection: Arc<Selection>) -> Self {
        Self {
            source,
            selection,
            max_age: None,
        }
    }

    /// Drops posts that were created longer than `max_age` before the server had them; `None` keeps all.
    #[must_use]
    pub fn with_max_age(self, max_age: Option<Duration>) -> Self {
        Self { max_age, ..self }
    }

    /// The time of creation; the time of receipt if the record states none.
    fn created_at(
        &self,
        record: &Record<'_>,
        received_at: Timestamp,
    ) -> Result<Timestamp, DropReason> {
        let Some(stated) = record.created_at.as_deref() else {
            return Ok(received_at);
        };
        let (created_at, stated_ms) = match Timestamp::parse_rfc3339(stated) {
            Ok(at) => (at, at.millis()),
            // Valid, but before 1970 or after 9999.
            Err(ModelError::Timestamp(ms)) => (received_at, ms),
            Err(_) => return Ok(received_at),
        };
        let age_s = received_at.millis().saturating_sub(stated_ms) / 1000;
        match self.max_age.map(|max| max.as_secs()) {
            Some(limit_s) if u64::try_from(age_s).is_ok_and(|age_s| age_s > limit_s) => {
                Err(DropReason::Imported { age_s, limit_s })
            }
            _ => Ok(created_at),
        }
    }
}

/// URL of a subscription to posts on the server at `base`, from `cursor_us` if given, else from now.
#[must_use]
pub fn subscribe_url(base: &Url, cursor_us: Option<i64>) -> Url {
    let mut url = with_path(base, "/subscribe");
    url.query_pairs_mut()
        .append_pair("wantedCollections", POST_COLLECTION);
    if let Some(cursor) = cursor_us {
        url.query_pairs_mut()
            .append_pair("cursor", &cursor.to_string());
    }
    url
}

/// The top-level `time_us` of an event; `None` if the message is not an event.
#[must_use]
pub fn time_us(raw: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Timed {
        time_us: i64,
    }
    serde_json::from_str::<Timed>(raw)
        .ok()
        .map(|event| event.time_us)
}

impl PostFormat for JetstreamFormat {
    fn format(
        &self,
        raw: &RawMessage,
        _received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), DropReason> {
        let RawMessage::Text(json) = raw else {
            return Err(DropReason::malformed("event", "must be JSON, not a row"));
        };
        let event: Event<'_> = serde_json::from_str(json)
            .map_err(|e| DropReason::malformed("event", e.to_string()))?;
        let commit = creating_commit(&event)?;
        let record = commit.record.as_ref().ok_or_else(|| missing("record"))?;

        let text = check_text(required("record.text", &record.text)?)?;
        let language = record.langs.0;
        let received_at = received_at(event.time_us)?;
        let created_at = self.created_at(record, received_at)?;
        let id = format!(
            "{}/{}",
            required("did", &event.did)?,
            required("commit.rkey", &commit.rkey)?
        );

        let cities = self.selection.matching_cities(text, language, None)?;
        let post = ParsedPost {
            source: self.source,
            id_field: "did/rkey",
            id: &id,
            text,
            language,
            created_at,
            received_at,
        };
        post.push_for(cities, out)
    }
}

/// The commit of an event that creates a post.
fn creating_commit<'e, 'a>(event: &'e Event<'a>) -> Result<&'e Commit<'a>, DropReason> {
    match required("kind", &event.kind)? {
        "commit" => {}
        "identity" => return Err(DropReason::Identity),
        "account" => return Err(DropReason::Account),
        _ => return Err(DropReason::NotAPost),
    }
    let commit = event.commit.as_ref().ok_or_else(|| missing("commit"))?;
    if required("commit.collection", &commit.collection)? != POST_COLLECTION {
        return Err(DropReason::NotAPost);
    }
    match required("commit.operation", &commit.operation)? {
        "create" => Ok(commit),
        "update" => Err(DropReason::Updated),
        "delete" => Err(DropReason::Deleted),
        _ => Err(DropReason::NotAPost),
    }
}

fn received_at(time_us: Option<i64>) -> Result<Timestamp, DropReason> {
    let time_us = time_us.ok_or_else(|| missing("time_us"))?;
    Timestamp::from_millis(time_us.div_euclid(1000)).map_err(|source| DropReason::InvalidValue {
        field: "time_us".to_owned(),
        source,
    })
}

fn missing(field: &str) -> DropReason {
    DropReason::malformed(field, "is missing or has the wrong type")
}

fn required<'t>(field: &str, text: &'t LenientStr<'_>) -> Result<&'t str, DropReason> {
    text.as_deref().ok_or_else(|| missing(field))
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    did: LenientStr<'a>,
    #[serde(borrow, default)]
    kind: LenientStr<'a>,
    time_us: Option<i64>,
    #[serde(borrow)]
    commit: Option<Commit<'a>>,
}

#[derive(Deserialize)]
struct Commit<'a> {
    #[serde(borrow, default)]
    operation: LenientStr<'a>,
    #[serde(borrow, default)]
    collection: LenientStr<'a>,
    #[serde(borrow, default)]
    rkey: LenientStr<'a>,
    #[serde(borrow)]
    record: Option<Record<'a>>,
}

/// The fields of a post's record. Records of other collections may have any type under these names, so
/// no type may cause an error.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    text: LenientStr<'a>,
    #[serde(borrow, default, rename = "createdAt")]
    created_at: LenientStr<'a>,
    #[serde(default)]
    langs: FirstLanguage,
}

/// A string, or `None` for a value of any other type.
#[derive(Default)]
struct LenientStr<'a>(Option<Cow<'a, str>>);

impl LenientStr<'_> {
    fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for LenientStr<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(LenientVisitor)
            .map(|value| match value {
                LenientValue::Text(text) => Self(Some(text)),
                LenientValue::Languages(_) | LenientValue::Other => Self(None),
            })
    }
}

/// The first valid language tag of a list.
#[derive(Default)]
struct FirstLanguage(Option<Language>);

impl<'de> Deserialize<'de> for FirstLanguage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(LenientVisitor)
            .map(|value| match value {
                LenientValue::Text(tag) => Self(Language::parse(&tag).ok()),
                LenientValue::Languages(first) => Self(first),
                LenientValue::Other => Self(None),
            })
    }
}

/// A JSON value of any type, reduced to its string or language tags.
enum LenientValue<'a> {
    Text(Cow<'a, str>),
    /// A list, with its first valid language tag.
    Languages(Option<Language>),
    Other,
}

struct LenientVisitor;

impl<'de> Visitor<'de> for LenientVisitor {
    type Value = LenientValue<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(LenientValue::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(LenientValue::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut first = None;
        while let Some(item) = list.next_element::<LenientStr<'de>>()? {
            first = first.or_else(|| Language::parse(item.as_deref()?).ok());
        }
        Ok(LenientValue::Languages(first))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(LenientValue::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(LenientValue::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(LenientValue::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(LenientValue::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(LenientValue::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(LenientValue::Other)
    }
}
