//! The first hour for which the log is complete.
//!
//! Retention removes records from the start of a partition. A record of an hour is written no
//! earlier than the start of that hour, less the time that a source's clock may be ahead. So an hour
//! is complete if the oldest remaining record was written before that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, TopicPartition, Watermarks};
use moodvane_model::{HourSlot, Offset, RunId, Timestamp, Topic};
use moodvane_processor::ProcessorConfig;

/// The longest wait for the oldest records.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// The first hour for which the log has every record: the earliest hour if retention has removed
/// nothing.
pub(crate) async fn first_complete_hour(
    log: &Arc<dyn EventLog>,
    config: &ProcessorConfig,
    run: &RunId,
    now: Timestamp,
) -> anyhow::Result<HourSlot> {
    let mut truncated: Vec<Watermarks> = Vec::new();
    for topic in Topic::ALL {
        truncated.extend(log.watermarks(topic).await?);
    }
    truncated.retain(|marks| marks.low > Offset::ZERO);
    if truncated.is_empty() {
        return Ok(HourSlot::from_index(0)?);
    }
    let group = format!("moodvane.oldest.{run}");
    let log = Arc::clone(log);
    let read = move || oldest_write_time(&*log, &group, &truncated, now);
    let oldest = tokio::task::spawn_blocking(read).await??;
    let ahead = i64::from(config.engine.bounds.ahead_ms);
    let from = Timestamp::checked_add_millis(oldest, ahead)?;
    let hour = HourSlot::containing(from);
    if hour.start() == from {
        return Ok(hour);
    }
    hour.checked_add(1)
        .context("the oldest record is in the last representable hour")
}

/// The write time of the oldest record of each partition; the latest of them. An emptied partition
/// is complete only from now on.
fn oldest_write_time(
    log: &dyn EventLog,
    group: &str,
    truncated: &[Watermarks],
    now: Timestamp,
) -> anyhow::Result<Timestamp> {
    if truncated.iter().any(|marks| marks.low >= marks.high) {
        return Ok(now);
    }
    let mut oldest_by_partition: BTreeMap<TopicPartition, Option<Timestamp>> = truncated
        .iter()
        .map(|marks| (marks.topic_partition, None))
        .collect();
    let mut consumer = log.consumer(group, &Topic::ALL)?;
    let mut batch = Batch::with_capacity(1);
    let deadline = Instant::now() + READ_TIMEOUT;
    while oldest_by_partition.values().any(Option::is_none) {
        if Instant::now() >= deadline {
            bail!(
                "the oldest records of the log did not arrive within {} s",
                READ_TIMEOUT.as_secs()
            );
        }
        match consumer.poll(&mut batch, POLL_TIMEOUT)? {
            ConsumerEvent::Idle => {}
            ConsumerEvent::Assigned(all) => {
                for marks in all
                    .iter()
                    .filter(|marks| oldest_by_partition.contains_key(&marks.topic_partition))
                {
                    consumer.start(marks.topic_partition, marks.low)?;
                }
            }
            ConsumerEvent::Revoked(partitions) => consumer.release(&partitions)?,
            ConsumerEvent::Records => {
                let first = batch.iter().next().map(|record| record.written_at);
                if let Some(oldest) = oldest_by_partition
                    .get_mut(&batch.topic_partition())
                    .filter(|o| o.is_none())
                {
                    *oldest = first;
                }
            }
        }
    }
    let latest = oldest_by_partition.into_values().flatten().max();
    latest.context("no partition has lost records")
}
