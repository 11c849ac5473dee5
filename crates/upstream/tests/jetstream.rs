//! Parsing of Jetstream events.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{city, everything, new_york, posts, rfc3339, source};
use moodvane_model::{MAX_POST_TEXT_BYTES, Post};
use moodvane_upstream::jetstream::{JetstreamFormat, subscribe_url, time_us};
use moodvane_upstream::{DropReason, RawMessage, Selection};
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

/// 2018-01-01T02:00:00.123456Z.
const TIME_US: i64 = 1_514_772_000_123_456;

fn event(text: &str) -> Value {
    json!({
        "did": "did:plc:rainwatcher",
        "time_us": TIME_US,
        "kind": "commit",
        "commit": {
            "rev": "3kaaaaaaaaa2a",
            "operation": "create",
            "collection": "app.bsky.feed.post",
            "rkey": "3kbbbbbbbbb2b",
            "record": {
                "$type": "app.bsky.feed.post",
                "createdAt": "2018-01-01T01:59:58.5Z",
                "langs": ["en-US", "de"],
                "text": text,
            },
            "cid": "bafyexample",
        },
    })
}

/// The event with the value at `path` replaced, or removed if `value` is `None`.
fn with(path: &str, value: Option<Value>) -> Value {
    let mut event = event("rain");
    let (parent, key) = path.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(key.to_owned(), value),
        None => parent.remove(key),
    };
    event
}

fn read(event: &Value) -> Result<Vec<Post<'static>>, DropReason> {
    let format = JetstreamFormat::new(source(), everything());
    posts(&format, &RawMessage::Text(event.to_string()))
}

fn one(event: &Value) -> Post<'static> {
    let mut posts = read(event).unwrap();
    assert_eq!(posts.len(), 1);
    posts.remove(0)
}

