//! Reads the whole log, independently of the services.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, KafkaLog, RecordRef};
use moodvane_model::{HourSlot, Observation, Partition, Post, Timestamp, Topic, Variable};
use moodvane_sentiment::{Scorer, ScorerChoice};

use crate::configuration::BOUNDS;
use crate::outcome::Allowance;

const POLL_TIMEOUT: Duration = Duration::from_millis(100);
const BATCH: usize = 2_000;

/// The part of a record that matters to an hour.
#[derive(Debug, Clone)]
pub(crate) struct LogRecord {
    pub(crate) key: Vec<u8>,
    pub(crate) hour: HourSlot,
    /// Its contribution to the hour.
    pub(crate) adds: Allowance,
}

/// A topic's records by partition and offset.
pub(crate) type TopicContents = BTreeMap<Partition, BTreeMap<u64, LogRecord>>;

/// Reads all current records of a topic, as the only member of its own group, on a blocking thread.
pub(crate) async fn read_all(
    log: &KafkaLog,
    topic: Topic,
    within: Duration,
) -> anyhow::Result<TopicContents> {
    let mut left: BTreeMap<Partition, u64> = BTreeMap::new();
    for marks in log.watermarks(topic).await? {
        if marks.low < marks.high {
            left.insert(marks.topic_partition.partition, marks.high.0);
        }
    }
    let log = log.clone();
    let read = move || read(&log, topic, left, Instant::now() + within);
    tokio::task::spawn_blocking(read).await?
}

fn read(
    log: &KafkaLog,
    topic: Topic,
    mut left: BTreeMap<Partition, u64>,
    deadline: Instant,
) -> anyhow::Result<TopicContents> {
    let group = format!("faults-{}", std::process::id());
    let mut consumer = log.consumer(&group, &[topic])?;
    let mut batch = Batch::with_capacity(BATCH);
    let mut scorer = ScorerChoice::default().build()?;
    let mut contents = TopicContents::new();
    while !left.is_empty() {
        ensure!(
            Instant::now() < deadline,
            "cannot read topic {topic} within the time-out"
        );
        match consumer.poll(&mut batch, POLL_TIMEOUT)? {
            ConsumerEvent::Idle => {}
            ConsumerEvent::Assigned(all) => {
                for marks in all {
                    consumer.start(marks.topic_partition, marks.low)?;
                }
            }
            ConsumerEvent::Revoked(_) => bail!("topic {topic} was revoked during the read"),
            ConsumerEvent::Records => {
                let partition = batch.topic_partition().partition;
                let records = contents.entry(partition).or_default();
                for record in batch.iter() {
                    records.insert(record.offset.0, decode(topic, &record, &mut *scorer)?);
                }
                let last = batch.iter().last().map_or(0, |record| record.offset.0);
                if left.get(&partition).is_some_and(|high| last + 1 >= *high) {
                    left.remove(&partition);
                }
            }
        }
    }
    Ok(contents)
}

fn decode(
    topic: Topic,
    record: &RecordRef<'_>,
    scorer: &mut dyn Scorer,
) -> anyhow::Result<LogRecord> {
    let key = record.key.to_vec();
    let read = |hour, adds| LogRecord { key, hour, adds };
    Ok(match topic {
        Topic::Tweet => {
            let post = Post::from_json(record.value)?;
            read(
                hour_of(post.created_at, post.received_at),
                adds(&post, scorer),
            )
        }
        Topic::Temperature => {
            let seen = Observation::from_json(record.value)?;
            let celsius = seen.readings.get(Variable::Temperature);
            let adds = Allowance {
                temperatures: i64::from(celsius.is_some()),
                micros: celsius.map_or(0, |celsius| celsius.micros()),
                ..Allowance::default()
            };
            read(hour_of(seen.observed_at, seen.received_at), adds)
        }
    })
}

fn hour_of(own: Timestamp, received: Timestamp) -> HourSlot {
    BOUNDS.event_hour(own, received)
}

fn adds(post: &Post<'_>, scorer: &mut dyn Scorer) -> Allowance {
    if !scorer.supports_language(post.language) {
        return Allowance {
            unscored: 1,
            ..Allowance::default()
        };
    }
    let class = scorer.score(post.text()).sentiment.class();
    Allowance {
        posts: 1,
        class_sum: i64::from(class),
        ..Allowance::default()
    }
}
