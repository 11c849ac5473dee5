//! The post stream in the shape of X's API v2: `/2/tweets/search/stream` and its rules.
//!
//! Any bearer token is good but [`EXPIRED`]. A rule is understood as far as words, phrases and `lang:`
//! go. There is one connection, and no way back but `backfill_minutes`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::Upstream;
use crate::feed::{Event, Kind, Written, moment};
use crate::lines::{Shape, body};
use crate::state::Shared;

/// A token whose time is over.
const EXPIRED: &str = "expired";
const MAX_RULES: usize = 25;
const MAX_RULE_CHARS: usize = 512;
const MAX_BACKFILL_MINUTES: u64 = 5;
/// X's numbers count from here, in milliseconds since 1970.
const EPOCH_MS: i64 = 1_288_834_974_657;
const BEAT: (&str, Duration) = ("\r\n", Duration::from_secs(20));
const GARBAGE: &[u8] = b"\xff\xfe\r\n{\"data\": {\"id\r\n<html>\r\n";

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/2/tweets/search/stream", get(listen))
        .route("/2/tweets/search/stream/rules", get(list).post(change))
}

/// The rules that the stream has.
#[derive(Debug, Default)]
pub(crate) struct Rules(Mutex<(u64, Vec<Rule>)>);

#[derive(Debug, Clone)]
struct Rule {
    id: String,
    value: String,
    tag: Option<String>,
}

impl Rules {
    fn locked(&self) -> MutexGuard<'_, (u64, Vec<Rule>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn json(&self) -> Value {
        match &self.tag {
            Some(tag) => json!({ "id": self.id, "value": self.value, "tag": tag }),
            None => json!({ "id": self.id, "value": self.value }),
        }
    }

    fn matches(&self, written: &Written) -> bool {
        let text = written.text.to_lowercase();
        let (terms, rest) = match self.value.strip_prefix('(').and_then(|v| v.split_once(')')) {
            Some(parts) => parts,
            None => (self.value.as_str(), ""),
        };
        let named = |term: &str| {
            let term = term.trim().trim_matches('"').to_lowercase();
            !term.is_empty() && !term.contains(':') && text.contains(&term)
        };
        let spoken = |word: &str| match word.strip_prefix("lang:") {
            Some(tag) => written.language == Some(tag),
            None => true,
        };
        terms.split(" OR ").any(named) && rest.split_whitespace().all(spoken)
    }
}

/// Who may ask.
pub(crate) fn is_good(headers: &HeaderMap) -> bool {
    let said = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    let token = said.and_then(|said| said.strip_prefix("Bearer "));
    token.is_some_and(|token| !token.is_empty() && token != EXPIRED)
}

fn refused(status: StatusCode, title: &str, detail: &str) -> Response {
    let problem = json!({ "title": title, "detail": detail, "status": status.as_u16() });
    (status, Json(problem)).into_response()
}

