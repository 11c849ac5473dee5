//! The demo: its hours equal the simulator's truth despite duplicates and disorder, it serves, it
//! drains, and a verification can fail.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use support::{Running, run, shown, succeed};
use tempfile::TempDir;

const WORLD: [&str; 9] = [
    "demo",
    "--days",
    "2",
    "--posts-per-hour",
    "200",
    "--duplicates",
    "0.2",
    "--disorder-ms",
    "2000",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&WORLD[..], &["--port", "0"], more].concat()
}

/// One city without gaps.
const SIMPLE: [&str; 4] = ["--city", "new-york", "--world", "simple"];

#[test]
fn demo_equals_truth_of_each_city_and_verify_detects_lost_row() {
    let data = TempDir::new().unwrap();
    let printed = succeed(data.path(), &with(&["--history-only"]));
    for (city, effects) in [
        (
            "new-york",
            "wet hour -0.25, each wet hour before -0.05, heat -0.15, frost -0.10",
        ),
        (
            "london",
            "wet hour -0.12, each wet hour before -0.03, heat -0.20, frost -0.05",
        ),
        (
            "singapore",
            "wet hour +0.10, each wet hour before +0.00, heat -0.10, frost +0.00",
        ),
    ] {
        let is_equal = printed.lines().any(|line| {
            line.starts_with(&format!("verified: {city}: ")) && line.ends_with("equal to the truth")
        });
        assert!(is_equal, "{city}: {printed}");
        assert!(
            printed.contains(&format!("  {city}: {effects}")),
            "{printed}"
        );
    }
    let again = succeed(data.path(), &["verify"]);
    assert!(again.contains("equal to the truth"), "{again}");

    let db = Connection::open(data.path().join("demo/moodvane.db")).unwrap();
    let posts = "topic = 'tweet' AND city = 'london'";
    let middle =
        format!("SELECT hour FROM partial_hour WHERE {posts} ORDER BY hour LIMIT 1 OFFSET 9");
    let lost = db
        .execute(
            &format!("DELETE FROM partial_hour WHERE {posts} AND hour = ({middle})"),
            [],
        )
        .unwrap();
    assert_eq!(lost, 1);
    let output = run(data.path(), &["verify"]);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    // The hour may have posts in other languages only.
    let is_named = text.contains("0 posts stored") || text.contains("0 unscored posts stored");
    assert!(is_named && text.contains("  london "), "{text}");
    assert!(text.contains("verified: singapore: "), "{text}");
}

/// `query` prints the hours without colours, and fails on an unknown city.
fn check_query(data: &Path, port: &str) {
    let query = ["query", "--port", port, "--variable", "precipitation"];
    let output = succeed(data, &query);
    assert!(output.starts_with("hour "), "{output}");
    // Whether it rained often enough in the last two days depends on the time of the test.
    let is_answered = output.contains("correlation") || output.contains("Not enough data: ");
    assert!(is_answered && output.contains('▁'), "{output}");
    assert!(
        !output.contains('\u{1b}'),
        "colours without a terminal: {output}"
    );
    let rejected = run(data, &["query", "--port", port, "--city", "atlantis"]);
    assert_eq!(rejected.status.code(), Some(1));
    assert!(
        shown(&rejected).contains("there is no city \"atlantis\""),
        "{}",
        shown(&rejected)
    );
}

#[tokio::test]
async fn demo_serves_verifies_and_drains() {
    let data = TempDir::new().unwrap();
    let mut demo = Running::start(data.path(), &with(&SIMPLE));
    let curl = demo.after("  curl -s ");
    let (url, body) = curl.split_once(" -d '").unwrap();
    let body = body.trim_end_matches('\'').to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(url).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["res"].as_array().unwrap().len(), 24, "{answer}");

    let live = succeed(data.path(), &["verify"]);
    assert!(live.contains("equal to the truth"), "{live}");
    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
    let health = run(data.path(), &["health", "--port", port]);
    assert!(health.status.success(), "{}", shown(&health));
    let actors = succeed(data.path(), &["actors", "--port", port]);
    for part in [
        "dispatcher",
        "  bluesky",
        "running",
        "formatters (",
        "publisher",
    ] {
        assert!(actors.contains(part), "{part} in {actors}");
    }
    check_query(data.path(), port);

    let second = run(data.path(), &with(&[]));
    assert!(
        shown(&second).contains("another moodvane works in"),
        "{}",
        shown(&second)
    );
    let live = succeed(data.path(), &["verify"]);
    assert!(
        live.contains("equal to the truth"),
        "the second process changed nothing: {live}"
    );

    assert!(demo.terminate().success(), "a drain exits with 0");
    let drained = succeed(data.path(), &["verify"]);
    assert!(drained.contains("equal to the truth"), "{drained}");
    let stopped = run(data.path(), &["health", "--port", port]);
    assert_eq!(stopped.status.code(), Some(1), "{}", shown(&stopped));
}

#[test]
fn rejects_demo_of_another_world() {
    let data = TempDir::new().unwrap();
    succeed(data.path(), &with(&["--history-only"]));
    let output = run(
        data.path(),
        &["demo", "--seed", "2", "--port", "0", "--history-only"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        shown(&output).contains("is of another world"),
        "{}",
        shown(&output)
    );
    assert!(fs::exists(data.path().join("demo/truth.json")).unwrap());
}

#[test]
fn demo_resumes_after_kill() {
    let data = TempDir::new().unwrap();
    for _ in 0..3 {
        let mut demo = Running::start(data.path(), &with(&[]));
        demo.after(" hours of history of ");
        demo.child.kill().unwrap();
        demo.child.wait().unwrap();
    }
    let printed = succeed(data.path(), &with(&["--history-only"]));
    assert!(printed.contains("equal to the truth"), "{printed}");
    let again = succeed(data.path(), &["verify"]);
    assert!(again.contains("equal to the truth"), "{again}");
}
