//! The promises of every log, whatever it is made of. A kind of log says how to open one and how to
//! lose its records; [`promises!`] makes a test of each promise.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use moodvane_eventlog::{
    Batch, Consumer, ConsumerEvent, DeadLetter, EventLog, LogError, MAX_KEY_BYTES, NewRecord,
    TopicPartition, Watermarks,
};
use moodvane_model::{Offset, Partition, Topic};

/// Far longer than anything here takes: only a hang reaches it.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);
/// A look at what is there by now.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(50);

/// Where logs of one kind lie; each value is a place of its own.
pub(crate) trait Place {
    /// The log.
    type Log: EventLog + 'static;
    /// Opens the log of this place, with at least so many partitions.
    async fn open(&self, partitions: u32) -> Self::Log;
    /// Removes all records that are in the topic.
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

/// Polls until something other than silence comes.
pub(crate) fn next_event(consumer: &mut dyn Consumer, batch: &mut Batch) -> ConsumerEvent {
    let deadline = Instant::now() + LONGEST;
    while Instant::now() < deadline {
        match consumer.poll(batch, A_MOMENT) {
            Ok(ConsumerEvent::Idle) => {}
            Ok(event) => return event,
            Err(LogError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("nothing came")
}

/// The partitions that are assigned to a consumer that just joined.
pub(crate) fn assigned(consumer: &mut dyn Consumer) -> Vec<Watermarks> {
    match next_event(consumer, &mut Batch::with_capacity(1)) {
        ConsumerEvent::Assigned(all) => all,
        event => panic!("the first event assigns: {event:?}"),
    }
}

/// A consumer that has its partitions and begins each at its low watermark.
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

/// So many records, per partition, in the order of delivery; there must not be more.
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
        consumer.poll(&mut batch, A_MOMENT).unwrap(),
        ConsumerEvent::Idle
    );
    assert!(batch.is_empty());
    all
}

pub(crate) async fn records_come_once_and_in_order<P: Place>(place: P) {
    let log = place.open(3).await;
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
    assert!(all.len() > 1, "keys spread over partitions");
}

pub(crate) async fn one_consumer_may_read_several_topics<P: Place>(place: P) {
    let log = place.open(2).await;
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

pub(crate) async fn equal_keys_lie_in_one_partition<P: Place>(place: P) {
    let log = place.open(4).await;
    log.publish(Topic::Tweet, numbered(0..70)).await.unwrap();
    let mut homes = BTreeMap::new();
    for (at, rows) in drain(&mut *started(&log, &[Topic::Tweet]), 70) {
        for (_, key, _) in rows {
            assert_eq!(*homes.entry(key).or_insert(at), at);
        }
    }
    assert_eq!(homes.len(), 7);
}

pub(crate) async fn nothing_is_delivered_before_the_caller_says_where_to_begin<P: Place>(place: P) {
    let log = place.open(1).await;
    log.publish(Topic::Tweet, numbered(0..4)).await.unwrap();
    let mut consumer = log.consumer("g", &[Topic::Tweet]).unwrap();
    let all = assigned(&mut *consumer);
    assert_eq!(
        (all.len(), all[0].low, all[0].high),
        (1, Offset(0), Offset(4))
    );
    let mut batch = Batch::with_capacity(10);
    assert_eq!(
        consumer.poll(&mut batch, A_MOMENT).unwrap(),
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
        consumer.poll(&mut batch, A_MOMENT).unwrap(),
        ConsumerEvent::Idle
    );
}

pub(crate) async fn a_partition_can_be_begun_again_anywhere_while_it_is_read<P: Place>(place: P) {
    let log = place.open(1).await;
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
                assert_eq!(record.offset.0, next, "after beginning at {from}");
                next += 1;
            }
        }
    }
}

