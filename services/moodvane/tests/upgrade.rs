//! Reads the database that version 0.1.0 wrote. `cluster/upgrade.rs` does the same with Kafka and Cassandra.

#![allow(clippy::unwrap_used)]

#[path = "support/release_0_1_0.rs"]
mod release_0_1_0;
mod support;

use std::path::Path;

use moodvane_model::HourRow;
use release_0_1_0::{KEEP_RECORDS, RUN, replay_args, text, unpack_database};
use serde_json::Value;
use support::{Running, rows, succeed};
use tempfile::TempDir;

fn replay(data: &Path, posts: &str, weather: &str) {
    let args = replay_args(posts, weather);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    succeed(data, &args);
}

/// Every field of the answer of 0.1.0 is unchanged. The new fields have what an hour without a histogram
/// has.
fn assert_same_hours(answer: &Value, expected: &Value) {
    let all = |answer: &Value| answer["hours"].as_array().unwrap().clone();
    let (found, expected) = (all(answer), all(expected));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&found[field], value, "{field} of {expected}");
        }
        assert_eq!(found["direct_feeling"], expected["feeling"]);
        let tells_apart = expected["posts"] == 0;
        assert_eq!(
            found["weather_talk_posts"].is_null(),
            !tells_apart,
            "{found}"
        );
    }
}

#[tokio::test]
async fn answers_from_database_of_0_1_0_as_0_1_0_did() {
    let data = TempDir::new().unwrap();
    unpack_database(data.path());
    let mut server = Running::start(
        data.path(),
        &["serve", "--port", "0", KEEP_RECORDS[0], KEEP_RECORDS[1]],
    );
    let url = server.after("moodvane answers at ");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();

    let hours = format!("{url}/v1/hours?begin=2018-01-01T00&end=2018-01-01T08");
    let hours = client.get(hours).send().await.unwrap();
    let hours: Value = serde_json::from_str(&hours.text().await.unwrap()).unwrap();
    let expected: Value = serde_json::from_str(&text("hours.json")).unwrap();
    assert_same_hours(&hours, &expected);
    let weather = client.post(format!("{url}/weather"));
    let weather = weather.body(r#"{"begin":"2018-01-01 00","end":"2018-01-01 08"}"#);
    let weather = weather.send().await.unwrap();
    assert_eq!(weather.text().await.unwrap(), text("weather.json"));
    assert!(server.terminate().success());
}

/// The rows and the runs of a data folder.
fn state(data: &Path) -> (Vec<HourRow>, String) {
    (rows(data), succeed(data, &["runs", "list"]))
}

#[test]
fn serves_run_of_0_1_0_until_rescore_and_counts_its_log_once() {
    let upgraded = TempDir::new().unwrap();
    unpack_database(upgraded.path());
    let (before, runs) = state(upgraded.path());
    assert!(runs.starts_with(RUN), "{runs}");

    // The records of the first files are duplicates of those in the log; the second files are new.
    replay(upgraded.path(), "posts-1.tsv", "weather-1.csv");
    replay(upgraded.path(), "posts-2.tsv", "weather-2.csv");
    let (served, runs) = state(upgraded.path());
    assert_eq!(served, before, "the run of 0.1.0 answers");
    assert_eq!(runs.lines().count(), 2, "a new run beside it: {runs}");

    let rescored = succeed(
        upgraded.path(),
        &["rescore", KEEP_RECORDS[0], KEEP_RECORDS[1]],
    );
    assert!(rescored.contains("answers from"), "{rescored}");
    let fresh = TempDir::new().unwrap();
    replay(fresh.path(), "posts-1.tsv", "weather-1.csv");
    replay(fresh.path(), "posts-2.tsv", "weather-2.csv");
    let (served, _) = state(upgraded.path());
    assert_eq!(served, rows(fresh.path()));
    assert!(served.len() > before.len());
}
