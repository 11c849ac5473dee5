//! The log's promises, on the SQLite log: order, durability, places, watermarks, dead letters.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use moodvane_eventlog::{
    Batch, Consumer, DeadLetter, Event, EventLog, LogError, MAX_KEY_BYTES, NewRecord, SqliteLog,
    SqliteLogConfig, TopicPartition,
};
use moodvane_model::{Offset, Partition, Timestamp, Topic};
use tempfile::TempDir;

const NO_WAIT: Duration = Duration::ZERO;

fn open(dir: &TempDir, partitions: u32) -> SqliteLog {
    SqliteLog::open(SqliteLogConfig {
        path: dir.path().join("log.db"),
        partitions,
    })
    .unwrap()
}

fn record(key: &str, value: &str) -> NewRecord {
    NewRecord {
        key: key.as_bytes().to_vec(),
        value: value.as_bytes().to_vec(),
    }
}

fn numbered(keys: std::ops::Range<u32>) -> Vec<NewRecord> {
    keys.map(|i| record(&format!("k{}", i % 7), &i.to_string()))
        .collect()
}

/// A consumer that has its partitions and begins each at its low watermark.
fn started(log: &SqliteLog, topics: &[Topic]) -> Box<dyn Consumer> {
    let mut consumer = log.consumer("g", topics).unwrap();
    let Event::Assigned(all) = consumer
        .poll(&mut Batch::with_capacity(1), NO_WAIT)
        .unwrap()
    else {
        panic!("the first poll assigns");
    };
    for watermarks in all {
        consumer.start(watermarks.at, watermarks.low).unwrap();
    }
    consumer
}

/// All that is there, per partition, in the order of delivery.
fn drain(consumer: &mut dyn Consumer) -> BTreeMap<TopicPartition, Vec<(u64, String, String)>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    let mut batch = Batch::with_capacity(3);
    while consumer.poll(&mut batch, NO_WAIT).unwrap() == Event::Records {
        assert!((1..=3).contains(&batch.len()));
        for record in batch.iter() {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let row = (record.offset.0, text(record.key), text(record.value));
            all.entry(batch.at()).or_default().push(row);
        }
    }
    all
}

#[tokio::test]
async fn what_is_published_is_consumed_once_per_group_member_in_order() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir, 3);
    log.publish(Topic::Tweet, numbered(0..20)).await.unwrap();
    log.publish(Topic::Tweet, numbered(20..50)).await.unwrap();
    log.publish(Topic::Temperature, numbered(0..5))
        .await
        .unwrap();
    let all = drain(&mut *started(&log, &[Topic::Tweet]));
    let mut values = Vec::new();
    for rows in all.values() {
        let offsets: Vec<u64> = rows.iter().map(|row| row.0).collect();
        assert_eq!(offsets, (0..rows.len() as u64).collect::<Vec<_>>());
        let numbers: Vec<u32> = rows.iter().map(|row| row.2.parse().unwrap()).collect();
        assert!(
            numbers.is_sorted(),
            "records of a partition keep their order"
        );
        values.extend(numbers);
    }
    values.sort_unstable();
    assert_eq!(values, (0..50).collect::<Vec<_>>());
    assert!(all.len() > 1, "keys spread over partitions");
}

#[tokio::test]
async fn equal_keys_lie_in_one_partition() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir, 4);
    log.publish(Topic::Tweet, numbered(0..70)).await.unwrap();
    let mut homes = BTreeMap::new();
    for (at, rows) in drain(&mut *started(&log, &[Topic::Tweet])) {
        for (_, key, _) in rows {
            assert_eq!(*homes.entry(key).or_insert(at), at);
        }
    }
    assert_eq!(homes.len(), 7);
}

#[tokio::test]
async fn nothing_is_delivered_before_the_caller_says_where_to_begin() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir, 1);
    log.publish(Topic::Tweet, numbered(0..4)).await.unwrap();
    let mut consumer = log.consumer("g", &[Topic::Tweet]).unwrap();
    let mut batch = Batch::with_capacity(10);
    let event = consumer.poll(&mut batch, NO_WAIT).unwrap();
    let Event::Assigned(all) = event else {
        panic!("{event:?}")
    };
    assert_eq!(
        (all.len(), all[0].low, all[0].high),
        (1, Offset(0), Offset(4))
    );
    assert_eq!(consumer.poll(&mut batch, NO_WAIT).unwrap(), Event::Idle);
    consumer.start(all[0].at, Offset(2)).unwrap();
    assert_eq!(consumer.poll(&mut batch, NO_WAIT).unwrap(), Event::Records);
    assert_eq!(batch.iter().map(|r| r.offset.0).collect::<Vec<_>>(), [2, 3]);
    consumer.release(&[all[0].at]).unwrap();
    log.publish(Topic::Tweet, numbered(4..5)).await.unwrap();
    assert_eq!(consumer.poll(&mut batch, NO_WAIT).unwrap(), Event::Idle);
}

