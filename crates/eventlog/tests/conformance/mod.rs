//! Conformance tests of every log. A kind of log implements [`LogFixture`]; [`conformance_tests!`]
//! generates a test of each guarantee.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use moodvane_eventlog::{
    Batch, Consumer, ConsumerEvent, DeadLetter, EventLog, LogError, MAX_KEY_BYTES, NewRecord,
    TopicPartition, Watermarks,
};
use moodvane_model::{Offset, Partition, Topic};

/// Far longer than any test takes: only a hang reaches it.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);
/// The wait of one poll.
pub(crate) const POLL_WAIT: Duration = Duration::from_millis(50);

/// Opens logs of one kind; each value has its own storage.
pub(crate) trait LogFixture {
    /// The log.
    type Log: EventLog + 'static;
    /// Opens the log of this fixture, with at least `partitions` partitions.
    async fn open(&self, partitions: u32) -> Self::Log;
    /// Deletes all records of the topic.
    async fn truncate(&self, log: &Self::Log, topic: Topic);
}

pub(crate) fn record(key: &str, value: &str) -> NewRecord {
    NewRecord {
        key: key.as_bytes().to_vec(),
        value: value.as_bytes().to_vec(),
    }
}

pub(crate) fn numbered(numbers: std::ops::Range<u32>) -> Vec<NewRecord> {
    numbers
        .map(|i| record(&format!("k{}", i % 7), &i.to_string()))
        .collect()
}

