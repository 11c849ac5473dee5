//! Parsing of table rows into posts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use chrono::TimeDelta;
use common::{chain, everything, new_york, posts, rfc3339, source};
use csv::StringRecord;
use moodvane_model::{MAX_POST_TEXT_BYTES, Post};
use moodvane_upstream::table::{PostColumns, PostTableFormat, PostTableSpec, TimeFormat};
use moodvane_upstream::{DropReason, RawMessage, Selection};
use proptest::prelude::*;

fn post_spec() -> PostTableSpec {
    PostTableSpec {
        columns: PostColumns {
            id: "id".to_owned(),
            text: "text".to_owned(),
            time: "time".to_owned(),
            language: Some("lang".to_owned()),
            place: Some(("lat".to_owned(), "lon".to_owned())),
        },
        time: TimeFormat::RFC3339,
        shift: TimeDelta::zero(),
        html_entities: true,
    }
}

fn header() -> StringRecord {
    vec!["id", "time", "lang", "lat", "lon", "text"].into()
}

fn row(fields: &[&str]) -> RawMessage {
    RawMessage::Fields(fields.to_vec().into())
}

fn post(raw: &RawMessage) -> Result<Post<'static>, DropReason> {
    let header = matches!(raw, RawMessage::Fields(_)).then(header);
    let table =
        PostTableFormat::new(source(), everything(), &post_spec(), header.as_ref()).unwrap();
    posts(&table, raw).map(|mut posts| posts.remove(0))
}

const WRITTEN: &str = "2015-02-17T07:36:05Z";

#[test]
fn parses_row_into_post() {
    let in_fields = post(&row(&["12", WRITTEN, "en-US", "", "", " rain "])).unwrap();
    insta::assert_debug_snapshot!(in_fields, @r#"
    Post {
        id: "12",
        text: " rain ",
        city: "new-york",
        source: "test",
        language: Some(
            "en",
        ),
        created_at: 2015-02-17T07:36:05.000Z,
        received_at: 2015-02-17T07:36:05.000Z,
    }
    "#);
    let json = r#"{"id":12,"time":"2015-02-17T07:36:05Z","lang":"en","text":" rain ","more":[1]}"#;
    assert_eq!(post(&RawMessage::Text(json.to_owned())), Ok(in_fields));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn drops_invalid_row_with_reason() {
    let too_long = "x".repeat(MAX_POST_TEXT_BYTES + 1);
    let id_too_long = "x".repeat(300);
    let object = |json: &str| RawMessage::Text(json.to_owned());
    for (raw, reason, says) in [
        (
            row(&["", WRITTEN, "", "", "", "rain"]),
            "malformed",
            "column id",
        ),
        (
            row(&[" ", WRITTEN, "", "", "", "rain"]),
            "malformed",
            "column id",
        ),
        (
            row(&["1", "", "", "", "", "rain"]),
            "malformed",
            "column time",
        ),
        (
            row(&["1", "2015-02-30T00:00:00Z", "", "", "", "rain"]),
            "malformed",
            "2015-02-30",
        ),
        (
            row(&["1", "1969-12-31T23:59:59Z", "", "", "", "rain"]),
            "malformed",
            "1970",
        ),
        (
            row(&["1", WRITTEN, "", "", "rain"]),
            "malformed",
            "expected 6",
        ),
        (
            row(&["1", WRITTEN, "", "", "", "rain", "again"]),
            "malformed",
            "has 7",
        ),
        (
            row(&["1", WRITTEN, "", "", "", &too_long]),
            "too_long",
            "16385",
        ),
        (
            row(&["1", WRITTEN, "", "40.7", "-74.0", " "]),
            "no_text",
            "no text",
        ),
        (
            row(&[&id_too_long, WRITTEN, "", "", "", "rain"]),
            "impossible_value",
            "id has an invalid value",
        ),
        (object("{"), "malformed", "JSON object"),
        (object("[]"), "malformed", "JSON object"),
        (
            object(r#"{"id":[],"time":"","text":""}"#),
            "malformed",
            "column id",
        ),
        (
            object(r#"{"id":"1","time":"2015-02-17T07:36:05Z"}"#),
            "malformed",
            "column text",
        ),
    ] {
        let dropped = post(&raw).unwrap_err();
        assert_eq!(dropped.label(), reason, "{dropped}");
        assert!(chain(&dropped).contains(says), "{says} in {dropped}");
    }
}

#[test]
fn ignores_invalid_place() {
    let selection = Arc::new(Selection::for_cities(&[new_york()]).unwrap());
    let table = PostTableFormat::new(source(), selection, &post_spec(), Some(&header())).unwrap();
    for (lat, lon, lies_there) in [
        ("40.7", "-74.0", true),
        (" 40.7 ", " -74 ", true),
        ("51.5", "-0.1", false),
        ("40.7", "", false),
        ("", "", false),
        ("north", "west", false),
        ("400", "-74", false),
        ("NaN", "-74", false),
    ] {
        let found = posts(&table, &row(&["1", WRITTEN, "", lat, lon, "rain"]));
        assert_eq!(found.is_ok(), lies_there, "{lat} {lon}");
    }
    let named = row(&["1", WRITTEN, "", "north", "", "rain in nyc"]);
    assert!(posts(&table, &named).is_ok());
}

#[test]
fn reports_all_missing_columns() {
    let header = vec!["id", "label", "body"].into();
    let refused =
        PostTableFormat::new(source(), everything(), &post_spec(), Some(&header)).unwrap_err();
    insta::assert_snapshot!(
        refused,
        @r#"the table has no column "text", "time", "lang", "lat", "lon", its columns are "id", "label", "body""#
    );
}

#[test]
fn shifts_times() {
    let raw = row(&["1", WRITTEN, "", "", "", "rain"]);
    for (shift, expected) in [
        (TimeDelta::days(-728), Ok("2013-02-19T07:36:05Z")),
        (TimeDelta::milliseconds(1), Ok("2015-02-17T07:36:05.001Z")),
        (TimeDelta::days(-20_000), Err("impossible_value")),
        (TimeDelta::MAX, Err("impossible_value")),
    ] {
        let spec = PostTableSpec {
            shift,
            ..post_spec()
        };
        let table = PostTableFormat::new(source(), everything(), &spec, Some(&header())).unwrap();
        let times = posts(&table, &raw).map(|p| (p[0].created_at, p[0].received_at));
        let expected = expected.map(rfc3339).map(|at| (at, at));
        assert_eq!(times.map_err(|reason| reason.label()), expected);
    }
}

proptest! {
    #[test]
    fn no_row_panics(fields in prop::collection::vec(".{0,20}", 0..10)) {
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let _ = post(&row(&fields));
        let _ = post(&RawMessage::Text(fields.concat()));
    }

    #[test]
    fn round_trips_row_into_post(
        id in "[a-z0-9:]{1,20}", text in "[a-z \",é]{0,40}[a-z]", ms in 0_i64..253_402_300_800_000
    ) {
        let at = common::at(ms);
        let in_fields = post(&row(&[&id, &at.to_string(), "en", "", "", &text])).unwrap();
        let json = serde_json::json!({"id": id, "time": at.to_string(), "lang": "en", "text": text});
        let in_json = post(&RawMessage::Text(json.to_string())).unwrap();
        prop_assert_eq!((in_fields.id(), in_fields.text()), (&*id, &*text));
        prop_assert_eq!(in_fields.created_at, at);
        prop_assert_eq!(in_fields, in_json);
    }
}
