//! The post stream in the format of X's API v2: `/2/tweets/search/stream` and its rules.
//!
//! Every bearer token is valid except [`EXPIRED`]. Rules support words, phrases and `lang:`. There is one
//! connection, and `backfill_minutes` is the only way to resume.

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
use crate::feed::{Event, EventKind, PostContent, timestamp};
use crate::http_stream::{StreamFormat, stream_body};
use crate::state::SharedWorld;

/// The rejected token.
const EXPIRED: &str = "expired";
const MAX_RULES: usize = 25;
const MAX_RULE_CHARS: usize = 512;
const MAX_BACKFILL_MINUTES: u64 = 5;
/// The epoch of X's post ids (snowflakes), in milliseconds since 1970.
const ID_EPOCH_MS: i64 = 1_288_834_974_657;
const KEEP_ALIVE: (&str, Duration) = ("\r\n", Duration::from_secs(20));
const GARBAGE: &[u8] = b"\xff\xfe\r\n{\"data\": {\"id\r\n<html>\r\n";

pub(crate) fn routes() -> Router<SharedWorld> {
    Router::new()
        .route("/2/tweets/search/stream", get(stream))
        .route(
            "/2/tweets/search/stream/rules",
            get(list_rules).post(update_rules),
        )
}

/// The rules of the stream.
#[derive(Debug, Default)]
pub(crate) struct StreamRules(Mutex<RuleSet>);

#[derive(Debug, Default)]
struct RuleSet {
    /// The number of rules created so far.
    created: u64,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    id: String,
    value: String,
    tag: Option<String>,
}

impl StreamRules {
    fn lock(&self) -> MutexGuard<'_, RuleSet> {
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

    fn matches(&self, content: &PostContent) -> bool {
        let text = content.text.to_lowercase();
        let (terms, rest) = match self.value.strip_prefix('(').and_then(|v| v.split_once(')')) {
            Some(parts) => parts,
            None => (self.value.as_str(), ""),
        };
        let has_term = |term: &str| {
            let term = term.trim().trim_matches('"').to_lowercase();
            !term.is_empty() && !term.contains(':') && text.contains(&term)
        };
        let has_language = |word: &str| match word.strip_prefix("lang:") {
            Some(tag) => content.language_tag == Some(tag),
            None => true,
        };
        terms.split(" OR ").any(has_term) && rest.split_whitespace().all(has_language)
    }
}

/// Whether the request has a valid bearer token.
pub(crate) fn is_authorized(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer "));
    token.is_some_and(|token| !token.is_empty() && token != EXPIRED)
}

fn problem_response(status: StatusCode, title: &str, detail: &str) -> Response {
    let problem = json!({ "title": title, "detail": detail, "status": status.as_u16() });
    (status, Json(problem)).into_response()
}

