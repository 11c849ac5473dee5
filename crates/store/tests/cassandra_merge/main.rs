//! Tests of merged hours on a real Cassandra: they are served, and never when a row is newer.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[macro_use]
#[path = "../conformance/mod.rs"]
#[allow(dead_code, unused_imports, unused_macros)]
mod conformance;
#[path = "../nodes/mod.rs"]
#[allow(dead_code)]
mod nodes;

mod concurrency;

use std::collections::BTreeMap;
use std::time::Duration;

use conformance::{StoreFixture, city, hour, key, posts, row};
use moodvane_model::{
    Anchor, HourRange, HourRow, HourSlot, Incarnation, Offset, PartialHour, PartialKey, Partition,
    Progress, ProgressKey, RunId, SourceId, Topic,
};
use moodvane_store::{CassandraStore, Store};
use nodes::{Proxy, TestKeyspace, test_keyspace};

const RUN: &str = "r";
/// Hours of two closed months and one that is open; [`LATEST`] is the time of the log.
const SLOTS: [&str; 6] = [
    "2018-01-01 00",
    "2018-01-31 23",
    "2018-02-01 00",
    "2018-02-28 05",
    "2018-03-01 07",
    "2018-03-06 11",
];
const LATEST: &str = "2018-03-06 12";
/// January, February and five closed days of March without rows but for one.
const MERGED: usize = 3;

fn quarter() -> HourRange {
    HourRange::new(hour("2018-01-01 00"), hour("2018-03-31 23")).unwrap()
}

/// Progress of a partition of the tweets, whose last record was written in the hour `at`.
fn progress(partition: u32, next: u64, at: HourSlot) -> Progress {
    let key = ProgressKey {
        run: RunId::new(RUN),
        topic: Topic::Tweet,
        incarnation: Incarnation(1),
        partition: Partition(partition),
    };
    let anchor = Anchor {
        offset: Offset(next - 1),
        written_at: at.start(),
        key_hash: 1,
    };
    Progress {
        key,
        next: Offset(next),
        anchor: Some(anchor),
    }
}

/// A row in each slot of two partitions, folded through offset 5.
fn rows() -> Vec<PartialHour> {
    let keys = SLOTS
        .iter()
        .flat_map(|slot| [0, 1].map(|partition| key(RUN, slot, partition, "s")));
    keys.map(|key| row(key, posts(2), 5)).collect()
}

/// A store with these rows, their progress, and merged hours.
async fn merged_store(fixture: &TestKeyspace) -> CassandraStore {
    let store = fixture.open().await;
    store.register_run(&RunId::new(RUN)).await.unwrap();
    store.put_partials(rows()).await.unwrap();
    let settled = [0, 1].map(|partition| progress(partition, 6, hour(LATEST)));
    store.put_progress(settled.to_vec()).await.unwrap();
    assert_eq!(merge(&store).await, MERGED);
    store
}

async fn merge(store: &CassandraStore) -> usize {
    let merged = store.merge_closed_hours(city(), quarter()).await;
    merged.unwrap()
}

async fn hours(store: &CassandraStore) -> Vec<HourRow> {
    store.hours(city(), quarter()).await.unwrap()
}

/// The hours of rows, each the latest of its key.
fn expected(rows: &[PartialHour]) -> Vec<HourRow> {
    let mut latest: BTreeMap<&PartialKey, &PartialHour> = BTreeMap::new();
    for row in rows {
        let found = latest.entry(&row.key).or_insert(row);
        if row.through_offset > found.through_offset {
            *found = row;
        }
    }
    let mut hours: BTreeMap<HourSlot, HourRow> = BTreeMap::new();
    for row in latest.into_values() {
        let slot = row.key.hour;
        let empty = || HourRow::empty(city(), slot);
        let hour = hours.entry(slot).or_insert_with(empty);
        hour.add(row.key.source, &row.sums);
    }
    hours.into_values().collect()
}

