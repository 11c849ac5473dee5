//! The promises of every log, kept by the log in SQLite, and what only it has.

#![allow(clippy::unwrap_used, dead_code)]

mod conformance;

use conformance::{Place, numbered, promises};
use moodvane_eventlog::{EventLog, SqliteLog, SqliteLogConfig};
use moodvane_model::{Timestamp, Topic};
use tempfile::TempDir;

struct File(TempDir);

impl File {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl Place for File {
    type Log = SqliteLog;

    async fn open(&self, partitions: u32) -> SqliteLog {
        SqliteLog::open(SqliteLogConfig {
            path: self.0.path().join("log.db"),
            partitions,
        })
        .unwrap()
    }

    async fn truncate(&self, log: &SqliteLog, _: Topic) {
        let end_of_time = Timestamp::parse_rfc3339("9999-01-01T00:00:00Z").unwrap();
        log.delete_records_before(end_of_time).await.unwrap();
    }
}

promises!(File::new());

#[tokio::test]
async fn retention_removes_what_is_older_and_says_how_much() {
    let place = File::new();
    let log = place.open(1).await;
    log.publish(Topic::Tweet, numbered(0..5)).await.unwrap();
    let epoch = Timestamp::from_millis(0).unwrap();
    assert_eq!(log.delete_records_before(epoch).await.unwrap(), 0);
    let end_of_time = Timestamp::parse_rfc3339("9999-01-01T00:00:00Z").unwrap();
    assert_eq!(log.delete_records_before(end_of_time).await.unwrap(), 5);
}

#[tokio::test]
async fn it_says_how_many_partitions_it_has() {
    let place = File::new();
    assert_eq!(place.open(3).await.partitions(), 3);
    assert_eq!(place.open(1).await.partitions(), 3);
}
