//! The log: the topics `temperature` and `tweet`, published and consumed.
//!
//! Terms: a *record* has a key and a value; it lies in a *partition* of a *topic* at an *offset*.
//! Records of equal keys lie in one partition, in the order in which they were published. A
//! *watermark* is where a partition begins or ends. A *cursor* is where a source stood when all
//! before it was acknowledged. A *dead letter* is a record that nobody could read.
//!
//! Guarantee: what [`EventLog::publish`] acknowledged is durable and will be consumed in order.
//! Offsets of a partition only grow; they may have gaps. Nothing is consumed without an
//! assignment first.
//!
//! This crate knows nothing of what a record means, of hours, or of rows. Where to begin reading
//! is its caller's to say: the log keeps no authority over progress.

mod batch;
mod error;
mod kafka;
mod sqlite;

use std::time::Duration;

use async_trait::async_trait;
use moodvane_model::{Offset, Partition, Timestamp, Topic};

pub use batch::{Batch, RecordRef};
pub use error::LogError;
pub use kafka::{
    Compression, KafkaConfig, KafkaConfigError, KafkaLog, KafkaSecurity, SaslCredentials,
    SaslMechanism, TlsAuthorities,
};
pub use sqlite::{SqliteLog, SqliteLogConfig};

/// The longest value of a record, in bytes.
pub const MAX_VALUE_BYTES: usize = 1_000_000;
/// The longest key of a record, in bytes.
pub const MAX_KEY_BYTES: usize = 1_024;

/// A record to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The identity; equal keys go to one partition.
    pub key: Vec<u8>,
    /// The JSON of the topic.
    pub value: Vec<u8>,
}

impl NewRecord {
    /// Refuses a record that no log takes.
    ///
    /// # Errors
    /// [`LogError::TooLarge`] where its key or its value is over the limit.
    pub fn check_size(&self) -> Result<(), LogError> {
        check_size(&self.key, &self.value)
    }
}

/// One partition of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: Partition,
}

/// Where a partition begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// The partition.
    pub topic_partition: TopicPartition,
    /// The first offset that is still there.
    pub low: Offset,
    /// The offset that the next record will have at the earliest.
    pub high: Offset,
}

/// What a poll found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerEvent {
    /// Nothing within the wait.
    Idle,
    /// The batch holds records of one partition.
    Records,
    /// These partitions are this consumer's now; nothing of them is delivered before
    /// [`Consumer::start`].
    Assigned(Vec<Watermarks>),
    /// These partitions are to be let go: flush, then call [`Consumer::release`].
    Revoked(Vec<TopicPartition>),
}

/// A record that nobody could read, with the place where it lay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The partition it lay in.
    pub topic_partition: TopicPartition,
    /// Its offset there.
    pub offset: Offset,
    /// Its original key.
    pub key: Vec<u8>,
    /// Its original value, byte for byte.
    pub value: Vec<u8>,
    /// Why it could not be read.
    pub reason: String,
}

/// A log of records, shared by all who publish to it or consume from it.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Publishes records in order and returns once all are durable. Where it fails, any of them
    /// may or may not be in the log: publish them again, duplicates are the reader's to drop.
    async fn publish(&self, topic: Topic, records: Vec<NewRecord>) -> Result<(), LogError>;

    /// Puts unreadable records into `<topic>.dead` with their reasons and places; returns once
    /// they are durable. The same letter may arrive twice after a crash.
    async fn publish_dead_letters(&self, letters: Vec<DeadLetter>) -> Result<(), LogError>;

    /// The first `limit` dead letters of a topic, oldest first.
    async fn dead_letters(&self, topic: Topic, limit: usize) -> Result<Vec<DeadLetter>, LogError>;

    /// Where the source called `name` stood, or `None` where it never said.
    async fn cursor(&self, name: &str) -> Result<Option<String>, LogError>;

    /// Remembers, durably, where the source called `name` stands.
    async fn save_cursor(&self, name: &str, cursor: &str) -> Result<(), LogError>;

    /// Where every partition of a topic begins and ends.
    async fn watermarks(&self, topic: Topic) -> Result<Vec<Watermarks>, LogError>;

    /// Whether it can be away while this process runs. A file of this process's own cannot.
    fn is_remote(&self) -> bool {
        true
    }

    /// A member of the consumer group `group` for the given topics.
    fn consumer(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Consumer>, LogError>;
}

/// One member of a consumer group. Blocking: it belongs to a thread of its own.
pub trait Consumer: Send {
    /// Waits up to `wait` for something to happen. With [`ConsumerEvent::Records`], `batch` holds at most
    /// its capacity of records of one partition; otherwise it is empty.
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<ConsumerEvent, LogError>;

    /// Begins (or begins again) to deliver an assigned partition from `from`.
    fn start(&mut self, at: TopicPartition, from: Offset) -> Result<(), LogError>;

    /// Lets go of partitions that were revoked, after what was read of them is flushed.
    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError>;

    /// Tells the log's own tools how far the group is. Nothing here ever reads it back.
    fn commit(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError>;
}

/// A moment that the log itself wrote.
pub(crate) fn timestamp(ms: i64) -> Result<Timestamp, LogError> {
    Timestamp::from_millis(ms).map_err(|e| LogError::Corrupt(e.to_string().into()))
}

/// Refuses what is over the limits of a record.
pub(crate) fn check_size(key: &[u8], value: &[u8]) -> Result<(), LogError> {
    let limit = |part, len, max| {
        if len > max {
            Err(LogError::TooLarge { part, len, max })
        } else {
            Ok(())
        }
    };
    limit("key", key.len(), MAX_KEY_BYTES)?;
    limit("value", value.len(), MAX_VALUE_BYTES)
}
