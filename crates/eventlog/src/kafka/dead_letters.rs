//! Dead letters: the original bytes in topic `<topic>.dead`; reason, partition and offset in headers.

use moodvane_model::{Offset, Partition, Topic};
use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message as _, OwnedHeaders};

use super::KafkaConfig;
use super::names::TopicNames;
use super::reader::read_topic;
use crate::{DeadLetter, LogError, TopicPartition};

const REASON: &str = "moodvane.reason";
const PARTITION: &str = "moodvane.partition";
const OFFSET: &str = "moodvane.offset";
/// The longest reason, in bytes; the rest is cut off.
const MAX_REASON_BYTES: usize = 4_096;

/// The headers of a dead letter.
pub(super) fn dead_letter_headers(letter: &DeadLetter) -> OwnedHeaders {
    let reason = &letter.reason[..letter.reason.floor_char_boundary(MAX_REASON_BYTES)];
    let header = |key, value| Header {
        key,
        value: Some(value),
    };
    OwnedHeaders::new()
        .insert(header(REASON, reason))
        .insert(header(
            PARTITION,
            letter.topic_partition.partition.0.to_string().as_str(),
        ))
        .insert(header(OFFSET, letter.offset.0.to_string().as_str()))
}

/// The oldest dead letters of a topic. Blocks.
pub(super) fn read_dead_letters(
    config: &KafkaConfig,
    names: &TopicNames,
    topic: Topic,
    limit: usize,
) -> Result<Vec<DeadLetter>, LogError> {
    let mut found = Vec::new();
    let group = names.group("moodvane.reader");
    read_topic(config, &group, &names.dead(topic), limit, |message| {
        let order = (
            message.timestamp().to_millis(),
            message.partition(),
            message.offset(),
        );
        found.push((order, dead_letter_of(topic, message)));
    })?;
    found.sort_by_key(|(order, _)| *order);
    Ok(found
        .into_iter()
        .take(limit)
        .map(|(_, letter)| letter)
        .collect())
}

/// The dead letter of a message. Missing headers do not fail: other programs may write to the topic.
fn dead_letter_of(topic: Topic, message: &BorrowedMessage<'_>) -> DeadLetter {
    let header = |key: &str| {
        let headers = message.headers()?;
        let found = headers.iter().find(|header| header.key == key)?;
        Some(String::from_utf8_lossy(found.value?).into_owned())
    };
    let number = |key: &str| header(key).and_then(|text| text.parse::<u64>().ok());
    let partition = number(PARTITION).and_then(|n| u32::try_from(n).ok());
    DeadLetter {
        topic_partition: TopicPartition {
            topic,
            partition: Partition(partition.unwrap_or_default()),
        },
        offset: Offset(number(OFFSET).unwrap_or_default()),
        key: message.key().unwrap_or_default().to_vec(),
        value: message.payload().unwrap_or_default().to_vec(),
        reason: header(REASON).unwrap_or_else(|| "no reason given".to_owned()),
    }
}