fn unauthorized() -> Response {
    problem_response(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
}

async fn list_rules(State(shared): State<SharedWorld>, headers: HeaderMap) -> Response {
    if !is_authorized(&headers) {
        return unauthorized();
    }
    let rules: Vec<Value> = shared.x_rules.lock().rules.iter().map(Rule::json).collect();
    let meta = json!({ "sent": shared.clock.now().to_string(), "result_count": rules.len() });
    match rules.is_empty() {
        true => Json(json!({ "meta": meta })).into_response(),
        false => Json(json!({ "data": rules, "meta": meta })).into_response(),
    }
}

#[derive(Deserialize)]
struct UpdateRules {
    #[serde(default)]
    add: Vec<NewRule>,
    delete: Option<DeleteRules>,
}

#[derive(Deserialize)]
struct NewRule {
    value: String,
    tag: Option<String>,
}

#[derive(Deserialize)]
struct DeleteRules {
    ids: Vec<String>,
}

async fn update_rules(
    State(shared): State<SharedWorld>,
    headers: HeaderMap,
    Json(update): Json<UpdateRules>,
) -> Response {
    if !is_authorized(&headers) {
        return unauthorized();
    }
    let sent = shared.clock.now().to_string();
    let mut set = shared.x_rules.lock();
    if let Some(DeleteRules { ids }) = update.delete {
        let before = set.rules.len();
        set.rules.retain(|rule| !ids.contains(&rule.id));
        let deleted = before - set.rules.len();
        let summary = json!({ "deleted": deleted, "not_deleted": ids.len() - deleted });
        return Json(json!({ "meta": { "sent": sent, "summary": summary } })).into_response();
    }
    let (mut added, mut errors) = (Vec::new(), Vec::new());
    for NewRule { value, tag } in update.add {
        let problem = |title: &str| json!({ "title": title, "value": value, "details": [value] });
        if set.rules.iter().any(|rule| rule.value == value) {
            errors.push(problem("DuplicateRule"));
        } else if value.chars().count() > MAX_RULE_CHARS || set.rules.len() >= MAX_RULES {
            errors.push(problem("UnprocessableRule"));
        } else {
            set.created += 1;
            let id = (1_000_000_000_000_000_000 + set.created).to_string();
            let rule = Rule { id, value, tag };
            added.push(rule.json());
            set.rules.push(rule);
        }
    }
    let summary = json!({ "created": added.len(), "not_created": errors.len() });
    let mut answer = json!({ "data": added, "meta": { "sent": sent, "summary": summary } });
    if !errors.is_empty() {
        answer["errors"] = json!(errors);
    }
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn stream(
    State(shared): State<SharedWorld>,
    headers: HeaderMap,
    Query(pairs): Query<HashMap<String, String>>,
) -> Response {
    if !is_authorized(&headers) {
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
            return problem_response(StatusCode::BAD_REQUEST, "Invalid Request", detail);
        }
    };
    if shared.x_rules.lock().rules.is_empty() {
        let detail = "Rules must be configured";
        return problem_response(StatusCode::CONFLICT, "RulesConfigurationError", detail);
    }
    let Ok(permit) = shared.x_stream.clone().try_acquire_owned() else {
        let detail = "This stream is currently at the maximum allowed connection limit.";
        return problem_response(StatusCode::TOO_MANY_REQUESTS, "ConnectionException", detail);
    };
    let format = StreamFormat {
        upstream: Upstream::X,
        encode: Box::new(message),
        keep_alive: KEEP_ALIVE,
        garbage: GARBAGE,
    };
    stream_body(shared, format, Duration::from_secs(60 * minutes), permit).into_response()
}

/// The message of an event; `None` unless it is a post that matches a rule.
fn message(shared: &SharedWorld, event: &Event) -> Option<String> {
    let (content, id) = match &event.kind {
        EventKind::Post(content) | EventKind::Update { content, .. } => {
            (content, post_id(event.time_us))
        }
        _ => return None,
    };
    let history = match event.kind {
        EventKind::Update { time_us, .. } => vec![post_id(time_us), id.clone()],
        _ => vec![id.clone()],
    };
    let set = shared.x_rules.lock();
    let matching = set.rules.iter().filter(|rule| rule.matches(content));
    let matching: Vec<Value> = matching
        .map(|rule| json!({ "id": rule.id, "tag": rule.tag }))
        .collect();
    if matching.is_empty() {
        return None;
    }
    let message = json!({
        "data": {
            // X derives the creation time from the id, not from the author's clock.
            "created_at": timestamp(event.time_us / 1_000).to_string(),
            "edit_history_tweet_ids": history,
            "id": id,
            "lang": content.language_tag.unwrap_or("und"),
            "text": content.text,
        },
        "matching_rules": matching,
    });
    Some(format!("{message}\r\n"))
}

/// The id of the post of that time.
fn post_id(time_us: i64) -> String {
    let (ms, us) = (time_us / 1_000, time_us % 1_000);
    (((ms - ID_EPOCH_MS) << 22) | us).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_match_words_phrases_and_language() {
        let content = |text: &str, language_tag| PostContent {
            text: text.to_owned(),
            language_tag,
            created_at: timestamp(0),
            mood: None,
        };
        let post = content("Rain over New York", Some("en"));
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
    fn post_ids_increase_with_time() {
        let times = [
            1_600_000_000_000_000,
            1_600_000_000_000_001,
            1_600_000_000_001_000,
        ];
        let ids = times.map(|us| post_id(us).parse::<u64>().unwrap());
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
}
