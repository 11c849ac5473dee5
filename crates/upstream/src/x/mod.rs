//! X API v2: the filtered stream, one JSON message per line, and its rules.
//!
//! Terms: a *message* is a post with the requested expansions; a *rule* is a query stored at X, and each
//! message names the rules that it matched; a *disconnect notice* is a line of the stream with the
//! reason why X closes it.
//!
//! Guarantees: only a new, original post yields a post. A repost, or a later version of an edited post,
//! is dropped with a reason. A place counts only if it is no larger than a city. The text is the text of
//! the author, also of a post that is longer than the usual limit: without the entities that X writes for
//! `&`, `<` and `>`.

mod rules;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use moodvane_model::{Language, Post, SourceId, Timestamp};
use serde::Deserialize;
use url::Url;

use crate::entities::undo_entities_of_x;
use crate::format::{ParsedPost, check_text, excerpt};
use crate::selection::distance_km;
use crate::url::with_path;
use crate::{DropReason, PLACE_RADIUS_KM, PostFormat, RawMessage, Selection};

pub use self::rules::{
    ActiveRule, MAX_RULES, Rule, RuleChanges, RuleError, RuleSpec, build_rules, parse_rule_changes,
    parse_rules, rule_changes, rules_url,
};

/// The maximum backfill of a connection in minutes, if the plan allows backfill.
pub const MAX_BACKFILL_MINUTES: u8 = 5;

/// Codes that X uses for an undetermined language and for posts without words.
const NON_LANGUAGES: [&str; 2] = ["und", "zxx"];
/// Epoch of X's snowflake ids, in milliseconds since 1970.
const SNOWFLAKE_EPOCH_MS: i64 = 1_288_834_974_657;
/// The number of bits below the time in a snowflake id.
const SNOWFLAKE_TIME_SHIFT: u32 = 22;

