//! Reading a whole topic once, outside of any group: for dead letters and cursors.

use std::collections::BTreeMap;
use std::time::Instant;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::KafkaConfig;
use super::client::{Quiet, log_error, retire};
use crate::LogError;

/// Calls `each` with the first `limit` messages of every partition, up to where the partition ends
/// now. Blocks, within the request time-out after the last message.
pub(super) fn read(
    config: &KafkaConfig,
    group: &str,
    topic: &str,
    limit: usize,
    mut each: impl FnMut(&BorrowedMessage<'_>),
) -> Result<(), LogError> {
    let doing = format!("cannot read the kafka topic {topic}");
    let failed = |e: KafkaError| log_error(&doing, e);
    let mut client = config.reader();
    // A member of no group all the same: it never subscribes. The library asks for a name.
    client
        .set("group.id", group)
        .set("enable.partition.eof", "true")
        // That a partition ends here is told by a fetch that finds nothing, and a broker holds such a
        // one back for half a second: every source begins with this.
        .set("fetch.wait.max.ms", "10")
        .set("auto.offset.reset", "earliest");
    let consumer = Closing(Some(
        BaseConsumer::from_config_and_context(&client, Quiet).map_err(failed)?,
    ));
    let Some(consumer) = &consumer.0 else {
        return Ok(());
    };
    let metadata = consumer
        .fetch_metadata(Some(topic), config.request_timeout)
        .map_err(failed)?;
    let found = metadata.topics().iter().find(|t| t.name() == topic);
    let mut left: BTreeMap<i32, usize> = found
        .iter()
        .flat_map(|t| t.partitions())
        .map(|p| (p.id(), limit))
        .collect();
    if left.is_empty() {
        return Err(LogError::Unavailable(
            format!("{doing}: it is not there").into(),
        ));
    }
    assign(consumer, topic, left.keys().copied()).map_err(failed)?;
    left.retain(|_, limit| *limit > 0);
    let mut deadline = Instant::now() + config.request_timeout;
    while !left.is_empty() {
        let wait = deadline.saturating_duration_since(Instant::now());
        match consumer.poll(wait) {
            Some(Ok(message)) => {
                if let Some(limit) = left.get_mut(&message.partition()) {
                    each(&message);
                    *limit -= 1;
                }
                left.retain(|_, limit| *limit > 0);
                deadline = Instant::now() + config.request_timeout;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                left.remove(&partition);
            }
            // The library retries by itself: only what waiting does not mend ends the reading.
            Some(Err(error)) => match failed(error) {
                LogError::Unavailable(_) => {}
                permanent => return Err(permanent),
            },
            None => {}
        }
        if Instant::now() >= deadline && !left.is_empty() {
            return Err(LogError::Unavailable(
                format!("{doing}: no answer in time").into(),
            ));
        }
    }
    Ok(())
}

fn assign(
    consumer: &BaseConsumer<Quiet>,
    topic: &str,
    partitions: impl Iterator<Item = i32>,
) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)
}

/// A consumer whose end nobody waits for.
struct Closing(Option<BaseConsumer<Quiet>>);

impl Drop for Closing {
    fn drop(&mut self) {
        let consumer = self.0.take();
        retire("reader", move || drop(consumer));
    }
}
