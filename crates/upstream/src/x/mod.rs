//! X's API v2: the filtered stream, one JSON message per line, and the rules that decide what it
//! brings.
//!
//! Terms: a *message* is a post with what was asked for around it; a *rule* is a query that X keeps,
//! and each post says which rules it matched; a *notice* is a line of the stream that tells why X
//! ends it.
//!
//! Guarantees: only a new post of the author's own becomes a post. Somebody else's that is passed on,
//! or the later version of one that was edited, is dropped with its reason. A place counts only where
//! it is as small as a city.

mod rules;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use moodvane_model::{Language, Post, SourceId, Timestamp};
use serde::Deserialize;
use url::Url;

use crate::format::{Told, readable, shortened};
use crate::selection::distance_km;
use crate::url::with_path;
use crate::{Dropped, PLACE_RADIUS_KM, PostFormat, Raw, Selection};

pub use self::rules::{
    Changes, Listed, MAX_RULES, Rule, RuleError, RuleSpec, changes, parse_changed, parse_rules,
    rules, rules_url,
};

/// The most minutes that a connection may ask for of what came before it, where the plan allows.
pub const MAX_BACKFILL_MINUTES: u8 = 5;

/// Languages of X that are none: undetermined, no words at all.
const NO_LANGUAGE: [&str; 2] = ["und", "zxx"];
/// When X began to number posts by time, in milliseconds since 1970, and how many bits of a number
/// stand below the time.
const EPOCH_MS: i64 = 1_288_834_974_657;
const BITS_BELOW_TIME: u32 = 22;

/// Where the stream of the API at `base` is.
#[must_use]
pub fn stream_url(base: &Url, backfill_minutes: u8) -> Url {
    let mut url = with_path(base, "/2/tweets/search/stream");
    url.query_pairs_mut()
        .append_pair(
            "tweet.fields",
            "created_at,lang,geo,referenced_tweets,edit_history_tweet_ids",
        )
        .append_pair("expansions", "geo.place_id")
        .append_pair("place.fields", "geo");
    if backfill_minutes > 0 {
        let minutes = backfill_minutes.min(MAX_BACKFILL_MINUTES).to_string();
        url.query_pairs_mut()
            .append_pair("backfill_minutes", &minutes);
    }
    url
}

/// Why X ends the stream, where a line says that: its title and detail.
#[must_use]
pub fn notice(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Ended {
        data: Option<serde::de::IgnoredAny>,
        errors: Vec<Problem>,
    }
    #[derive(Deserialize)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
    }
    // Few lines have the word at all, and the others need not be read twice.
    if !line.contains("\"errors\"") {
        return None;
    }
    let ended: Ended = serde_json::from_str(line).ok()?;
    if ended.data.is_some() {
        return None;
    }
    let first = ended.errors.into_iter().next();
    let (title, detail) = first.map_or((None, None), |p| (p.title, p.detail));
    let words = [title, detail].into_iter().flatten().collect::<Vec<_>>();
    Some(match words.is_empty() {
        true => "without a reason".to_owned(),
        false => words.join(": ").chars().take(256).collect(),
    })
}

/// Turns the stream's messages into posts.
#[derive(Debug, Clone)]
pub struct XFormat {
    source: SourceId,
    selection: Arc<Selection>,
    rules: BTreeSet<String>,
}

impl XFormat {
    /// A format whose posts are `source`'s, as far as `selection` takes them and they matched one of
    /// the rules with these identifiers. A message that names no rules counts as matching.
    #[must_use]
    pub fn new(source: SourceId, selection: Arc<Selection>, rules: BTreeSet<String>) -> Self {
        Self {
            source,
            selection,
            rules,
        }
    }

    fn matched(&self, matching: Option<&[Matching<'_>]>) -> bool {
        matching.is_none_or(|rules| rules.iter().any(|rule| self.rules.contains(&*rule.id)))
    }
}

impl PostFormat for XFormat {
    fn format(
        &self,
        raw: &Raw,
        received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), Dropped> {
        let Raw::Text(json) = raw else {
            return Err(Dropped::malformed("message", "must be JSON, not a row"));
        };
        let message: Message<'_> =
            serde_json::from_str(json).map_err(|e| Dropped::malformed("message", e.to_string()))?;
        let Some(tweet) = &message.data else {
            return Err(match message.errors {
                Some(_) => Dropped::NotAPost,
                None => Dropped::malformed("data", "is missing"),
            });
        };
        if !self.matched(message.matching_rules.as_deref()) {
            return Err(Dropped::OtherRule);
        }
        tweet.must_be_new()?;
        let text = readable(tweet.text.as_deref().ok_or_else(|| missing("text"))?)?;
        let language = tweet.language();
        let place = tweet.place(&message.includes.places);
        let cities = self.selection.of(text, language, place)?;
        let told = Told {
            source: self.source,
            id_field: "id",
            id: &tweet.id,
            text,
            language,
            created_at: tweet.written_at()?,
            received_at,
        };
        told.push(cities, out)
    }
}

fn missing(field: &str) -> Dropped {
    Dropped::malformed(field, "is missing")
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    data: Option<Tweet<'a>>,
    #[serde(borrow, default)]
    includes: Includes<'a>,
    #[serde(borrow)]
    matching_rules: Option<Vec<Matching<'a>>>,
    errors: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Matching<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
struct Includes<'a> {
    #[serde(borrow, default)]
    places: Vec<Place<'a>>,
}

#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    geo: Option<PlaceGeo>,
}