/// Executes a statement behind the store's back.
async fn execute(fixture: &TestKeyspace, cql: &str) {
    let session = fixture.session().await;
    session.query_unpaged(cql, ()).await.unwrap();
}

/// Deletes rows behind the store's back, so that only merged hours have them.
async fn lose_rows(fixture: &TestKeyspace, months: &[&str]) {
    for month in months {
        let lose = format!(
            "DELETE FROM partial_hour USING TIMESTAMP 6
             WHERE run = '{RUN}' AND city = '{}' AND month = '{month}'",
            city()
        );
        execute(fixture, &lose).await;
    }
}

#[tokio::test]
async fn reads_closed_months_and_days_merged() {
    let fixture = test_keyspace().await;
    let store = merged_store(&fixture).await;
    assert_eq!(hours(&store).await, expected(&rows()));
    assert_eq!(merge(&store).await, 0, "nothing is left to merge");
    lose_rows(&fixture, &["2018-01", "2018-02", "2018-03"]).await;
    let closed: Vec<_> = rows()
        .into_iter()
        .filter(|row| row.key.hour < hour("2018-03-02 00"))
        .collect();
    assert_eq!(hours(&store).await, expected(&closed));
    // Short spans of a month, of which only rows are read.
    let day = HourRange::new(hour("2018-01-01 00"), hour("2018-01-01 23")).unwrap();
    assert_eq!(store.hours(city(), day).await.unwrap(), []);
    // Any part of a month.
    let part = HourRange::new(hour("2018-01-20 00"), hour("2018-02-27 23")).unwrap();
    let found = store.hours(city(), part).await.unwrap();
    let found: Vec<_> = found.iter().map(|row| row.hour.to_string()).collect();
    assert_eq!(found, ["2018-01-31 23", "2018-02-01 00"]);
}

#[tokio::test]
async fn changed_row_is_read_at_once() {
    type Change = fn(&mut PartialKey);
    let changes: [(&str, &str, Change, u64); 7] = [
        ("a late post", "2018-01-31 23", |_| {}, 6),
        ("an hour without rows", "2018-01-15 12", |_| {}, 7),
        ("a day without rows", "2018-03-02 12", |_| {}, 8),
        (
            "another source",
            "2018-01-01 00",
            |k| k.source = source("a"),
            9,
        ),
        (
            "another partition",
            "2018-01-01 00",
            |k| k.partition = Partition(2),
            0,
        ),
        (
            "another incarnation",
            "2018-02-28 05",
            |k| k.incarnation = Incarnation(2),
            0,
        ),
        (
            "another topic",
            "2018-03-01 07",
            |k| k.topic = Topic::Temperature,
            0,
        ),
    ];
    let fixture = test_keyspace().await;
    let (store, mut all) = (merged_store(&fixture).await, rows());
    let writer = fixture.open().await;
    for (what, slot, change, through) in changes {
        let mut changed = row(key(RUN, slot, 0, "s"), posts(3), through);
        change(&mut changed.key);
        writer.put_partials(vec![changed.clone()]).await.unwrap();
        all.push(changed.clone());
        assert_eq!(hours(&store).await, expected(&all), "{what}");
        // Days that did not change may be merged, the changed one only with progress of its partition.
        merge(&store).await;
        assert_eq!(hours(&store).await, expected(&all), "{what}, others merged");
        let mut next = progress(changed.key.partition.0, through + 1, hour(LATEST));
        next.key.topic = changed.key.topic;
        next.key.incarnation = changed.key.incarnation;
        store.put_progress(vec![next]).await.unwrap();
        merge(&store).await;
        assert_eq!(hours(&store).await, expected(&all), "{what}, merged");
    }
    let closed: Vec<_> = all
        .into_iter()
        .filter(|row| row.key.hour < hour("2018-03-03 00"))
        .collect();
    execute(&fixture, "TRUNCATE partial_hour").await;
    assert_eq!(
        hours(&store).await,
        expected(&closed),
        "all is merged again"
    );
}