#[test]
fn parses_created_post() {
    insta::assert_debug_snapshot!(one(&event("Rain \"again\" 🌧")), @r#"
    Post {
        id: "did:plc:rainwatcher/3kbbbbbbbbb2b",
        text: "Rain \"again\" 🌧",
        city: "new-york",
        source: "test",
        language: Some(
            "en",
        ),
        created_at: 2018-01-01T01:59:58.500Z,
        received_at: 2018-01-01T02:00:00.123Z,
    }
    "#);
}

#[test]
fn yields_one_post_per_named_city() {
    let cities = [new_york(), city("london", (51.5, -0.13), &["london"])];
    let selection = Arc::new(Selection::for_cities(&cities).unwrap());
    let format = JetstreamFormat::new(source(), selection);
    let named = |text: &str| posts(&format, &RawMessage::Text(event(text).to_string()));

    let both: Vec<_> = named("from London to NYC").unwrap();
    let identities: Vec<_> = both.iter().map(Post::identity).collect();
    assert_eq!(
        identities,
        [
            "new-york:test:did:plc:rainwatcher/3kbbbbbbbbb2b",
            "london:test:did:plc:rainwatcher/3kbbbbbbbbb2b"
        ]
    );
    assert_eq!(named("from Paris to Rome"), Err(DropReason::NoCity));
}

#[test]
fn drops_post_created_long_before_receipt() {
    let day = Duration::from_secs(86_400);
    let reason = |created_at: Option<&str>, max_age| {
        let event = with("/commit/record/createdAt", created_at.map(|at| json!(at)));
        let format = JetstreamFormat::new(source(), everything()).with_max_age(max_age);
        let found = posts(&format, &RawMessage::Text(event.to_string()));
        found.map_or_else(|dropped| dropped.label(), |_| "kept")
    };
    for (created_at, expected) in [
        (Some("2018-01-01T01:59:58Z"), "kept"),
        (Some("2017-12-31T02:00:00.123Z"), "kept"),
        (Some("2017-12-31T01:59:59Z"), "imported"),
        (Some("2009-07-01T12:00:00Z"), "imported"),
        (Some("1969-12-31T23:59:59Z"), "imported"),
        (Some("0001-01-01T00:00:00Z"), "imported"),
        (Some("2018-01-01T03:00:00Z"), "kept"),
        (Some("9999-12-31T23:59:59Z"), "kept"),
        (Some("yesterday"), "kept"),
        (None, "kept"),
    ] {
        assert_eq!(reason(created_at, Some(day)), expected, "{created_at:?}");
        assert_eq!(reason(created_at, None), "kept", "{created_at:?}, no limit");
    }
}

#[test]
fn drops_other_events_with_reason() {
    let text = |text: &str| Some(json!(text));
    let too_long = "x".repeat(MAX_POST_TEXT_BYTES + 1);
    for (event, reason) in [
        (with("/kind", text("identity")), "identity"),
        (with("/kind", text("account")), "account"),
        (with("/kind", text("sync")), "not_a_post"),
        (with("/commit/operation", text("update")), "updated"),
        (with("/commit/operation", text("delete")), "deleted"),
        (with("/commit/operation", text("merge")), "not_a_post"),
        (
            with("/commit/collection", text("app.bsky.feed.like")),
            "not_a_post",
        ),
        (with("/commit/record/text", text(&too_long)), "too_long"),
        (with("/commit/record/text", text("")), "no_text"),
        (with("/commit/record/text", text(" \n\u{a0}")), "no_text"),
        (with("/commit/record/text", Some(json!(7))), "malformed"),
        (with("/commit/record/text", None), "malformed"),
        (with("/commit/record", None), "malformed"),
        (with("/commit/rkey", None), "malformed"),
        (with("/commit", None), "malformed"),
        (with("/did", None), "malformed"),
        (with("/kind", None), "malformed"),
        (with("/time_us", None), "malformed"),
        (
            with("/time_us", Some(json!("1514772000123456"))),
            "malformed",
        ),
        (with("/time_us", Some(json!(-1))), "impossible_value"),
        (
            with("/commit/rkey", text(&"x".repeat(300))),
            "impossible_value",
        ),
        (with("/commit/rkey", text("a\nb")), "impossible_value"),
        (json!([]), "malformed"),
        (json!(null), "malformed"),
    ] {
        let dropped = read(&event).unwrap_err();
        assert_eq!(dropped.label(), reason, "{dropped}");
    }
}

#[test]
fn accepts_any_type_in_other_collections() {
    for odd in [
        json!(1),
        json!(1.5),
        json!(true),
        json!(null),
        json!([[{}]]),
        json!({"a": []}),
    ] {
        let mut like = with("/commit/collection", Some(json!("org.example.odd")));
        for field in ["text", "langs", "createdAt"] {
            like["commit"]["record"][field] = odd.clone();
        }
        assert_eq!(read(&like), Err(DropReason::NotAPost), "{odd}");
    }
}

#[test]
fn rejects_truncated_event() {
    let whole = event("rain").to_string();
    let format = JetstreamFormat::new(source(), everything());
    for end in (0..whole.len()).step_by(7) {
        let cut = RawMessage::Text(whole[..end].to_owned());
        assert_eq!(posts(&format, &cut).unwrap_err().label(), "malformed");
        assert_eq!(time_us(&whole[..end]), None);
    }
}

#[test]
fn uses_first_valid_language() {
    for (langs, language) in [
        (Some(json!(["en-US"])), Some("en")),
        (
            Some(json!(["", "1", 7, null, ["fr"], "de", "en"])),
            Some("de"),
        ),
        (Some(json!("pt-BR")), Some("pt")),
        (Some(json!([])), None),
        (Some(json!(null)), None),
        (Some(json!({"en": true})), None),
        (None, None),
    ] {
        let post = one(&with("/commit/record/langs", langs.clone()));
        let found = post.language.map(|l| l.to_string());
        assert_eq!(found.as_deref(), language, "{langs:?}");
    }
}

#[test]
fn falls_back_to_server_time() {
    let server = rfc3339("2018-01-01T02:00:00.123Z");
    for (written, expected) in [
        (
            Some(json!("2018-01-01T03:00:00+01:00")),
            rfc3339("2018-01-01T02:00:00Z"),
        ),
        (
            Some(json!("1970-01-01T00:00:00Z")),
            rfc3339("1970-01-01T00:00:00Z"),
        ),
        (Some(json!("0000-01-01T00:00:00Z")), server),
        (Some(json!("2018-01-01T03:00:00")), server),
        (Some(json!("yesterday")), server),
        (Some(json!(1_514_772_000)), server),
        (None, server),
    ] {
        let post = one(&with("/commit/record/createdAt", written.clone()));
        assert_eq!(post.created_at, expected, "{written:?}");
        assert_eq!(post.received_at, server);
    }
}

#[test]
fn reads_top_level_cursor() {
    for (raw, expected) in [
        (
            r#"{"time_us":5,"kind":"commit","commit":{"time_us":7}}"#,
            Some(5),
        ),
        (
            r#"{"commit":{"time_us":7,"record":{"text":"\"time_us\":8"}},"time_us":5}"#,
            Some(5),
        ),
        (r#" { "a" : [ {"time_us":7} ] , "time_us" : 5 } "#, Some(5)),
        (r#"{"commit":{"time_us":7}}"#, None),
        (r#"{"time_us":"5"}"#, None),
        (r#"{"time_us":5.5}"#, None),
        (r#"{"time_us":99999999999999999999}"#, None),
        ("[]", None),
        ("", None),
    ] {
        assert_eq!(time_us(raw), expected, "{raw}");
    }
}

#[test]
fn subscribes_to_posts_from_cursor() {
    for (base, cursor, expected) in [
        (
            "wss://jetstream.example",
            None,
            "wss://jetstream.example/subscribe?wantedCollections=app.bsky.feed.post",
        ),
        (
            "ws://127.0.0.1:1234/",
            Some(5),
            "ws://127.0.0.1:1234/subscribe?wantedCollections=app.bsky.feed.post&cursor=5",
        ),
        (
            "wss://proxy.example/js/subscribe?key=k",
            Some(0),
            "wss://proxy.example/js/subscribe?key=k&wantedCollections=app.bsky.feed.post&cursor=0",
        ),
    ] {
        let url = subscribe_url(&Url::parse(base).unwrap(), cursor);
        assert_eq!(url.as_str(), expected);
    }
}

#[test]
fn rejects_table_row() {
    let format = JetstreamFormat::new(source(), everything());
    let row = RawMessage::Fields(vec!["rain"].into());
    assert_eq!(posts(&format, &row).unwrap_err().label(), "malformed");
}

proptest! {
    #[test]
    fn no_message_panics(text in ".{0,300}") {
        let format = JetstreamFormat::new(source(), everything());
        let _ = posts(&format, &RawMessage::Text(text.clone()));
        let _ = time_us(&text);
    }

    #[test]
    fn round_trips_text_and_time(text in ".{0,300}", us in 0..4_000_000_000_000_000_i64) {
        // Posts without text are dropped.
        prop_assume!(!text.trim().is_empty());
        let mut event = event(&text);
        event["time_us"] = json!(us);
        let post = one(&event);
        prop_assert_eq!(post.text(), text);
        prop_assert_eq!(post.received_at.millis(), us / 1000);
        prop_assert_eq!(time_us(&event.to_string()), Some(us));
    }

    #[test]
    fn no_changed_byte_panics(at in 0..300_usize, byte in 0..128_u8) {
        let mut bytes = event("rain").to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let format = JetstreamFormat::new(source(), everything());
        let _ = posts(&format, &RawMessage::Text(text));
    }
}
