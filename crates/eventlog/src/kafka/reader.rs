//! Reads a whole topic once, outside of any group: for dead letters and cursors.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use moodvane_model::ContextError;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::KafkaConfig;
use super::client::{LoggingContext, close_in_background, log_error};
use crate::LogError;

/// Calls `each` with the first `limit` messages of every partition, up to its current end. Blocks;
/// fails at the request time-out after the last message.
pub(super) fn read_topic(
    config: &KafkaConfig,
    group: &str,
    topic: &str,
    limit: usize,
    each: impl FnMut(&BorrowedMessage<'_>),
) -> Result<(), LogError> {
    let failure = format!("cannot read kafka topic {topic}");
    let failed = |e: KafkaError| log_error(&failure, e);
    let guard = ConsumerGuard(Some(connect(config, group).map_err(failed)?));
    let Some(consumer) = &guard.0 else {
        return Ok(());
    };
    let metadata = consumer
        .fetch_metadata(Some(topic), config.request_timeout)
        .map_err(failed)?;
    let found = metadata.topics().iter().find(|t| t.name() == topic);
    let mut remaining: BTreeMap<i32, usize> = found
        .iter()
        .flat_map(|t| t.partitions())
        .map(|p| (p.id(), limit))
        .collect();
    if remaining.is_empty() {
        let cause = ContextError::new("topic does not exist");
        return Err(LogError::Unavailable(ContextError::caused_by(
            failure, cause,
        )));
    }
    assign(consumer, topic, remaining.keys().copied()).map_err(failed)?;
    remaining.retain(|_, limit| *limit > 0);
    poll_remaining(consumer, remaining, config.request_timeout, &failure, each)
}

fn connect(config: &KafkaConfig, group: &str) -> Result<BaseConsumer<LoggingContext>, KafkaError> {
    let mut client = config.reader();
    // librdkafka requires a group; without a subscription the client does not join it.
    client
        .set("group.id", group)
        .set("enable.partition.eof", "true")
        // An empty fetch shows that a partition ends. A broker delays it by half a second by default,
        // which would delay the start of every source.
        .set("fetch.wait.max.ms", "10")
        .set("auto.offset.reset", "earliest");
    BaseConsumer::from_config_and_context(&client, LoggingContext)
}

fn assign(
    consumer: &BaseConsumer<LoggingContext>,
    topic: &str,
    partitions: impl Iterator<Item = i32>,
) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)
}

/// Polls until every partition has ended or returned as many messages as `remaining` says.
fn poll_remaining(
    consumer: &BaseConsumer<LoggingContext>,
    mut remaining: BTreeMap<i32, usize>,
    timeout: Duration,
    failure: &str,
    mut each: impl FnMut(&BorrowedMessage<'_>),
) -> Result<(), LogError> {
    let mut deadline = Instant::now() + timeout;
    while !remaining.is_empty() {
        let wait = deadline.saturating_duration_since(Instant::now());
        match consumer.poll(wait) {
            Some(Ok(message)) => {
                if let Some(limit) = remaining.get_mut(&message.partition()) {
                    each(&message);
                    *limit -= 1;
                }
                remaining.retain(|_, limit| *limit > 0);
                deadline = Instant::now() + timeout;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                remaining.remove(&partition);
            }
            // librdkafka retries transient errors by itself.
            Some(Err(error)) => match log_error(failure, error) {
                LogError::Unavailable(_) => {}
                permanent => return Err(permanent),
            },
            None => {}
        }
        if Instant::now() >= deadline && !remaining.is_empty() {
            let cause = ContextError::new(format!("no answer within {} ms", timeout.as_millis()));
            return Err(LogError::Unavailable(ContextError::caused_by(
                failure, cause,
            )));
        }
    }
    Ok(())
}

/// Closes the consumer in the background when it is dropped.
struct ConsumerGuard(Option<BaseConsumer<LoggingContext>>);

impl Drop for ConsumerGuard {
    fn drop(&mut self) {
        let consumer = self.0.take();
        close_in_background("reader", move || drop(consumer));
    }
}