/// Polls until an event other than `Idle`.
pub(crate) fn next_event(consumer: &mut dyn Consumer, batch: &mut Batch) -> ConsumerEvent {
    let deadline = Instant::now() + LONGEST;
    while Instant::now() < deadline {
        match consumer.poll(batch, POLL_WAIT) {
            Ok(ConsumerEvent::Idle) => {}
            Ok(event) => return event,
            Err(LogError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no event")
}

/// The assigned partitions of a consumer that just joined.
pub(crate) fn assigned(consumer: &mut dyn Consumer) -> Vec<Watermarks> {
    match next_event(consumer, &mut Batch::with_capacity(1)) {
        ConsumerEvent::Assigned(all) => all,
        event => panic!("expected an assignment first: {event:?}"),
    }
}

/// A consumer whose partitions are assigned and started at the low watermark.
pub(crate) fn started(log: &dyn EventLog, topics: &[Topic]) -> Box<dyn Consumer> {
    let mut consumer = log.consumer("g", topics).unwrap();
    for watermarks in assigned(&mut *consumer) {
        consumer
            .start(watermarks.topic_partition, watermarks.low)
            .unwrap();
    }
    consumer
}

pub(crate) type Rows = BTreeMap<TopicPartition, Vec<(u64, String, String)>>;

/// Reads exactly `count` records, by partition and in order of delivery.
pub(crate) fn drain(consumer: &mut dyn Consumer, count: usize) -> Rows {
    let mut all = Rows::new();
    let mut batch = Batch::with_capacity(3);
    let mut found = 0;
    while found < count {
        let event = next_event(consumer, &mut batch);
        assert_eq!(event, ConsumerEvent::Records);
        assert!((1..=3).contains(&batch.len()));
        found += batch.len();
        for record in batch.iter() {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let row = (record.offset.0, text(record.key), text(record.value));
            all.entry(batch.topic_partition()).or_default().push(row);
        }
    }
    assert_eq!(
        consumer.poll(&mut batch, POLL_WAIT).unwrap(),
        ConsumerEvent::Idle
    );
    assert!(batch.is_empty());
    all
}

pub(crate) async fn delivers_records_once_and_in_order<P: LogFixture>(fixture: P) {
    let log = fixture.open(3).await;
    log.publish(Topic::Tweet, numbered(0..20)).await.unwrap();
    log.publish(Topic::Tweet, numbered(20..50)).await.unwrap();
    log.publish(Topic::Temperature, numbered(0..5))
        .await
        .unwrap();
    let all = drain(&mut *started(&log, &[Topic::Tweet]), 50);
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
    assert!(all.len() > 1, "keys must spread over partitions");
}

pub(crate) async fn consumer_reads_several_topics<P: LogFixture>(fixture: P) {
    let log = fixture.open(2).await;
    log.publish(Topic::Tweet, numbered(0..8)).await.unwrap();
    log.publish(Topic::Temperature, numbered(8..13))
        .await
        .unwrap();
    let all = drain(&mut *started(&log, &Topic::ALL), 13);
    let of = |topic| -> usize {
        let rows = all.iter().filter(|(at, _)| at.topic == topic);
        rows.map(|(_, rows)| rows.len()).sum()
    };
    assert_eq!((of(Topic::Tweet), of(Topic::Temperature)), (8, 5));
}

pub(crate) async fn keeps_equal_keys_in_one_partition<P: LogFixture>(fixture: P) {
    let log = fixture.open(4).await;
    log.publish(Topic::Tweet, numbered(0..70)).await.unwrap();
    let mut homes = BTreeMap::new();
    for (at, rows) in drain(&mut *started(&log, &[Topic::Tweet]), 70) {
        for (_, key, _) in rows {
            assert_eq!(*homes.entry(key).or_insert(at), at);
        }
    }
    assert_eq!(homes.len(), 7);
}

pub(crate) async fn delivers_nothing_before_start<P: LogFixture>(fixture: P) {
    let log = fixture.open(1).await;
    log.publish(Topic::Tweet, numbered(0..4)).await.unwrap();
    let mut consumer = log.consumer("g", &[Topic::Tweet]).unwrap();
    let all = assigned(&mut *consumer);
    assert_eq!(
        (all.len(), all[0].low, all[0].high),
        (1, Offset(0), Offset(4))
    );
    let mut batch = Batch::with_capacity(10);
    assert_eq!(
        consumer.poll(&mut batch, POLL_WAIT).unwrap(),
        ConsumerEvent::Idle
    );
    consumer.start(all[0].topic_partition, Offset(2)).unwrap();
    assert_eq!(
        next_event(&mut *consumer, &mut batch),
        ConsumerEvent::Records
    );
    assert_eq!(batch.iter().map(|r| r.offset.0).collect::<Vec<_>>(), [2, 3]);
    consumer.release(&[all[0].topic_partition]).unwrap();
    log.publish(Topic::Tweet, numbered(4..5)).await.unwrap();
    assert_eq!(
        consumer.poll(&mut batch, POLL_WAIT).unwrap(),
        ConsumerEvent::Idle
    );
}

pub(crate) async fn restarts_partition_at_any_offset<P: LogFixture>(fixture: P) {
    let log = fixture.open(1).await;
    log.publish(Topic::Tweet, numbered(0..500)).await.unwrap();
    let mut consumer = started(&log, &[Topic::Tweet]);
    let mut batch = Batch::with_capacity(10);
    for from in [0, 100, 7, 7, 490, 3] {
        let at = TopicPartition {
            topic: Topic::Tweet,
            partition: Partition(0),
        };
        consumer.start(at, Offset(from)).unwrap();
        let mut next = from;
        for _ in 0..3 {
            if next == 500 {
                break;
            }
            assert_eq!(
                next_event(&mut *consumer, &mut batch),
                ConsumerEvent::Records
            );
            for record in batch.iter() {
                assert_eq!(record.offset.0, next, "after start at {from}");
                next += 1;
            }
        }
    }
}

pub(crate) async fn log_survives_restart_and_gains_partitions<P: LogFixture>(fixture: P) {
    let log = fixture.open(1).await;
    log.publish(Topic::Tweet, numbered(0..9)).await.unwrap();
    drop(log);
    let log = fixture.open(1).await;
    log.save_cursor("bluesky", "17").await.unwrap();
    drop(log);
    let log = fixture.open(3).await;
    assert_eq!(log.cursor("bluesky").await.unwrap().as_deref(), Some("17"));
    assert_eq!(log.cursor("other").await.unwrap(), None);
    log.save_cursor("bluesky", "18").await.unwrap();
    assert_eq!(log.cursor("bluesky").await.unwrap().as_deref(), Some("18"));
    log.save_cursor("nws:nyc:stale", "5").await.unwrap();
    log.save_cursor("nws:nyc:stale", "6").await.unwrap();
    log.save_cursor("owm:nyc:stale", "fresh").await.unwrap();
    let mut stale = log.cursors_with_suffix(":stale").await.unwrap();
    stale.sort();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [pair("nws:nyc:stale", "6"), pair("owm:nyc:stale", "fresh")];
    assert_eq!(stale, expected);
    log.publish(Topic::Tweet, numbered(9..30)).await.unwrap();
    let all = drain(&mut *started(&log, &[Topic::Tweet]), 30);
    assert!(all.len() > 1, "new partitions must be used");
    let log = fixture.open(1).await;
    let partitions = log.watermarks(Topic::Tweet).await.unwrap().len();
    assert_eq!(partitions, 3, "partitions are never removed");
}

pub(crate) async fn deleted_records_raise_low_watermark_and_keep_offsets<P: LogFixture>(
    fixture: P,
) {
    let log = fixture.open(1).await;
    log.publish(Topic::Tweet, numbered(0..5)).await.unwrap();
    fixture.truncate(&log, Topic::Tweet).await;
    log.publish(Topic::Tweet, numbered(5..6)).await.unwrap();
    let watermarks = log.watermarks(Topic::Tweet).await.unwrap();
    assert_eq!(
        (watermarks[0].low, watermarks[0].high),
        (Offset(5), Offset(6))
    );
    let all = drain(&mut *started(&log, &[Topic::Tweet]), 1);
    assert_eq!(all.into_values().next().unwrap()[0].0, 5);
}

pub(crate) async fn dead_letters_keep_bytes_offset_and_reason<P: LogFixture>(fixture: P) {
    let log = fixture.open(2).await;
    let letter = |offset, topic| DeadLetter {
        topic_partition: TopicPartition {
            topic,
            partition: Partition(1),
        },
        offset: Offset(offset),
        key: vec![0xff, 0],
        value: vec![1, 2, 0xfe],
        reason: "not JSON".to_owned(),
    };
    let letters = vec![
        letter(3, Topic::Tweet),
        letter(4, Topic::Tweet),
        letter(9, Topic::Temperature),
    ];
    log.publish_dead_letters(letters.clone()).await.unwrap();
    let tweets = log.dead_letters(Topic::Tweet, 10).await.unwrap();
    assert_eq!(tweets, letters[..2]);
    let temperatures = log.dead_letters(Topic::Temperature, 10).await.unwrap();
    assert_eq!(temperatures, letters[2..]);
    let oldest = log.dead_letters(Topic::Tweet, 1).await.unwrap();
    assert_eq!(oldest, letters[..1]);
    assert!(log.dead_letters(Topic::Tweet, 0).await.unwrap().is_empty());
}

pub(crate) async fn accepts_empty_keys_and_values<P: LogFixture>(fixture: P) {
    let log = fixture.open(1).await;
    log.publish(Topic::Tweet, vec![record("", ""), record("k", "")])
        .await
        .unwrap();
    let all = drain(&mut *started(&log, &[Topic::Tweet]), 2);
    let rows = all.into_values().next().unwrap();
    assert_eq!(rows[0].1, "");
    assert_eq!((rows[1].1.as_str(), rows[1].2.as_str()), ("k", ""));
}

pub(crate) async fn rejects_batch_with_record_over_limit<P: LogFixture>(fixture: P) {
    let log = fixture.open(1).await;
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
    let watermarks = log.watermarks(Topic::Tweet).await.unwrap();
    assert_eq!(watermarks[0].high, Offset(0));
}

pub(crate) async fn accepts_record_at_limit<P: LogFixture>(fixture: P) {
    let log = fixture.open(1).await;
    let largest = NewRecord {
        key: vec![b'k'; MAX_KEY_BYTES],
        value: vec![b'v'; moodvane_eventlog::MAX_VALUE_BYTES],
    };
    log.publish(Topic::Tweet, vec![largest.clone()])
        .await
        .unwrap();
    let mut consumer = started(&log, &[Topic::Tweet]);
    let mut batch = Batch::with_capacity(1);
    assert_eq!(
        next_event(&mut *consumer, &mut batch),
        ConsumerEvent::Records
    );
    let found = batch.iter().next().unwrap();
    assert_eq!((found.key, found.value), (&*largest.key, &*largest.value));
}

pub(crate) async fn publish_wakes_waiting_consumer<P: LogFixture>(fixture: P) {
    let log = fixture.open(1).await;
    let mut consumer = started(&log, &[Topic::Tweet]);
    let waiting = tokio::task::spawn_blocking(move || {
        // Far longer than the test may take: only the publish ends the wait.
        let wait = Duration::from_secs(600);
        consumer.poll(&mut Batch::with_capacity(1), wait).unwrap()
    });
    log.publish(Topic::Tweet, numbered(0..1)).await.unwrap();
    assert_eq!(waiting.await.unwrap(), ConsumerEvent::Records);
}

/// Generates a test per guarantee, each with its own `$fixture`.
#[allow(unused_macros)]
macro_rules! conformance_tests {
    ($fixture:expr; $($name:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            conformance::$name($fixture).await;
        })+
    };
    ($fixture:expr) => {
        conformance_tests!($fixture;
            delivers_records_once_and_in_order,
            consumer_reads_several_topics,
            keeps_equal_keys_in_one_partition,
            delivers_nothing_before_start,
            restarts_partition_at_any_offset,
            log_survives_restart_and_gains_partitions,
            deleted_records_raise_low_watermark_and_keep_offsets,
            dead_letters_keep_bytes_offset_and_reason,
            accepts_empty_keys_and_values,
            rejects_batch_with_record_over_limit,
            accepts_record_at_limit,
            publish_wakes_waiting_consumer,
        );
    };
}
#[allow(unused_imports)]
pub(crate) use conformance_tests;
