//! The post stream in the shape of Mastodon: the streaming timelines and their pages.
//!
//! Any bearer token is good but `expired`; without one everything is refused, as servers do since 4.2.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::faults::Upstream;
use crate::feed::{Event, Kind, Written};
use crate::lines::{Shape, body};
use crate::playback::Playback;
use crate::state::Shared;
use crate::x::is_good;

const BEAT: (&str, Duration) = (":thump\n", Duration::from_secs(15));
const GARBAGE: &[u8] = b"\xff\xfe\nnonsense\nevent: update\ndata: {\"id\": \n\n";
const MAX_PAGE: usize = 40;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/streaming/public", get(listen))
        .route("/api/v1/streaming/public/local", get(listen))
        .route("/api/v1/streaming/hashtag", get(listen))
        .route("/api/v1/timelines/public", get(page))
        .route("/api/v1/timelines/tag/{tag}", get(page))
}

fn unauthorized() -> Response {
    let error = json!({ "error": "The access token is invalid" });
    (StatusCode::UNAUTHORIZED, Json(error)).into_response()
}

async fn listen(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if !is_good(&headers) {
        return unauthorized();
    }
    let Ok(place) = shared.subscribers.clone().try_acquire_owned() else {
        let error = json!({ "error": "too many listen" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(error)).into_response();
    };
    let shape = Shape {
        upstream: Upstream::Mastodon,
        record: Box::new(|_, event| message(event)),
        beat: BEAT,
        garbage: GARBAGE,
    };
    let body = body(shared, shape, Duration::ZERO, place);
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// The oldest statuses after `min_id`, the latest of them first.
async fn page(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(pairs): Query<HashMap<String, String>>,
) -> Response {
    if !is_good(&headers) {
        return unauthorized();
    }
    let number = |name: &str| pairs.get(name).and_then(|text| text.parse::<i64>().ok());
    let (Some(after), Some(limit)) = (number("min_id"), number("limit")) else {
        let error = json!({ "error": "the simulator wants min_id and limit" });
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response();
    };
    let limit = usize::try_from(limit).unwrap_or(0).min(MAX_PAGE);
    let mut playback = Playback::from_cursor(shared.order.clone(), time_of(after) + 1);
    let (now_us, mut statuses) = (shared.now_us(), Vec::new());
    while statuses.len() < limit
        && let Some(sending) = playback.next_due(now_us)
    {
        let event = shared.feed.event(sending.index);
        if let Kind::Post(written) = &event.kind
            && !sending.copy
        {
            statuses.push(status(event.time_us, written));
        }
    }
    statuses.reverse();
    Json(statuses).into_response()
}

/// The server-sent event of an event, where it is about a post.
fn message(event: &Event) -> Option<String> {
    let (name, data) = match &event.kind {
        Kind::Post(written) => ("update", status(event.time_us, written).to_string()),
        Kind::Update { time_us, written } => {
            ("status.update", status(*time_us, written).to_string())
        }
        Kind::Delete { time_us } => ("delete", number(*time_us)),
        Kind::Like { .. } | Kind::Identity | Kind::Account => return None,
    };
    Some(format!("event: {name}\ndata: {data}\n\n"))
}

fn status(time_us: i64, written: &Written) -> Value {
    json!({
        "id": number(time_us),
        "created_at": written.created_at.to_string(),
        "language": written.language,
        "visibility": "public",
        "content": html(&written.text),
        "reblog": null,
        "spoiler_text": "",
    })
}

fn html(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('\n', "<br />");
    match escaped.is_empty() {
        true => escaped,
        false => format!("<p>{escaped}</p>"),
    }
}

/// A status' number: its milliseconds, and 16 bits for what is below them.
fn number(time_us: i64) -> String {
    (((time_us / 1_000) << 16) | (time_us % 1_000)).to_string()
}

fn time_of(number: i64) -> i64 {
    (number >> 16) * 1_000 + (number & 0xffff).min(999)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::moment;

    #[test]
    fn a_number_tells_its_time() {
        for us in [
            1_600_000_000_000_000,
            1_600_000_000_000_999,
            1_600_000_000_001_000,
        ] {
            assert_eq!(time_of(number(us).parse().unwrap()), us);
        }
    }

    #[test]
    fn a_status_is_sent_as_html_in_an_event() {
        let event = Event {
            time_us: 1_514_766_600_123_456,
            author: 1,
            kind: Kind::Post(Written {
                text: "\"Fine\" & <dry>,\nsaid NYC".to_owned(),
                language: Some("en"),
                created_at: moment(1_514_766_600_000),
                mood: Some(2),
            }),
        };
        insta::assert_snapshot!(message(&event).unwrap(), @r#"
        event: update
        data: {"id":"99271743905661384","created_at":"2018-01-01T00:30:00.000Z","language":"en","visibility":"public","content":"<p>&quot;Fine&quot; &amp; &lt;dry&gt;,<br />said NYC</p>","reblog":null,"spoiler_text":""}
        "#);
    }
}