fn source(name: &str) -> SourceId {
    SourceId::parse(name).unwrap()
}

#[tokio::test]
async fn row_on_its_way_prevents_merge_and_merged_reads() {
    let fixture = test_keyspace().await;
    let store = merged_store(&fixture).await;
    let proxy = Proxy::start().await;
    let writer = CassandraStore::connect(&fixture.config_through(&proxy))
        .await
        .unwrap();
    let late = row(key(RUN, "2018-01-31 23", 0, "s"), posts(3), 6);
    // A first write caches the stored name of the run.
    writer.put_partials(vec![rows()[0].clone()]).await.unwrap();
    // Fold offsets have the names of months and days, rows the hour.
    proxy.hold_at("2018-01-31 23");
    let writing = tokio::spawn({
        let late = late.clone();
        async move { writer.put_partials(vec![late]).await }
    });
    proxy.wait_until_holding().await;
    let through = "SELECT through_offset FROM fold_offset
        WHERE period = '2018-01' AND partition = 0 ALLOW FILTERING";
    let session = fixture.session().await;
    let found = session.query_unpaged(through, ()).await.unwrap();
    let through: (i64,) = found.into_rows_result().unwrap().single_row().unwrap();
    assert_eq!(through, (6,), "the fold offset precedes the row");
    merge(&store).await;
    assert_eq!(hours(&store).await, expected(&rows()));
    proxy.release();
    writing.await.unwrap().unwrap();
    let mut all = rows();
    all.push(late);
    assert_eq!(hours(&store).await, expected(&all));
}

#[tokio::test]
async fn rows_without_progress_are_not_merged() {
    let fixture = test_keyspace().await;
    let store = fixture.open().await;
    store.register_run(&RunId::new(RUN)).await.unwrap();
    // A crash between two rows of a flush: the row of offset 5 is missing, that of offset 9 is there.
    let later = row(key(RUN, "2018-01-02 00", 0, "s"), posts(1), 9);
    let missing = row(key(RUN, "2018-01-01 00", 0, "s"), posts(2), 5);
    store.put_partials(vec![later.clone()]).await.unwrap();
    assert_eq!(merge(&store).await, 0, "no progress at all");
    let at = hour(LATEST);
    store.put_progress(vec![progress(0, 5, at)]).await.unwrap();
    assert_eq!(merge(&store).await, 0);
    // The next owner folds the rest; the fold offset stays.
    store.put_partials(vec![missing.clone()]).await.unwrap();
    for (next, what) in [(9, "the day of offset 5"), (10, "the month")] {
        store
            .put_progress(vec![progress(0, next, at)])
            .await
            .unwrap();
        assert_eq!(merge(&store).await, 1, "{what}");
    }
    assert_eq!(hours(&store).await, expected(&[later, missing]));
}

#[tokio::test]
async fn open_periods_are_not_merged() {
    let fixture = test_keyspace().await;
    let store = fixture.open().await;
    store.register_run(&RunId::new(RUN)).await.unwrap();
    let rows = vec![row(key(RUN, "2018-01-31 23", 0, "s"), posts(1), 5)];
    store.put_partials(rows).await.unwrap();
    for (latest, merged) in [("2018-02-02 00", 0), ("2018-02-02 01", 1)] {
        let next = 6 + merged as u64;
        store
            .put_progress(vec![progress(0, next, hour(latest))])
            .await
            .unwrap();
        assert_eq!(merge(&store).await, merged, "{latest}");
    }
}

