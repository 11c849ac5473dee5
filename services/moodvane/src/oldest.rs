//! From which hour on the log is whole.
//!
//! Retention shortens a partition from its beginning. A record of an hour is written at the
//! earliest when the hour begins, less the time that a source's clock may be ahead; so an hour is
//! whole where the oldest record that is left was written before that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, TopicPartition, Watermarks};
use moodvane_model::{HourSlot, Offset, RunId, Timestamp, Topic};
use moodvane_processor::ProcessorConfig;

/// How long the oldest records may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// The first hour for which the log still has every record: the very first where nothing was
/// removed.
pub(crate) async fn first_whole_hour(
    log: &Arc<dyn EventLog>,
    config: &ProcessorConfig,
    run: &RunId,
    now: Timestamp,
) -> anyhow::Result<HourSlot> {
    let mut shortened: Vec<Watermarks> = Vec::new();
    for topic in Topic::ALL {
        shortened.extend(log.watermarks(topic).await?);
    }
    shortened.retain(|marks| marks.low > Offset::ZERO);
    if shortened.is_empty() {
        return Ok(HourSlot::from_index(0)?);
    }
    let group = format!("moodvane.oldest.{run}");
    let log = Arc::clone(log);
    let read = move || oldest_written(&*log, &group, &shortened, now);
    let oldest = tokio::task::spawn_blocking(read).await??;
    let ahead = i64::from(config.engine.bounds.ahead_ms);
    let from = Timestamp::checked_add_millis(oldest, ahead)?;
    let hour = HourSlot::containing(from);
    if hour.start() == from {
        return Ok(hour);
    }
    hour.checked_add(1)
        .context("the log begins at the end of time")
}

/// When the oldest record was written, of the partition where that was last. A partition with
/// nothing left is whole only from now on.
fn oldest_written(
    log: &dyn EventLog,
    group: &str,
    shortened: &[Watermarks],
    now: Timestamp,
) -> anyhow::Result<Timestamp> {
    if shortened.iter().any(|marks| marks.low >= marks.high) {
        return Ok(now);
    }
    let mut wanted: BTreeMap<TopicPartition, Option<Timestamp>> = shortened
        .iter()
        .map(|marks| (marks.topic_partition, None))
        .collect();
    let mut consumer = log.consumer(group, &Topic::ALL)?;
    let mut batch = Batch::with_capacity(1);
    let deadline = Instant::now() + PATIENCE;
    while wanted.values().any(Option::is_none) {
        if Instant::now() >= deadline {
            bail!("the oldest records of the log did not arrive in time");
        }
        match consumer.poll(&mut batch, POLL)? {
            ConsumerEvent::Idle => {}
            ConsumerEvent::Assigned(all) => {
                for marks in all
                    .iter()
                    .filter(|marks| wanted.contains_key(&marks.topic_partition))
                {
                    consumer.start(marks.topic_partition, marks.low)?;
                }
            }
            ConsumerEvent::Revoked(partitions) => consumer.release(&partitions)?,
            ConsumerEvent::Records => {
                let first = batch.iter().next().map(|record| record.written_at);
                if let Some(oldest) = wanted
                    .get_mut(&batch.topic_partition())
                    .filter(|o| o.is_none())
                {
                    *oldest = first;
                }
            }
        }
    }
    let last = wanted.into_values().flatten().max();
    last.context("no partition was asked for")
}
