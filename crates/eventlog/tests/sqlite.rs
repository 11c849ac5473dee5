//! The conformance tests on SQLite, and tests of retention and partitions.

#![allow(clippy::unwrap_used, dead_code)]

mod conformance;

use conformance::{LogFixture, conformance_tests, numbered};
use moodvane_eventlog::{EventLog, SqliteLog, SqliteLogConfig};
use moodvane_model::{Timestamp, Topic};
use tempfile::TempDir;

struct TempLog(TempDir);

impl TempLog {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl LogFixture for TempLog {
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

conformance_tests!(TempLog::new());

#[tokio::test]
async fn deletes_older_records_and_returns_count() {
    let fixture = TempLog::new();
    let log = fixture.open(1).await;
    log.publish(Topic::Tweet, numbered(0..5)).await.unwrap();
    let epoch = Timestamp::from_millis(0).unwrap();
    assert_eq!(log.delete_records_before(epoch).await.unwrap(), 0);
    let end_of_time = Timestamp::parse_rfc3339("9999-01-01T00:00:00Z").unwrap();
    assert_eq!(log.delete_records_before(end_of_time).await.unwrap(), 5);
}

#[tokio::test]
async fn returns_number_of_partitions() {
    let fixture = TempLog::new();
    assert_eq!(fixture.open(3).await.partitions(), 3);
    assert_eq!(fixture.open(1).await.partitions(), 3);
}
