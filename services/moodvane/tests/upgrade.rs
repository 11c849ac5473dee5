//! Reads the database that version 0.1.0 wrote. `cluster/upgrade.rs` does the same with Kafka and Cassandra.

#![allow(clippy::unwrap_used)]

#[path = "support/release_0_1_0.rs"]
mod release_0_1_0;
mod support;

use std::path::Path;

use release_0_1_0::{RUN, replay_args, text, unpack_database};
use support::{Running, rows, succeed};
use tempfile::TempDir;

fn replay(data: &Path, posts: &str, weather: &str) {
    let args = replay_args(posts, weather);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    succeed(data, &args);
}

#[tokio::test]
async fn answers_from_database_of_0_1_0_as_0_1_0_did() {
    let data = TempDir::new().unwrap();
    unpack_database(data.path());
    let mut server = Running::start(data.path(), &["serve", "--port", "0"]);
    let url = server.after("moodvane answers at ");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();

    let hours = format!("{url}/v1/hours?begin=2018-01-01T00&end=2018-01-01T08");
    let hours = client.get(hours).send().await.unwrap();
    assert_eq!(hours.text().await.unwrap(), text("hours.json"));
    let weather = client.post(format!("{url}/weather"));
    let weather = weather.body(r#"{"begin":"2018-01-01 00","end":"2018-01-01 08"}"#);
    let weather = weather.send().await.unwrap();
    assert_eq!(weather.text().await.unwrap(), text("weather.json"));
    assert!(server.terminate().success());
}

#[test]
fn continues_run_and_log_of_0_1_0_without_counting_twice() {
    let upgraded = TempDir::new().unwrap();
    unpack_database(upgraded.path());
    let before = rows(upgraded.path());
    assert!(succeed(upgraded.path(), &["runs", "list"]).starts_with(RUN));

    replay(upgraded.path(), "posts-1.tsv", "weather-1.csv");
    assert_eq!(rows(upgraded.path()), before, "its records are duplicates");

    replay(upgraded.path(), "posts-2.tsv", "weather-2.csv");
    let fresh = TempDir::new().unwrap();
    replay(fresh.path(), "posts-1.tsv", "weather-1.csv");
    replay(fresh.path(), "posts-2.tsv", "weather-2.csv");
    let continued = rows(upgraded.path());
    assert_eq!(continued, rows(fresh.path()));
    assert!(continued.len() > before.len());
    let runs = succeed(upgraded.path(), &["runs", "list"]);
    assert_eq!(runs.lines().count(), 1, "no second run: {runs}");
}
