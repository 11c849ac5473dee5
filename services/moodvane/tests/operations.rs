//! Operations on stored data: dead letters, runs.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use moodvane_eventlog::{EventLog, NewRecord, SqliteLog, SqliteLogConfig};
use moodvane_model::Topic;
use support::{rows, run, shown, succeed};
use tempfile::TempDir;

fn posts(data: &TempDir) -> String {
    let path = data.path().join("posts.tsv");
    fs::write(
        &path,
        "id\ttext\tcreated_at\n1\tlovely day\t2018-01-01T02:03:04Z\n",
    )
    .unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn redriven_dead_letter_is_rejected_again() {
    let data = TempDir::new().unwrap();
    let path = posts(&data);
    succeed(data.path(), &["replay", "--posts", &path]);
    let later = br#"{"v":2,"id":"2","mood":"of a later version"}"#;
    let record = NewRecord {
        key: b"new-york:replay-posts:2".to_vec(),
        value: later.to_vec(),
    };
    let db = data.path().join("moodvane.db");
    let log = SqliteLog::open(SqliteLogConfig {
        path: db,
        partitions: 1,
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(log.publish(Topic::Tweet, vec![record]))
        .unwrap();
    succeed(data.path(), &["replay", "--posts", &path]);

    let listed = succeed(data.path(), &["dead", "list", "tweet"]);
    assert!(
        listed.contains("has version 2") && listed.contains("1 of topic tweet"),
        "{listed}"
    );
    let none = succeed(data.path(), &["dead", "list", "temperature"]);
    assert!(none.contains("0 of topic temperature"), "{none}");
    let sent = succeed(data.path(), &["dead", "redrive", "tweet"]);
    assert!(sent.contains("1 sent to topic tweet again"), "{sent}");
    let account = "dead letters of topic tweet: 1 dead letters read, 1 kept, 0 left out";
    assert!(sent.contains(account), "{sent}");
    let replayed = succeed(data.path(), &["replay", "--posts", &path]);
    assert!(replayed.contains("left out, version: 1"), "{replayed}");
    let listed = succeed(data.path(), &["dead", "list", "tweet"]);
    assert!(listed.contains("2 of topic tweet"), "{listed}");
    assert_eq!(rows(data.path())[0].posts().scored(), 1);

    // The two are the same record, which is sent once; a limit is in the account.
    let sent = succeed(data.path(), &["dead", "redrive", "tweet"]);
    assert!(sent.contains("1 kept, 0 left out, 1 duplicates"), "{sent}");
    let limited = ["dead", "redrive", "tweet", "--limit", "1", "--strict"];
    let limited = run(data.path(), &limited);
    assert_eq!(limited.status.code(), Some(65), "{}", shown(&limited));
}

#[test]
fn new_run_serves_after_switch() {
    let data = TempDir::new().unwrap();
    let path = posts(&data);
    succeed(data.path(), &["replay", "--posts", &path]);
    let other = [
        "replay",
        "--posts",
        &path,
        "--set",
        "processor.window=70000",
    ];
    succeed(data.path(), &other);
    let listed = succeed(data.path(), &["runs", "list"]);
    let runs: Vec<&str> = listed.lines().collect();
    assert_eq!(runs.len(), 2, "{listed}");
    assert!(runs[0].contains(".w65536.") && runs[0].ends_with("answers from 1970-01-01 00"));
    assert!(runs[1].contains(".w70000.") && runs[1].ends_with("only folds"));

    let name = runs[1].split("  ").next().unwrap();
    let switched = succeed(
        data.path(),
        &["runs", "switch", name, "--from", "2018-01-01 02"],
    );
    assert!(
        switched.contains("answers from 2018-01-01 02"),
        "{switched}"
    );
    assert_eq!(
        rows(data.path())[0].posts().scored(),
        1,
        "the new run has the hour too"
    );
    let unknown = run(
        data.path(),
        &["runs", "switch", "other", "--from", "2018-01-01 02"],
    );
    assert!(
        shown(&unknown).contains("no run is called other"),
        "{}",
        shown(&unknown)
    );
}