#[tokio::test]
async fn the_log_outlives_the_process_and_may_gain_partitions() {
    let dir = TempDir::new().unwrap();
    open(&dir, 1)
        .publish(Topic::Tweet, numbered(0..9))
        .await
        .unwrap();
    open(&dir, 1).save_cursor("bluesky", "17").await.unwrap();
    let log = open(&dir, 3);
    assert_eq!(log.cursor("bluesky").await.unwrap().as_deref(), Some("17"));
    assert_eq!(log.cursor("other").await.unwrap(), None);
    log.save_cursor("bluesky", "18").await.unwrap();
    assert_eq!(log.cursor("bluesky").await.unwrap().as_deref(), Some("18"));
    log.publish(Topic::Tweet, numbered(9..30)).await.unwrap();
    let total: usize = drain(&mut *started(&log, &[Topic::Tweet]))
        .values()
        .map(Vec::len)
        .sum();
    assert_eq!(total, 30);
    assert_eq!(
        open(&dir, 1).partitions(),
        3,
        "partitions are never taken away"
    );
}

#[tokio::test]
async fn retention_moves_the_low_watermark_and_keeps_offsets() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir, 1);
    log.publish(Topic::Tweet, numbered(0..5)).await.unwrap();
    assert_eq!(
        log.retain(Timestamp::from_millis(0).unwrap())
            .await
            .unwrap(),
        0
    );
    let end_of_time = Timestamp::parse_rfc3339("9999-01-01T00:00:00Z").unwrap();
    assert_eq!(log.retain(end_of_time).await.unwrap(), 5);
    log.publish(Topic::Tweet, numbered(5..6)).await.unwrap();
    let watermarks = log.watermarks(Topic::Tweet).await.unwrap();
    assert_eq!(
        (watermarks[0].low, watermarks[0].high),
        (Offset(5), Offset(6))
    );
    let all = drain(&mut *started(&log, &[Topic::Tweet]));
    assert_eq!(all.into_values().next().unwrap()[0].0, 5);
}

#[tokio::test]
async fn dead_letters_keep_bytes_place_and_reason() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir, 2);
    let letter = |offset, topic| DeadLetter {
        at: TopicPartition {
            topic,
            partition: Partition(1),
        },
        offset: Offset(offset),
        key: vec![0xff, 0],
        value: vec![1, 2, 0xfe],
        reason: "not JSON".to_owned(),
    };
    let letters = vec![letter(3, Topic::Tweet), letter(9, Topic::Temperature)];
    log.bury(letters.clone()).await.unwrap();
    assert_eq!(
        log.dead_letters(Topic::Tweet, 10).await.unwrap(),
        letters[..1]
    );
    assert_eq!(
        log.dead_letters(Topic::Temperature, 10).await.unwrap(),
        letters[1..]
    );
    assert!(log.dead_letters(Topic::Tweet, 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_record_over_the_limit_is_refused_and_nothing_of_its_batch_is_published() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir, 1);
    let long = NewRecord {
        key: vec![0; MAX_KEY_BYTES + 1],
        value: Vec::new(),
    };
    let error = log
        .publish(Topic::Tweet, vec![record("a", "b"), long])
        .await
        .unwrap_err();
    assert!(
        matches!(error, LogError::TooLarge { part: "key", .. }),
        "{error}"
    );
    assert_eq!(
        log.watermarks(Topic::Tweet).await.unwrap()[0].high,
        Offset(0)
    );
}

#[tokio::test]
async fn a_waiting_consumer_is_woken_by_a_publish() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir, 1);
    let mut consumer = started(&log, &[Topic::Tweet]);
    let waiting = tokio::task::spawn_blocking(move || {
        // Far longer than the test may take: only the publish can end the wait.
        consumer
            .poll(&mut Batch::with_capacity(1), Duration::from_secs(600))
            .unwrap()
    });
    log.publish(Topic::Tweet, numbered(0..1)).await.unwrap();
    assert_eq!(waiting.await.unwrap(), Event::Records);
}