#[derive(Deserialize)]
struct PlaceGeo {
    /// West, south, east and north, in degrees.
    bbox: Option<[f64; 4]>,
}

#[derive(Deserialize)]
struct Tweet<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    created_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lang: Option<Cow<'a, str>>,
    #[serde(borrow)]
    geo: Option<Geo<'a>>,
    #[serde(borrow, default)]
    referenced_tweets: Vec<Referenced<'a>>,
    #[serde(borrow, default)]
    edit_history_tweet_ids: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Geo<'a> {
    #[serde(borrow)]
    place_id: Option<Cow<'a, str>>,
    coordinates: Option<Point>,
}

#[derive(Deserialize)]
struct Point {
    /// Longitude and latitude in degrees.
    coordinates: Option<[f64; 2]>,
}

#[derive(Deserialize)]
struct Referenced<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

impl Tweet<'_> {
    /// Not somebody else's, and not the later version of one that was edited: every version has an
    /// identifier of its own, and the first is the one that counts.
    fn must_be_new(&self) -> Result<(), Dropped> {
        if self.referenced_tweets.iter().any(|r| r.kind == "retweeted") {
            return Err(Dropped::Repost);
        }
        match self.edit_history_tweet_ids.first() {
            Some(first) if *first != self.id => Err(Dropped::Updated),
            _ => Ok(()),
        }
    }

    fn language(&self) -> Option<Language> {
        let tag = self.lang.as_deref()?;
        // qme, qht and other tags with q are X's own, for media and tags alone.
        let is_none = NO_LANGUAGE.contains(&tag) || (tag.len() == 3 && tag.starts_with('q'));
        Language::parse(tag).ok().filter(|_| !is_none)
    }

    /// Latitude and longitude of the post, or of the middle of its place.
    fn place(&self, places: &[Place<'_>]) -> Option<(f64, f64)> {
        let geo = self.geo.as_ref()?;
        let exact = geo.coordinates.as_ref().and_then(|p| p.coordinates);
        if let Some([longitude, latitude]) = exact {
            return on_globe(latitude, longitude);
        }
        let id = geo.place_id.as_deref()?;
        let place = places.iter().find(|place| place.id == id)?;
        middle(place.geo.as_ref()?.bbox?)
    }

    /// When it was written; where that was not asked for, by its number.
    fn written_at(&self) -> Result<Timestamp, Dropped> {
        match self.created_at.as_deref() {
            Some(text) => Timestamp::parse_rfc3339(text)
                .map_err(|_| Dropped::malformed("created_at", format!("is {}", shortened(text)))),
            None => numbered_at(&self.id).ok_or_else(|| missing("created_at")),
        }
    }
}

fn on_globe(latitude: f64, longitude: f64) -> Option<(f64, f64)> {
    let is_good = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    is_good.then_some((latitude, longitude))
}

/// The middle of a box that is no larger than a city: that of a country lies in some city by chance.
fn middle([west, south, east, north]: [f64; 4]) -> Option<(f64, f64)> {
    let corner = on_globe(south, west)?;
    on_globe(north, east)?;
    // A box across the 180th meridian would have its middle on the other side of the earth.
    if west > east || south > north {
        return None;
    }
    let middle = (south.midpoint(north), west.midpoint(east));
    (distance_km(corner, middle) <= PLACE_RADIUS_KM).then_some(middle)
}

fn numbered_at(id: &str) -> Option<Timestamp> {
    let number: u64 = id.parse().ok()?;
    let since = i64::try_from(number >> BITS_BELOW_TIME).ok()?;
    // Numbers from before then are small, and tell no time.
    let told = (since > 0).then(|| since.checked_add(EPOCH_MS))??;
    Timestamp::from_millis(told).ok()
}