pub(crate) async fn the_log_outlives_the_process_and_may_gain_partitions<P: Place>(place: P) {
    let log = place.open(1).await;
    log.publish(Topic::Tweet, numbered(0..9)).await.unwrap();
    drop(log);
    let log = place.open(1).await;
    log.save_cursor("bluesky", "17").await.unwrap();
    drop(log);
    let log = place.open(3).await;
    assert_eq!(log.cursor("bluesky").await.unwrap().as_deref(), Some("17"));
    assert_eq!(log.cursor("other").await.unwrap(), None);
    log.save_cursor("bluesky", "18").await.unwrap();
    assert_eq!(log.cursor("bluesky").await.unwrap().as_deref(), Some("18"));
    log.publish(Topic::Tweet, numbered(9..30)).await.unwrap();
    let all = drain(&mut *started(&log, &[Topic::Tweet]), 30);
    assert!(all.len() > 1, "the new partitions are used");
    let log = place.open(1).await;
    let partitions = log.watermarks(Topic::Tweet).await.unwrap().len();
    assert_eq!(partitions, 3, "partitions are never taken away");
}

pub(crate) async fn lost_records_move_the_low_watermark_and_keep_offsets<P: Place>(place: P) {
    let log = place.open(1).await;
    log.publish(Topic::Tweet, numbered(0..5)).await.unwrap();
    place.truncate(&log, Topic::Tweet).await;
    log.publish(Topic::Tweet, numbered(5..6)).await.unwrap();
    let watermarks = log.watermarks(Topic::Tweet).await.unwrap();
    assert_eq!(
        (watermarks[0].low, watermarks[0].high),
        (Offset(5), Offset(6))
    );
    let all = drain(&mut *started(&log, &[Topic::Tweet]), 1);
    assert_eq!(all.into_values().next().unwrap()[0].0, 5);
}

pub(crate) async fn dead_letters_keep_bytes_place_and_reason<P: Place>(place: P) {
    let log = place.open(2).await;
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

pub(crate) async fn empty_keys_and_values_are_records_too<P: Place>(place: P) {
    let log = place.open(1).await;
    log.publish(Topic::Tweet, vec![record("", ""), record("k", "")])
        .await
        .unwrap();
    let all = drain(&mut *started(&log, &[Topic::Tweet]), 2);
    let rows = all.into_values().next().unwrap();
    assert_eq!(rows[0].1, "");
    assert_eq!((rows[1].1.as_str(), rows[1].2.as_str()), ("k", ""));
}

pub(crate) async fn a_record_over_the_limit_is_refused_and_nothing_of_its_batch_is_published<
    P: Place,
>(
    place: P,
) {
    let log = place.open(1).await;
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

pub(crate) async fn a_record_of_the_largest_size_passes<P: Place>(place: P) {
    let log = place.open(1).await;
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

pub(crate) async fn a_waiting_consumer_is_woken_by_a_publish<P: Place>(place: P) {
    let log = place.open(1).await;
    let mut consumer = started(&log, &[Topic::Tweet]);
    let waiting = tokio::task::spawn_blocking(move || {
        // Far longer than the test may take: only the publish can end the wait.
        let wait = Duration::from_secs(600);
        consumer.poll(&mut Batch::with_capacity(1), wait).unwrap()
    });
    log.publish(Topic::Tweet, numbered(0..1)).await.unwrap();
    assert_eq!(waiting.await.unwrap(), ConsumerEvent::Records);
}

/// A test per promise, each in a place of its own that `$place` makes.
#[allow(unused_macros)]
macro_rules! promises {
    ($place:expr; $($promise:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            conformance::$promise($place).await;
        })+
    };
    ($place:expr) => {
        promises!($place;
            records_come_once_and_in_order,
            one_consumer_may_read_several_topics,
            equal_keys_lie_in_one_partition,
            nothing_is_delivered_before_the_caller_says_where_to_begin,
            a_partition_can_be_begun_again_anywhere_while_it_is_read,
            the_log_outlives_the_process_and_may_gain_partitions,
            lost_records_move_the_low_watermark_and_keep_offsets,
            dead_letters_keep_bytes_place_and_reason,
            empty_keys_and_values_are_records_too,
            a_record_over_the_limit_is_refused_and_nothing_of_its_batch_is_published,
            a_record_of_the_largest_size_passes,
            a_waiting_consumer_is_woken_by_a_publish,
        );
    };
}
#[allow(unused_imports)]
pub(crate) use promises;
