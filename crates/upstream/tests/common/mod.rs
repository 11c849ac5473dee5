//! Helpers shared by the tests of this crate.

#![allow(dead_code)]

pub(crate) mod answers;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use moodvane_model::{
    City, CityId, ErrorChain, Post, Quantity, Readings, SourceId, Timestamp, Variable,
};
use moodvane_upstream::{
    DropReason, OmittedValue, ParsedWeather, PostFormat, RawMessage, Selection, UpstreamError,
};
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

/// The posts of a message received at second 1.
pub(crate) fn posts(
    format: &dyn PostFormat,
    raw: &RawMessage,
) -> Result<Vec<Post<'static>>, DropReason> {
    let mut out = Vec::new();
    let done = format.format(raw, at(1000), &mut out);
    assert!(
        done.is_ok() || out.is_empty(),
        "a dropped message adds no post"
    );
    done.map(|()| out)
}

/// The optional data sets beside the checkout. Without them, a test reports on stderr that it is skipped
/// and returns; where `CI` is set, it fails.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if root.is_dir() {
        return Some(root.join(path));
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "the optional data sets in {} are required where CI is set",
        root.display()
    );
    // Written to the stream itself, because the test harness captures `eprintln!`.
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    let reason = format!("optional data set ../shared/data/{path} is missing");
    let message = format!("SKIPPED {test}: {reason}\n");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    None
}

/// The names of the files in a folder of the optional data sets, sorted.
pub(crate) fn files_in(folder: &str) -> Option<Vec<String>> {
    Some(names_in(&shared(folder)?))
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A fixture of this repository.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    fs::read(fixtures().join(path)).unwrap()
}

/// The names of the fixtures in a folder, sorted.
pub(crate) fn fixture_names(folder: &str) -> Vec<String> {
    names_in(&fixtures().join(folder))
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The values of readings, in the order of [`Variable::ALL`].
pub(crate) type Values = [Option<f64>; 6];

pub(crate) fn values(readings: &Readings) -> Values {
    Variable::ALL.map(|variable| readings.get(variable).map(Quantity::value))
}

/// The response with the value at `path` replaced, or removed if `value` is `None`.
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

/// The result of a parser.
pub(crate) type Answer = Result<ParsedWeather, UpstreamError>;

pub(crate) fn read(
    parse: fn(&[u8]) -> Answer,
    answer: &Value,
) -> Result<(String, Values), UpstreamError> {
    parse(&bytes(answer)).map(|found| (found.observed_at.to_string(), values(&found.readings)))
}

/// Variable and reason of each omitted value.
pub(crate) fn omissions(omitted: &[OmittedValue]) -> Vec<(Variable, &'static str)> {
    let kind = |omitted: &OmittedValue| (omitted.variable, omitted.reason.label());
    omitted.iter().map(kind).collect()
}

/// Time of observation and values, or the reason for the error.
pub(crate) type Outcome = Result<(String, Values), &'static str>;

pub(crate) fn outcome(answer: &Answer) -> Outcome {
    let values_of =
        |found: &ParsedWeather| (found.observed_at.to_string(), values(&found.readings));
    answer
        .as_ref()
        .map(values_of)
        .map_err(UpstreamError::reason)
}

/// The message of an error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    ErrorChain(error).to_string()
}
