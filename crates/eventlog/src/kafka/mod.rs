//! The log in Kafka: it scales out and survives the loss of machines.
//!
//! Terms: a topic is a Kafka topic of the same name, with a prefix; `<topic>.dead` holds its dead
//! letters, and the compacted topic `moodvane.cursors` the cursors. A group is a consumer group: it
//! assigns partitions, and its committed offsets show the lag to ordinary tools. The caller decides
//! where to start reading.
//!
//! Guarantee: a publish returns after all in-sync replicas have every record, in order; retries do
//! not duplicate records. The broker sets the time of writing.
//!
//! Must not know: what records mean. It never reads the committed offsets of a group.

mod assignment;
mod brokers;
mod client;
mod config;
mod consumer;
mod context;
mod cursors;
mod dead_letters;
mod group_client;
mod last_failure;
mod names;
mod outage;
mod producer;
mod protected;
mod reader;
mod security;
mod stall;
mod topics;

use std::sync::Arc;

use async_trait::async_trait;
use moodvane_model::{ContextError, Topic};
use rdkafka::producer::Producer as _;
use tokio::runtime::Handle;

pub use config::{Compression, KafkaConfig, KafkaConfigError};
pub use security::{KafkaSecurity, SaslCredentials, SaslMechanism, TlsAuthorities};

use crate::{
    Consumer, DeadLetter, EventLog, LogError, NewRecord, TopicPartition, Watermarks, check_size,
};
use consumer::KafkaConsumer;
use names::TopicNames;
use producer::{OutgoingRecord, Producer};

/// The log in a Kafka cluster.
#[derive(Clone)]
pub struct KafkaLog {
    inner: Arc<Inner>,
}

struct Inner {
    config: KafkaConfig,
    names: TopicNames,
    producer: Producer,
}

impl KafkaLog {
    /// Connects, creates missing topics and checks their settings.
    ///
    /// # Errors
    /// [`LogError::Config`] where the configuration is invalid; [`LogError::Unavailable`] where the
    /// cluster does not answer; [`LogError::Rejected`] where it rejects this client;
    /// [`LogError::Mismatch`] where a topic has too few replicas or incompatible settings.
    pub async fn open(config: KafkaConfig) -> Result<Self, LogError> {
        let log = Self::new(config)?;
        log.ensure_topics().await?;
        Ok(log)
    }

    /// A log whose cluster may still be unreachable; see [`KafkaLog::ensure_topics`].
    ///
    /// # Errors
    /// [`LogError::Config`] where the configuration is invalid.
    pub fn new(config: KafkaConfig) -> Result<Self, LogError> {
        if let Some(error) = config.validate().into_iter().next() {
            return Err(error.into());
        }
        if config.security.sends_plain_password() {
            tracing::warn!("kafka password is sent over an unencrypted connection");
        }
        let names = TopicNames::new(&config.topic_prefix);
        let producer = Producer::new(config.producer(), config.session_timeout)?;
        let inner = Arc::new(Inner {
            config,
            names,
            producer,
        });
        Ok(Self { inner })
    }

    /// Creates missing topics, adds missing partitions and checks the settings. Idempotent; several
    /// processes may call it at once.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] where the cluster does not answer in time;
    /// [`LogError::Rejected`] where it rejects this client; [`LogError::Mismatch`] where a topic has
    /// too few replicas or incompatible settings.
    pub async fn ensure_topics(&self) -> Result<(), LogError> {
        let runtime = Handle::current();
        self.blocking(move |inner| {
            topics::ensure(&inner.config, &inner.names, &inner.producer, &runtime)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(|e| LogError::Unavailable(ContextError::caused_by("log task failed", e)))?
    }
}

#[async_trait]
impl EventLog for KafkaLog {
    async fn publish(&self, topic: Topic, records: Vec<NewRecord>) -> Result<(), LogError> {
        records
            .iter()
            .try_for_each(|record| check_size(&record.key, &record.value))?;
        let topic = self.inner.names.live(topic);
        let mut outgoing = Vec::with_capacity(records.len());
        for NewRecord { key, value } in &records {
            outgoing.push(OutgoingRecord {
                topic,
                key,
                value,
                headers: None,
            });
        }
        self.inner.producer.send(outgoing).await
    }

    async fn publish_dead_letters(&self, letters: Vec<DeadLetter>) -> Result<(), LogError> {
        let names = Topic::ALL.map(|topic| self.inner.names.dead(topic));
        let mut records = Vec::with_capacity(letters.len());
        for (topic, name) in Topic::ALL.iter().zip(&names) {
            for letter in letters
                .iter()
                .filter(|letter| letter.topic_partition.topic == *topic)
            {
                records.push(OutgoingRecord {
                    topic: name,
                    key: &letter.key,
                    value: &letter.value,
                    headers: Some(dead_letters::dead_letter_headers(letter)),
                });
            }
        }
        self.inner.producer.send(records).await
    }

    async fn dead_letters(&self, topic: Topic, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        self.blocking(move |inner| {
            dead_letters::read_dead_letters(&inner.config, &inner.names, topic, limit)
        })
        .await
    }

    async fn cursor(&self, name: &str) -> Result<Option<String>, LogError> {
        let name = name.to_owned();
        self.blocking(move |inner| cursors::load_cursor(&inner.config, &inner.names, &name))
            .await
    }

    async fn cursors_with_suffix(&self, suffix: &str) -> Result<Vec<(String, String)>, LogError> {
        let suffix = suffix.to_owned();
        self.blocking(move |inner| {
            cursors::load_cursors_with_suffix(&inner.config, &inner.names, &suffix)
        })
        .await
    }

    async fn save_cursor(&self, name: &str, cursor: &str) -> Result<(), LogError> {
        check_size(name.as_bytes(), cursor.as_bytes())?;
        let topic = self.inner.names.cursors();
        let record = OutgoingRecord {
            topic: &topic,
            key: name.as_bytes(),
            value: cursor.as_bytes(),
            headers: None,
        };
        self.inner.producer.send(vec![record]).await
    }

    async fn watermarks(&self, topic: Topic) -> Result<Vec<Watermarks>, LogError> {
        self.blocking(move |inner| inner.watermarks(topic)).await
    }

    fn consumer(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Consumer>, LogError> {
        let Inner { config, names, .. } = &*self.inner;
        Ok(Box::new(KafkaConsumer::join(config, names, group, topics)?))
    }
}

impl Inner {
    fn watermarks(&self, topic: Topic) -> Result<Vec<Watermarks>, LogError> {
        let name = self.names.live(topic);
        let timeout = self.config.request_timeout;
        let metadata = self.producer.metadata(Some(name), timeout)?;
        let producer = self.producer.client()?;
        let failed = |e| client::log_error("cannot read kafka watermarks", e);
        let found = metadata.topics().iter().find(|t| t.name() == name);
        let mut all = Vec::new();
        for partition in found.iter().flat_map(|t| t.partitions()) {
            let marks = producer
                .client()
                .fetch_watermarks(name, partition.id(), timeout)
                .map_err(failed)?;
            let partition = moodvane_model::Partition(partition.id() as u32);
            all.push(names::watermarks(
                TopicPartition { topic, partition },
                marks,
            ));
        }
        if all.is_empty() {
            return Err(LogError::Unavailable(
                format!("kafka topic {name} does not exist").into(),
            ));
        }
        all.sort_by_key(|w| w.topic_partition);
        Ok(all)
    }
}