fn unauthorized() -> Response {
    refused(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
}

async fn list(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if !is_good(&headers) {
        return unauthorized();
    }
    let rules: Vec<Value> = shared.x_rules.locked().1.iter().map(Rule::json).collect();
    let meta = json!({ "sent": shared.clock.now().to_string(), "result_count": rules.len() });
    match rules.is_empty() {
        true => Json(json!({ "meta": meta })).into_response(),
        false => Json(json!({ "data": rules, "meta": meta })).into_response(),
    }
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    add: Vec<Added>,
    delete: Option<Deleted>,
}

#[derive(Deserialize)]
struct Added {
    value: String,
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Deleted {
    ids: Vec<String>,
}

async fn change(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Response {
    if !is_good(&headers) {
        return unauthorized();
    }
    let sent = shared.clock.now().to_string();
    let mut rules = shared.x_rules.locked();
    if let Some(Deleted { ids }) = change.delete {
        let before = rules.1.len();
        rules.1.retain(|rule| !ids.contains(&rule.id));
        let deleted = before - rules.1.len();
        let summary = json!({ "deleted": deleted, "not_deleted": ids.len() - deleted });
        return Json(json!({ "meta": { "sent": sent, "summary": summary } })).into_response();
    }
    let (mut added, mut errors) = (Vec::new(), Vec::new());
    for Added { value, tag } in change.add {
        let problem = |title: &str| json!({ "title": title, "value": value, "details": [value] });
        if rules.1.iter().any(|rule| rule.value == value) {
            errors.push(problem("DuplicateRule"));
        } else if value.chars().count() > MAX_RULE_CHARS || rules.1.len() >= MAX_RULES {
            errors.push(problem("UnprocessableRule"));
        } else {
            rules.0 += 1;
            let id = (1_000_000_000_000_000_000 + rules.0).to_string();
            let rule = Rule { id, value, tag };
            added.push(rule.json());
            rules.1.push(rule);
        }
    }
    let summary = json!({ "created": added.len(), "not_created": errors.len() });
    let mut answer = json!({ "data": added, "meta": { "sent": sent, "summary": summary } });
    if !errors.is_empty() {
        answer["errors"] = json!(errors);
    }
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn listen(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(pairs): Query<HashMap<String, String>>,
) -> Response {
    if !is_good(&headers) {
        return unauthorized();
    }
    let minutes = pairs
        .get("backfill_minutes")
        .map(|text| text.parse::<u64>());
    let minutes = match minutes {
        None => 0,
        Some(Ok(minutes)) if minutes <= MAX_BACKFILL_MINUTES => minutes,
        Some(_) => {
            let detail = "backfill_minutes must be 0 to 5";
            return refused(StatusCode::BAD_REQUEST, "Invalid Request", detail);
        }
    };
    if shared.x_rules.locked().1.is_empty() {
        let detail = "Rules must be configured";
        return refused(StatusCode::CONFLICT, "RulesConfigurationError", detail);
    }
    let Ok(place) = shared.x_stream.clone().try_acquire_owned() else {
        let detail = "This stream is currently at the maximum allowed connection limit.";
        return refused(StatusCode::TOO_MANY_REQUESTS, "ConnectionException", detail);
    };
    let shape = Shape {
        upstream: Upstream::X,
        record: Box::new(message),
        beat: BEAT,
        garbage: GARBAGE,
    };
    body(shared, shape, Duration::from_secs(60 * minutes), place).into_response()
}

/// The message of an event, where it is a post that matches a rule.
fn message(shared: &Shared, event: &Event) -> Option<String> {
    let (written, id) = match &event.kind {
        Kind::Post(written) | Kind::Update { written, .. } => (written, number(event.time_us)),
        _ => return None,
    };
    let history = match event.kind {
        Kind::Update { time_us, .. } => vec![number(time_us), id.clone()],
        _ => vec![id.clone()],
    };
    let rules = shared.x_rules.locked();
    let matching = rules.1.iter().filter(|rule| rule.matches(written));
    let matching: Vec<Value> = matching
        .map(|rule| json!({ "id": rule.id, "tag": rule.tag }))
        .collect();
    if matching.is_empty() {
        return None;
    }
    let message = json!({
        "data": {
            // A post of X says the time of its number, whatever its author's clock says.
            "created_at": moment(event.time_us / 1_000).to_string(),
            "edit_history_tweet_ids": history,
            "id": id,
            "lang": written.language.unwrap_or("und"),
            "text": written.text,
        },
        "matching_rules": matching,
    });
    Some(format!("{message}\r\n"))
}

/// The number of the post of that time.
fn number(time_us: i64) -> String {
    let (ms, us) = (time_us / 1_000, time_us % 1_000);
    (((ms - EPOCH_MS) << 22) | us).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_matches_words_phrases_and_a_language() {
        let written = |text: &str, language| Written {
            text: text.to_owned(),
            language,
            created_at: moment(0),
            mood: None,
        };
        let post = written("Rain over New York", Some("en"));
        for (value, expected) in [
            ("rain", true),
            ("(snow OR rain) -is:retweet", true),
            ("(snow OR \"new york\") lang:en -is:retweet", true),
            ("(\"new york\") lang:de", false),
            ("(snow OR point_radius:[1 2 40km])", false),
            ("()", false),
        ] {
            let rule = Rule {
                id: String::new(),
                value: value.to_owned(),
                tag: None,
            };
            assert_eq!(rule.matches(&post), expected, "{value}");
        }
    }

    #[test]
    fn numbers_rise_with_time() {
        let numbers = [
            1_600_000_000_000_000,
            1_600_000_000_000_001,
            1_600_000_000_001_000,
        ];
        let numbers = numbers.map(|us| number(us).parse::<u64>().unwrap());
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}
