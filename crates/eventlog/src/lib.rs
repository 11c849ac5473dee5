//! The log: publishes and consumes the topics `temperature` and `tweet`.
//!
//! # From concept to type
//!
//! | concept | type |
//! | --- | --- |
//! | The **log**: topics with partitions, cursors and dead letters | [`EventLog`] |
//! | The log in Kafka, for many processes | [`KafkaLog`], [`KafkaConfig`] |
//! | The log in an SQLite file, for one process | [`SqliteLog`], [`SqliteLogConfig`] |
//! | A **record** to publish | [`NewRecord`] |
//! | A **consumer**: one member of a consumer group | [`Consumer`], [`ConsumerEvent`] |
//! | A **batch** of consumed records of one partition | [`Batch`], [`RecordRef`] |
//! | The **watermarks**: first and next offset of a partition | [`Watermarks`], [`TopicPartition`] |
//! | A **dead letter**: a record that cannot be decoded | [`DeadLetter`] |
//! | A failed operation | [`LogError`] |
//!
//! A **cursor** is the read position of a source; a source saves it after the log acknowledged all
//! records before it.
//!
//! # Guarantees
//!
//! - A record that [`EventLog::publish`] acknowledged is durable and is consumed in order.
//! - Records with equal keys are in one partition, in the order of publishing.
//! - Offsets of a partition only grow; they may have gaps.
//! - A consumer delivers nothing of a partition before it is assigned and started.
//!
//! # Must not know
//!
//! This crate does not know what a record means, hours, or rows. The caller decides where to start
//! reading: the log has no authority over progress.

mod batch;
mod error;
mod kafka;
mod sqlite;

use std::time::Duration;

use async_trait::async_trait;
use moodvane_model::{ContextError, Offset, Partition, Timestamp, Topic};

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

/// A record to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The identity; records with equal keys go to one partition.
    pub key: Vec<u8>,
    /// The JSON of the record.
    pub value: Vec<u8>,
}

impl NewRecord {
    /// Rejects a record over the limits.
    ///
    /// # Errors
    /// [`LogError::TooLarge`] where the key or the value is over its limit.
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

/// The first and the next offset of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// The partition.
    pub topic_partition: TopicPartition,
    /// The offset of the first retained record.
    pub low: Offset,
    /// The lowest offset that the next record can have.
    pub high: Offset,
}

/// The result of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerEvent {
    /// No event within the wait.
    Idle,
    /// The batch holds records of one partition.
    Records,
    /// These partitions are assigned; the consumer delivers nothing of them before
    /// [`Consumer::start`].
    Assigned(Vec<Watermarks>),
    /// These partitions are revoked: flush, then call [`Consumer::release`].
    Revoked(Vec<TopicPartition>),
}

/// A record that cannot be decoded, with its partition and offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The partition of the record.
    pub topic_partition: TopicPartition,
    /// Its offset.
    pub offset: Offset,
    /// Its original key.
    pub key: Vec<u8>,
    /// Its original value, byte for byte.
    pub value: Vec<u8>,
    /// Why it cannot be decoded.
    pub reason: String,
}

/// A log of records, shared by its producers and consumers.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Publishes records in order and returns after all are durable. After an error each record may
    /// or may not be in the log: publish them again, the reader drops duplicates.
    async fn publish(&self, topic: Topic, records: Vec<NewRecord>) -> Result<(), LogError>;

    /// Publishes undecodable records to `<topic>.dead` with reason, partition and offset; returns
    /// after they are durable. After a crash a dead letter may be there twice.
    async fn publish_dead_letters(&self, letters: Vec<DeadLetter>) -> Result<(), LogError>;

    /// The first `limit` dead letters of a topic, oldest first.
    async fn dead_letters(&self, topic: Topic, limit: usize) -> Result<Vec<DeadLetter>, LogError>;

    /// The cursor called `name`; `None` before it is saved for the first time.
    async fn cursor(&self, name: &str) -> Result<Option<String>, LogError>;

    /// The names and values of all cursors whose name ends with `suffix`, in no order. A double
    /// that has no cursors to list has none.
    async fn cursors_with_suffix(&self, suffix: &str) -> Result<Vec<(String, String)>, LogError> {
        let _ = suffix;
        Ok(Vec::new())
    }

    /// Saves the cursor called `name` durably.
    async fn save_cursor(&self, name: &str, cursor: &str) -> Result<(), LogError>;

    /// The watermarks of every partition of a topic.
    async fn watermarks(&self, topic: Topic) -> Result<Vec<Watermarks>, LogError>;

    /// Whether the log is a remote service, which can be unavailable while this process runs.
    fn is_remote(&self) -> bool {
        true
    }

    /// Joins the consumer group `group` for these topics.
    fn consumer(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Consumer>, LogError>;
}

/// One member of a consumer group. It blocks, so it needs its own thread.
pub trait Consumer: Send {
    /// Waits up to `wait` for an event. With [`ConsumerEvent::Records`], `batch` holds records of one
    /// partition, at most its capacity; otherwise it is empty.
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<ConsumerEvent, LogError>;

    /// Starts or restarts the delivery of an assigned partition at `from`.
    fn start(&mut self, at: TopicPartition, from: Offset) -> Result<(), LogError>;

    /// Releases revoked partitions, after the caller flushed what it read of them.
    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError>;

    /// Commits the offsets of the group, for lag tools only: this crate never reads them.
    fn commit(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError>;
}

/// A time that the log wrote.
pub(crate) fn timestamp(ms: i64) -> Result<Timestamp, LogError> {
    Timestamp::from_millis(ms)
        .map_err(|e| LogError::Corrupt(ContextError::caused_by("invalid timestamp of a record", e)))
}

/// Rejects a key or a value over the limits.
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