/// URL of the stream of the API at `base`.
#[must_use]
pub fn stream_url(base: &Url, backfill_minutes: u8) -> Url {
    let mut url = with_path(base, "/2/tweets/search/stream");
    url.query_pairs_mut()
        .append_pair(
            "tweet.fields",
            "created_at,lang,geo,referenced_tweets,edit_history_tweet_ids,note_tweet",
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

/// The title and detail of a disconnect notice; `None` if the line is not one.
#[must_use]
pub fn disconnect_reason(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Notice {
        data: Option<serde::de::IgnoredAny>,
        errors: Vec<Problem>,
    }
    #[derive(Deserialize)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
    }
    // Most lines lack the word and need no second parse.
    if !line.contains("\"errors\"") {
        return None;
    }
    let notice: Notice = serde_json::from_str(line).ok()?;
    if notice.data.is_some() {
        return None;
    }
    let first = notice.errors.into_iter().next();
    let (title, detail) = first.map_or((None, None), |p| (p.title, p.detail));
    let parts = [title, detail].into_iter().flatten().collect::<Vec<_>>();
    Some(match parts.is_empty() {
        true => "no reason given".to_owned(),
        false => parts.join(": ").chars().take(256).collect(),
    })
}

/// Parses the stream's messages into posts.
#[derive(Debug, Clone)]
pub struct XFormat {
    source: SourceId,
    selection: Arc<Selection>,
    rules: BTreeSet<String>,
}

impl XFormat {
    /// A format for the posts of `source` that match `selection` and one of the rules with these ids. A
    /// message that names no rules counts as a match.
    #[must_use]
    pub fn new(source: SourceId, selection: Arc<Selection>, rules: BTreeSet<String>) -> Self {
        Self {
            source,
            selection,
            rules,
        }
    }

    fn matches_own_rule(&self, matching: Option<&[Matching<'_>]>) -> bool {
        matching.is_none_or(|rules| rules.iter().any(|rule| self.rules.contains(&*rule.id)))
    }
}

impl PostFormat for XFormat {
    fn format(
        &self,
        raw: &RawMessage,
        received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), DropReason> {
        let RawMessage::Text(json) = raw else {
            return Err(DropReason::malformed("message", "must be JSON, not a row"));
        };
        let message: Message<'_> = serde_json::from_str(json)
            .map_err(|e| DropReason::malformed("message", e.to_string()))?;
        let Some(tweet) = &message.data else {
            return Err(match message.errors {
                Some(_) => DropReason::NotAPost,
                None => DropReason::malformed("data", "is missing"),
            });
        };
        if !self.matches_own_rule(message.matching_rules.as_deref()) {
            return Err(DropReason::OtherRule);
        }
        tweet.check_original()?;
        let text = tweet.text()?;
        let text = check_text(&text)?;
        let language = tweet.language();
        let place = tweet.place(&message.includes.places);
        let cities = self.selection.matching_cities(text, language, place)?;
        let post = ParsedPost {
            source: self.source,
            id_field: "id",
            id: &tweet.id,
            text,
            language,
            created_at: tweet.created_at()?,
            received_at,
        };
        post.push_for(cities, out)
    }
}

fn missing(field: &str) -> DropReason {
    DropReason::malformed(field, "is missing")
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
    /// Present for a post over the usual limit, of which `text` is only the beginning.
    #[serde(borrow)]
    note_tweet: Option<LongText<'a>>,
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
struct LongText<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
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
    /// Rejects reposts and later versions of an edited post. Each version has its own id, and only the
    /// first counts.
    fn check_original(&self) -> Result<(), DropReason> {
        if self.referenced_tweets.iter().any(|r| r.kind == "retweeted") {
            return Err(DropReason::Repost);
        }
        match self.edit_history_tweet_ids.first() {
            Some(first) if *first != self.id => Err(DropReason::Updated),
            _ => Ok(()),
        }
    }

    /// The complete text.
    fn text(&self) -> Result<Cow<'_, str>, DropReason> {
        let long = self.note_tweet.as_ref();
        let text = long.and_then(|long| long.text.as_deref());
        let text = text.or(self.text.as_deref());
        text.map(undo_entities_of_x).ok_or_else(|| missing("text"))
    }

    fn language(&self) -> Option<Language> {
        let tag = self.lang.as_deref()?;
        // X uses private codes such as qme and qht for posts with only media or hashtags.
        let is_non_language =
            NON_LANGUAGES.contains(&tag) || (tag.len() == 3 && tag.starts_with('q'));
        Language::parse(tag).ok().filter(|_| !is_non_language)
    }

    /// Latitude and longitude of the post, or of the centre of its place.
    fn place(&self, places: &[Place<'_>]) -> Option<(f64, f64)> {
        let geo = self.geo.as_ref()?;
        let exact = geo.coordinates.as_ref().and_then(|p| p.coordinates);
        if let Some([longitude, latitude]) = exact {
            return on_globe(latitude, longitude);
        }
        let id = geo.place_id.as_deref()?;
        let place = places.iter().find(|place| place.id == id)?;
        centre(place.geo.as_ref()?.bbox?)
    }

    /// The time of creation; if missing, from the snowflake id.
    fn created_at(&self) -> Result<Timestamp, DropReason> {
        match self.created_at.as_deref() {
            Some(text) => Timestamp::parse_rfc3339(text).map_err(|_| {
                DropReason::malformed(
                    "created_at",
                    format!("\"{}\" is not an RFC 3339 time", excerpt(text)),
                )
            }),
            None => snowflake_time(&self.id).ok_or_else(|| missing("created_at")),
        }
    }
}

fn on_globe(latitude: f64, longitude: f64) -> Option<(f64, f64)> {
    let is_valid = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    is_valid.then_some((latitude, longitude))
}

/// The centre of a bounding box no larger than a city. The centre of a country's box would fall into a
/// city by chance.
fn centre([west, south, east, north]: [f64; 4]) -> Option<(f64, f64)> {
    let corner = on_globe(south, west)?;
    on_globe(north, east)?;
    // A box across the 180th meridian would have its centre on the other side of the earth.
    if west > east || south > north {
        return None;
    }
    let centre = (south.midpoint(north), west.midpoint(east));
    (distance_km(corner, centre) <= PLACE_RADIUS_KM).then_some(centre)
}

fn snowflake_time(id: &str) -> Option<Timestamp> {
    let number: u64 = id.parse().ok()?;
    let since = i64::try_from(number >> SNOWFLAKE_TIME_SHIFT).ok()?;
    // Ids from before the epoch are small and carry no time.
    let millis = (since > 0).then(|| since.checked_add(SNOWFLAKE_EPOCH_MS))??;
    Timestamp::from_millis(millis).ok()
}