/// What version 2 of the store wrote: rows without fold offsets.
#[tokio::test]
async fn rows_of_version_2_are_read_and_never_merged() {
    let fixture = test_keyspace().await;
    merged_store(&fixture).await;
    for undo in [
        "DROP TABLE fold_offset",
        "DROP TABLE merged_hours",
        "DROP TABLE run_rebuild",
        "DELETE FROM store_schema WHERE scope = 'store' AND version = 3",
    ] {
        execute(&fixture, undo).await;
    }
    let store = fixture.open().await;
    assert_eq!(merge(&store).await, 0);
    assert_eq!(hours(&store).await, expected(&rows()));
    // A processor of version 2 may go on writing beside one of version 3.
    let new = row(key(RUN, "2018-01-31 23", 0, "s"), posts(3), 6);
    store.put_partials(vec![new.clone()]).await.unwrap();
    let settled = progress(0, 7, hour(LATEST));
    store.put_progress(vec![settled]).await.unwrap();
    assert_eq!(merge(&store).await, 0);
    let mut all = rows();
    all.push(new);
    assert_eq!(hours(&store).await, expected(&all));
}

#[tokio::test]
async fn hours_merged_from_lost_rows_end_with_rebuild() {
    let fixture = test_keyspace().await;
    let store = merged_store(&fixture).await;
    let in_january = |row: &PartialHour| row.key.hour < hour("2018-02-01 00");
    let (lost, kept): (Vec<_>, Vec<_>) = rows().into_iter().partition(in_january);
    // Unlike a deletion, this leaves no tombstones.
    execute(&fixture, "TRUNCATE partial_hour").await;
    execute(&fixture, "TRUNCATE merged_hours").await;
    store.put_partials(kept.clone()).await.unwrap();
    assert_eq!(merge(&store).await, MERGED);
    assert_eq!(hours(&store).await, expected(&kept));
    let run = RunId::new(RUN);
    store.begin_rebuild(&run).await.unwrap();
    // Their fold offsets are as they were.
    store.put_partials(lost).await.unwrap();
    assert_eq!(hours(&store).await, expected(&rows()));
    assert_eq!(merge(&store).await, 0, "an unfinished rebuild");
    for _ in 0..2 {
        store.finish_rebuild(&run).await.unwrap();
        assert_eq!(hours(&store).await, expected(&rows()));
        merge(&store).await;
    }
    lose_rows(&fixture, &["2018-01", "2018-02"]).await;
    assert_eq!(hours(&store).await, expected(&rows()), "merged again");
}

#[tokio::test]
async fn deleted_run_leaves_no_merged_hours() {
    let fixture = test_keyspace().await;
    let store = merged_store(&fixture).await;
    let (run, other) = (RunId::new(RUN), RunId::new("other"));
    store.register_run(&other).await.unwrap();
    store
        .switch_run(&other, hour("1970-01-01 00"))
        .await
        .unwrap();
    assert_eq!(hours(&store).await, []);
    store.delete_run(&run).await.unwrap();
    for table in ["partial_hour", "fold_offset", "merged_hours", "run_rebuild"] {
        assert_eq!(count(&fixture, table).await, 0, "{table}");
    }
    // Registered again, it starts without hours.
    store.register_run(&run).await.unwrap();
    store.switch_run(&run, hour("1970-01-01 00")).await.unwrap();
    assert_eq!(hours(&store).await, []);
}

async fn count(fixture: &TestKeyspace, table: &str) -> usize {
    let all = format!("SELECT run FROM {table}");
    let found = fixture.session().await.query_unpaged(all, ()).await;
    found.unwrap().into_rows_result().unwrap().rows_num()
}

#[tokio::test]
async fn reader_has_closed_hours_merged_in_background() {
    let fixture = test_keyspace().await;
    let store = merged_store(&fixture).await;
    execute(&fixture, "TRUNCATE merged_hours").await;
    assert_eq!(hours(&store).await, expected(&rows()));
    let merging = async { while count(&fixture, "merged_hours").await < MERGED {} };
    let merged = tokio::time::timeout(Duration::from_secs(60), merging).await;
    assert!(merged.is_ok());
    lose_rows(&fixture, &["2018-01", "2018-02"]).await;
    assert_eq!(hours(&store).await, expected(&rows()));
}
