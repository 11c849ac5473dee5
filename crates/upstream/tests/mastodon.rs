//! Parsing of Mastodon's events and pages, with invented events.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::cmp::Ordering;
use std::sync::Arc;

use common::{at, new_york, posts, rfc3339, source, with};
use moodvane_upstream::mastodon::{self, MastodonFormat, Timeline};
use moodvane_upstream::sse::Event;
use moodvane_upstream::{RawMessage, Selection};
use serde_json::{Value, json};

fn status() -> Value {
    json!({
        "id": "117024236332527350",
        "created_at": "2026-08-02T05:22:17.399Z",
        "content": "<p>Rain over <a href=\"https://m.example/tags/nyc\">#<span>nyc</span></a> &amp; sun</p>",
        "language": "en",
        "visibility": "public",
        "reblog": null,
        "spoiler_text": "weather",
    })
}

fn event(name: &str, data: impl ToString) -> RawMessage {
    mastodon::raw_message(&Event {
        name: name.to_owned(),
        data: data.to_string(),
    })
}

fn with_id(id: &str) -> RawMessage {
    event("update", with(status(), "/id", Some(json!(id))))
}

fn format() -> MastodonFormat {
    let selection = Selection::for_cities(&[new_york()]).unwrap();
    MastodonFormat::new(source(), Arc::new(selection))
}

fn reason(raw: &RawMessage) -> &'static str {
    posts(&format(), raw).map_or_else(|dropped| dropped.label(), |_| "kept")
}

#[test]
fn parses_new_status() {
    let found = posts(&format(), &event("update", status())).unwrap();
    let post = &found[0];
    assert_eq!(post.identity(), "new-york:test:117024236332527350");
    assert_eq!(post.text(), "Rain over #nyc & sun");
    assert_eq!(post.created_at, rfc3339("2026-08-02T05:22:17.399Z"));
    assert_eq!(post.received_at, at(1000));
    assert_eq!(post.language.unwrap().as_str(), "en");
}

#[test]
fn drops_other_events_with_reason() {
    let long = format!("<p>nyc {}</p>", "x".repeat(16_385));
    let huge = format!("<p>nyc</p>{}", "<b></b>".repeat(60_000));
    let table: [(&str, Value, &str); 13] = [
        ("/content", json!("<p>Rain over Boston</p>"), "no_city"),
        ("/content", json!("<p><br></p>"), "no_text"),
        (
            "/content",
            json!("<p>see https://a.example/nyc</p>"),
            "no_city",
        ),
        ("/content", json!(long), "too_long"),
        ("/content", json!(huge), "too_long"),
        ("/content", Value::Null, "malformed"),
        ("/visibility", json!("private"), "not_public"),
        ("/visibility", json!("unlisted"), "kept"),
        ("/visibility", Value::Null, "malformed"),
        ("/reblog", json!({}), "repost"),
        ("/created_at", json!("yesterday"), "malformed"),
        ("/language", json!("?"), "kept"),
        ("/id", json!(7), "malformed"),
    ];
    for (path, value, expected) in table {
        let raw = event("update", with(status(), path, Some(value)));
        assert_eq!(reason(&raw), expected, "{path}");
    }
    for (name, data, expected) in [
        ("delete", json!("117024236332527350"), "deleted"),
        ("status.update", status(), "updated"),
        ("notification", json!({}), "not_a_post"),
        ("update", json!([]), "malformed"),
    ] {
        assert_eq!(reason(&event(name, data)), expected, "{name}");
    }
    assert_eq!(reason(&RawMessage::Text(String::new())), "not_a_post");
    assert_eq!(reason(&RawMessage::Text("update".to_owned())), "malformed");
}

#[test]
fn parses_page_like_stream() {
    let other = with(status(), "/id", Some(json!("99")));
    let page = json!([status(), other]).to_string();
    let found = mastodon::parse_page(page.as_bytes()).unwrap();
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["99", "117024236332527350"], "the oldest first");
    let by_stream = posts(&format(), &event("update", status())).unwrap();
    assert_eq!(posts(&format(), &found[1].1).unwrap(), by_stream);
    assert_eq!(mastodon::new_status_id(&found[0].1).as_deref(), Some("99"));
    for (body, expected) in [
        ("{\"error\":\"no\"}", "not_json"),
        ("[{}]", "missing_field"),
        ("[{\"id\":\"7; drop\"}]", "missing_field"),
        ("[", "not_json"),
    ] {
        let error = mastodon::parse_page(body.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), expected, "{body}");
    }
}

#[test]
fn reads_id_of_new_status_only() {
    for (raw, expected) in [
        (event("update", status()), Some("117024236332527350")),
        (event("status.update", status()), None),
        (event("delete", "117024236332527350"), None),
        (event("update", "{}"), None),
        (with_id("AVZq9SGtYl8HkcUFQf"), Some("AVZq9SGtYl8HkcUFQf")),
        (
            with_id("01HXYZ5J0Q8C7N3R2T1V0W9X8Y"),
            Some("01HXYZ5J0Q8C7N3R2T1V0W9X8Y"),
        ),
        (with_id("7; drop"), None),
        (with_id("7/../8"), None),
        (with_id(""), None),
        (with_id(&"7".repeat(65)), None),
    ] {
        assert_eq!(mastodon::new_status_id(&raw).as_deref(), expected);
    }
    let new = [
        event("update", status()),
        with_id("7; drop"),
        event("update", "{}"),
    ];
    assert!(new.iter().all(mastodon::is_new_status));
    let others = [
        event("status.update", status()),
        event("delete", "7"),
        event("updated", ""),
    ];
    assert!(!others.iter().any(mastodon::is_new_status));
    assert_eq!(mastodon::compare_ids("9", "10"), Ordering::Less);
    assert_eq!(mastodon::compare_ids("11", "10"), Ordering::Greater);
    assert_eq!(mastodon::compare_ids("10", "10"), Ordering::Equal);
    assert_eq!(mastodon::compare_ids("AVZq9", "AVZqA"), Ordering::Less);
}

#[test]
fn builds_urls_of_timelines() {
    let base = "https://m.example/".parse().unwrap();
    let tag = Timeline::Hashtag("nyc weather/é".to_owned());
    for (timeline, stream, page) in [
        (
            Timeline::Public,
            "/api/v1/streaming/public",
            "/api/v1/timelines/public?min_id=7&limit=40",
        ),
        (
            Timeline::Local,
            "/api/v1/streaming/public/local",
            "/api/v1/timelines/public?local=true&min_id=7&limit=40",
        ),
        (
            tag,
            "/api/v1/streaming/hashtag?tag=nyc+weather%2F%C3%A9",
            "/api/v1/timelines/tag/nyc%20weather%2F%C3%A9?min_id=7&limit=40",
        ),
    ] {
        let found = timeline.stream_url(&base).to_string();
        assert_eq!(found, format!("https://m.example{stream}"));
        let found = timeline.page_url(&base, "7").to_string();
        assert_eq!(found, format!("https://m.example{page}"));
    }
}
