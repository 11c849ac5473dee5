//! What the tests of this crate share.

#![allow(dead_code)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use moodvane_model::{City, CityId, Post, Quantity, Readings, SourceId, Timestamp, Variable};
use moodvane_upstream::{DropReason, PostFormat, RawMessage, Selection, UpstreamError};
use serde_json::Value;

pub(crate) fn new_york() -> City {
    city(
        "new-york",
        (40.7128, -74.006),
        &["new york", "nyc", "brooklyn"],
    )
}

pub(crate) fn city(id: &str, place: (f64, f64), names: &[&str]) -> City {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    City::new(CityId::parse(id).unwrap(), id, &names, place, "UTC").unwrap()
}

pub(crate) fn source() -> SourceId {
    SourceId::parse("test").unwrap()
}

pub(crate) fn everything() -> Arc<Selection> {
    Arc::new(Selection::all_posts(
        CityId::parse("new-york").unwrap(),
        None,
    ))
}

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms).unwrap()
}

pub(crate) fn rfc3339(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// The posts of a message that is received at second 1.
pub(crate) fn posts(
    format: &dyn PostFormat,
    raw: &RawMessage,
) -> Result<Vec<Post<'static>>, DropReason> {
    let mut out = Vec::new();
    let done = format.format(raw, at(1000), &mut out);
    assert!(
        done.is_ok() || out.is_empty(),
        "a dropped message adds nothing"
    );
    done.map(|()| out)
}

/// The recorded data beside the checkout. Without it a test returns; where `CI` is set it fails.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if root.is_dir() {
        return Some(root.join(path));
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "../shared/data must be there where CI is set"
    );
    println!("skipped: ../shared/data is not there");
    None
}

/// The names of the files in a folder of the recorded data, sorted.
pub(crate) fn files_in(folder: &str) -> Option<Vec<String>> {
    let entries = fs::read_dir(shared(folder)?).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    Some(names)
}

/// What readings hold, in the order of [`Variable::ALL`].
pub(crate) type Values = [Option<f64>; 6];

pub(crate) fn values(readings: &Readings) -> Values {
    Variable::ALL.map(|variable| readings.get(variable).map(Quantity::value))
}

/// The answer with the value at `path` replaced, or taken out where there is none.
pub(crate) fn with(mut answer: Value, path: &str, value: Option<Value>) -> Value {
    let (parent, key) = path.rsplit_once('/').unwrap();
    let parent = answer.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(key.to_owned(), value),
        None => parent.remove(key),
    };
    answer
}

pub(crate) fn bytes(answer: &Value) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap()
}

/// What an answer comes to: when it was observed, and what it says.
pub(crate) type Answer = Result<(Timestamp, Readings), UpstreamError>;

pub(crate) fn read(
    parse: fn(&[u8]) -> Answer,
    answer: &Value,
) -> Result<(String, Values), UpstreamError> {
    parse(&bytes(answer)).map(|(at, readings)| (at.to_string(), values(&readings)))
}
