//! The post stream in the format of Mastodon: streaming and paged timelines.
//!
//! Every bearer token is valid except `expired`. Requests without a token are rejected, as by servers
//! since 4.2.

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
use crate::feed::{Event, EventKind, PostContent};
use crate::http_stream::{StreamFormat, stream_body};
use crate::playback::Playback;
use crate::state::SharedWorld;
use crate::x::is_authorized;

const KEEP_ALIVE: (&str, Duration) = (":thump\n", Duration::from_secs(15));
const GARBAGE: &[u8] = b"\xff\xfe\nnonsense\nevent: update\ndata: {\"id\": \n\n";
const MAX_PAGE: usize = 40;

pub(crate) fn routes() -> Router<SharedWorld> {
    Router::new()
        .route("/api/v1/streaming/public", get(stream))
        .route("/api/v1/streaming/public/local", get(stream))
        .route("/api/v1/streaming/hashtag", get(stream))
        .route("/api/v1/timelines/public", get(timeline))
        .route("/api/v1/timelines/tag/{tag}", get(timeline))
}

fn unauthorized() -> Response {
    let error = json!({ "error": "The access token is invalid" });
    (StatusCode::UNAUTHORIZED, Json(error)).into_response()
}

async fn stream(State(shared): State<SharedWorld>, headers: HeaderMap) -> Response {
    if !is_authorized(&headers) {
        return unauthorized();
    }
    let Ok(permit) = shared.subscribers.clone().try_acquire_owned() else {
        let error = json!({ "error": "too many open streams: close a connection first" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(error)).into_response();
    };
    let format = StreamFormat {
        upstream: Upstream::Mastodon,
        encode: Box::new(|_, event| message(event)),
        keep_alive: KEEP_ALIVE,
        garbage: GARBAGE,
    };
    let body = stream_body(shared, format, Duration::ZERO, permit);
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// The oldest statuses after `min_id`, in reverse chronological order.
async fn timeline(
    State(shared): State<SharedWorld>,
    headers: HeaderMap,
    Query(pairs): Query<HashMap<String, String>>,
) -> Response {
    if !is_authorized(&headers) {
        return unauthorized();
    }
    let param = |name: &str| pairs.get(name).and_then(|text| text.parse::<i64>().ok());
    let (Some(after), Some(limit)) = (param("min_id"), param("limit")) else {
        let error = json!({ "error": "the simulator requires min_id and limit" });
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response();
    };
    let limit = usize::try_from(limit).unwrap_or(0).min(MAX_PAGE);
    let mut playback = Playback::from_cursor(shared.order.clone(), event_time_us(after) + 1);
    let (now_us, mut statuses) = (shared.now_us(), Vec::new());
    while statuses.len() < limit
        && let Some(delivery) = playback.next_due(now_us)
    {
        let event = shared.feed.event(delivery.index);
        if let EventKind::Post(content) = &event.kind
            && !delivery.copy
        {
            statuses.push(status_json(event.time_us, content));
        }
    }
    statuses.reverse();
    Json(statuses).into_response()
}

/// The server-sent event of an event; `None` if it is not about a post.
fn message(event: &Event) -> Option<String> {
    let (name, data) = match &event.kind {
        EventKind::Post(content) => ("update", status_json(event.time_us, content).to_string()),
        EventKind::Update { time_us, content } => {
            ("status.update", status_json(*time_us, content).to_string())
        }
        EventKind::Delete { time_us } => ("delete", status_id(*time_us)),
        EventKind::Like { .. } | EventKind::Identity | EventKind::Account => return None,
    };
    Some(format!("event: {name}\ndata: {data}\n\n"))
}

fn status_json(time_us: i64, content: &PostContent) -> Value {
    json!({
        "id": status_id(time_us),
        "created_at": content.created_at.to_string(),
        "language": content.language_tag,
        "visibility": "public",
        "content": html(&content.text),
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

/// The id of a status: its time in milliseconds, and the remaining microseconds in the lower 16 bits.
fn status_id(time_us: i64) -> String {
    (((time_us / 1_000) << 16) | (time_us % 1_000)).to_string()
}

fn event_time_us(id: i64) -> i64 {
    (id >> 16) * 1_000 + (id & 0xffff).min(999)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::timestamp;

    #[test]
    fn status_id_contains_event_time() {
        for us in [
            1_600_000_000_000_000,
            1_600_000_000_000_999,
            1_600_000_000_001_000,
        ] {
            assert_eq!(event_time_us(status_id(us).parse().unwrap()), us);
        }
    }

    #[test]
    fn encodes_status_as_html_in_event() {
        let event = Event {
            time_us: 1_514_766_600_123_456,
            author: 1,
            kind: EventKind::Post(PostContent {
                text: "\"Fine\" & <dry>,\nsaid NYC".to_owned(),
                language_tag: Some("en"),
                created_at: timestamp(1_514_766_600_000),
                mood: Some(2),
            }),
        };
        insta::assert_snapshot!(message(&event).unwrap(), @r#"
        event: update
        data: {"id":"99271743905661384","created_at":"2018-01-01T00:30:00.000Z","language":"en","visibility":"public","content":"<p>&quot;Fine&quot; &amp; &lt;dry&gt;,<br />said NYC</p>","reblog":null,"spoiler_text":""}
        "#);
    }
}
