//! The text of posts: what the author wrote, whatever wrote it down.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use chrono::TimeDelta;
use common::{city, everything, fixture, posts, source};
use moodvane_upstream::table::{
    PostColumns, PostTableFormat, PostTableSpec, RecordReader, TableKind, TimeFormat,
};
use moodvane_upstream::{RawMessage, Selection};

fn spec(html_entities: bool) -> PostTableSpec {
    PostTableSpec {
        columns: PostColumns {
            id: "id".to_owned(),
            text: "text".to_owned(),
            time: "created_at".to_owned(),
            language: None,
            place: None,
        },
        time: TimeFormat::RFC3339,
        shift: TimeDelta::zero(),
        html_entities,
    }
}

/// The text of a post from a row of a file.
fn text_of_row(text: &str, html_entities: bool) -> String {
    let header = vec!["id", "created_at", "text"].into();
    let row = vec!["1", "2018-01-01T02:00:00Z", text].into();
    let format = PostTableFormat::new(source(), everything(), &spec(html_entities), Some(&header));
    let found = posts(&format.unwrap(), &RawMessage::Fields(row)).unwrap();
    found[0].text().to_owned()
}

#[test]
fn undoes_html_entities_of_files() {
    let table = String::from_utf8(fixture("text/entities.tsv")).unwrap();
    let pairs: Vec<(&str, &str)> = table
        .lines()
        .skip(1)
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    assert_eq!(pairs.len(), 8);
    for (written, meant) in pairs {
        assert_eq!(text_of_row(written, true), meant);
        assert_eq!(text_of_row(written, false), written, "the option is off");
    }
}

#[test]
fn finds_names_across_white_space_and_invisible_characters() {
    let file = fixture("text/names.jsonl");
    let selection = Selection::for_cities(&[city("here", (0.0, 0.0), &["staten island"])]);
    let format =
        PostTableFormat::new(source(), Arc::new(selection.unwrap()), &spec(true), None).unwrap();
    let mut rows = RecordReader::new(file.as_slice(), TableKind::Jsonl).unwrap();
    let mut read = 0;
    while let Some(row) = rows.next_record().unwrap() {
        let raw = row.content.unwrap();
        let RawMessage::Text(line) = &raw else {
            panic!("a line of JSON");
        };
        let received: serde_json::Value = serde_json::from_str(line).unwrap();
        let found = posts(&format, &raw).map_err(|reason| (line.clone(), reason));
        let text = received["text"].as_str().unwrap();
        assert_eq!(
            found.unwrap()[0].text(),
            text,
            "the text is recorded as received"
        );
        read += 1;
    }
    assert_eq!(read, 12);
}

#[test]
fn name_matches_in_any_encoding() {
    let names = ["zu\u{308}rich", "new\u{a0}york", "東京"];
    let selection = Selection::for_cities(&[city("here", (0.0, 0.0), &names)]).unwrap();
    let matches = |text: &str| selection.matching_cities(text, None, None).is_ok();
    for text in [
        "Zürich im Regen",
        "ZU\u{308}RICH im Regen",
        "Ｚürich",
        "New York",
        "new \u{200b}\u{2003} york",
        "NEW\nYORK",
        "in 東京",
    ] {
        assert!(matches(text), "{text:?}");
    }
    for text in [
        "Zurich",
        "Zürichsee",
        "NewYork",
        "New\u{200b}York",
        "New-York",
    ] {
        assert!(!matches(text), "{text:?}");
    }
}

#[test]
fn drops_text_with_nothing_visible() {
    let header = vec!["id", "created_at", "text"].into();
    let format = PostTableFormat::new(source(), everything(), &spec(true), Some(&header)).unwrap();
    for text in [" ", "\u{200b}\u{feff}", "&nbsp;&#8203;", "\u{a0}\u{ad}"] {
        let row = vec!["1", "2018-01-01T02:00:00Z", text].into();
        let reason = posts(&format, &RawMessage::Fields(row)).unwrap_err();
        assert_eq!(reason.label(), "no_text", "{text:?}");
    }
}
