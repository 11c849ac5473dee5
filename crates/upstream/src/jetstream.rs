//! Bluesky's Jetstream: one JSON event per websocket message.
//!
//! Terms: a *commit* is a change of a record in somebody's repository; a *collection* is the kind of
//! that record, `app.bsky.feed.post` for a post; the *cursor* is the `time_us` of an event, the
//! server's own time in microseconds, from which a stream can be taken up again.
//!
//! Guarantees: only the creation of a post becomes a post; everything else, and what arrives whatever
//! is asked for, is dropped with its reason. A copy of an event gives an equal post, because the time
//! of receipt is the event's own `time_us`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use moodvane_model::{Language, Post, SourceId, Timestamp};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::format::{Told, readable};
use crate::url::with_path;
use crate::{Dropped, PostFormat, Raw, Selection};

/// The collection whose records are posts.
const POSTS: &str = "app.bsky.feed.post";

/// Turns Jetstream's events into posts.
#[derive(Debug, Clone)]
pub struct JetstreamFormat {
    source: SourceId,
    selection: Arc<Selection>,
}

impl JetstreamFormat {
    /// A format whose posts are `source`'s, as far as `selection` takes them.
    #[must_use]
    pub fn new(source: SourceId, selection: Arc<Selection>) -> Self {
        Self { source, selection }
    }
}

/// Where to subscribe to the creation of posts on the server at `base`, from the event at
/// `cursor_us` on where one is given, else from now on.
#[must_use]
pub fn subscribe_url(base: &Url, cursor_us: Option<i64>) -> Url {
    let mut url = with_path(base, "/subscribe");
    url.query_pairs_mut()
        .append_pair("wantedCollections", POSTS);
    if let Some(cursor) = cursor_us {
        url.query_pairs_mut()
            .append_pair("cursor", &cursor.to_string());
    }
    url
}

/// The `time_us` of an event, wherever it stands among the event's fields; `None` where the message
/// is not an event.
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
        raw: &Raw,
        _received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), Dropped> {
        let Raw::Text(json) = raw else {
            return Err(Dropped::malformed("event", "must be JSON, not a row"));
        };
        let event: Event<'_> =
            serde_json::from_str(json).map_err(|e| Dropped::malformed("event", e.to_string()))?;
        let commit = created_post(&event)?;
        let record = commit.record.as_ref().ok_or_else(|| missing("record"))?;

        let text = readable(required("record.text", &record.text)?)?;
        let language = record.langs.0;
        let received_at = received_at(event.time_us)?;
        let created_at = record
            .created_at
            .as_deref()
            .and_then(|at| Timestamp::parse_rfc3339(at).ok())
            .unwrap_or(received_at);
        let id = format!(
            "{}/{}",
            required("did", &event.did)?,
            required("commit.rkey", &commit.rkey)?
        );

        let cities = self.selection.of(text, language, None)?;
        let told = Told {
            source: self.source,
            id_field: "did/rkey",
            id: &id,
            text,
            language,
            created_at,
            received_at,
        };
        told.push(cities, out)
    }
}

/// The commit of an event that is the creation of a post.
fn created_post<'e, 'a>(event: &'e Event<'a>) -> Result<&'e Commit<'a>, Dropped> {
    match required("kind", &event.kind)? {
        "commit" => {}
        "identity" => return Err(Dropped::Identity),
        "account" => return Err(Dropped::Account),
        _ => return Err(Dropped::NotAPost),
    }
    let commit = event.commit.as_ref().ok_or_else(|| missing("commit"))?;
    if required("commit.collection", &commit.collection)? != POSTS {
        return Err(Dropped::NotAPost);
    }
    match required("commit.operation", &commit.operation)? {
        "create" => Ok(commit),
        "update" => Err(Dropped::Updated),
        "delete" => Err(Dropped::Deleted),
        _ => Err(Dropped::NotAPost),
    }
}

fn received_at(time_us: Option<i64>) -> Result<Timestamp, Dropped> {
    let time_us = time_us.ok_or_else(|| missing("time_us"))?;
    Timestamp::from_millis(time_us.div_euclid(1000)).map_err(|source| Dropped::Impossible {
        field: "time_us".to_owned(),
        source,
    })
}

fn missing(field: &str) -> Dropped {
    Dropped::malformed(field, "is missing or of another type")
}

fn required<'t>(field: &str, text: &'t Loose<'_>) -> Result<&'t str, Dropped> {
    text.as_deref().ok_or_else(|| missing(field))
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    did: Loose<'a>,
    #[serde(borrow, default)]
    kind: Loose<'a>,
    time_us: Option<i64>,
    #[serde(borrow)]
    commit: Option<Commit<'a>>,
}

#[derive(Deserialize)]
struct Commit<'a> {
    #[serde(borrow, default)]
    operation: Loose<'a>,
    #[serde(borrow, default)]
    collection: Loose<'a>,
    #[serde(borrow, default)]
    rkey: Loose<'a>,
    #[serde(borrow)]
    record: Option<Record<'a>>,
}

/// What a post's record says. Records of other collections have what they like under these names,
/// so that nothing here may be refused for its type.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    text: Loose<'a>,
    #[serde(borrow, default, rename = "createdAt")]
    created_at: Loose<'a>,
    #[serde(default)]
    langs: FirstLanguage,
}

/// A text, or nothing where there is anything else than a text.
#[derive(Default)]
struct Loose<'a>(Option<Cow<'a, str>>);

impl Loose<'_> {
    fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LooseVisitor).map(|seen| match seen {
            Seen::Text(text) => Self(Some(text)),
            Seen::Languages(_) | Seen::Other => Self(None),
        })
    }
}

/// The first readable language tag of a list.
#[derive(Default)]
struct FirstLanguage(Option<Language>);

impl<'de> Deserialize<'de> for FirstLanguage {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LooseVisitor).map(|seen| match seen {
            Seen::Text(tag) => Self(Language::parse(&tag).ok()),
            Seen::Languages(first) => Self(first),
            Seen::Other => Self(None),
        })
    }
}

/// What a value of any type comes to.
enum Seen<'a> {
    Text(Cow<'a, str>),
    /// A list, and the first of its texts that is a language tag.
    Languages(Option<Language>),
    Other,
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Seen<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Seen::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Seen::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut first = None;
        while let Some(item) = list.next_element::<Loose<'de>>()? {
            first = first.or_else(|| Language::parse(item.as_deref()?).ok());
        }
        Ok(Seen::Languages(first))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Seen::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Seen::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Seen::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Seen::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Seen::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Seen::Other)
    }
}
