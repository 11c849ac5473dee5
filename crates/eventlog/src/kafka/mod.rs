//! The log in Kafka: what scales out and survives the loss of machines.
//!
//! A topic is a Kafka topic of the same name, behind a prefix; `<topic>.dead` holds its dead
//! letters and `moodvane.cursors`, compacted, the cursors. A partition is a Kafka partition. A
//! group is a consumer group, which shares out partitions and shows ordinary tools how far it is;
//! where to begin reading is our caller's to say.
//!
//! Guarantee: a publish returns once every record is in all replicas in sync, in order and not
//! doubled by retries of its own. The time of writing is the broker's.
//!
//! It must not know what records mean, and never reads a group's offsets back.

mod brokers;
mod client;
mod config;
mod consumer;
mod context;
mod cursors;
mod dead;
mod last_failure;
mod names;
mod outage;
mod producer;
mod protected;
mod reader;
mod security;
mod slots;
mod topics;

use std::sync::Arc;

use async_trait::async_trait;
use moodvane_model::Topic;
use rdkafka::producer::Producer as _;
use tokio::runtime::Handle;

pub use config::{Compression, KafkaConfig, KafkaConfigError};
pub use security::{KafkaSecurity, SaslCredentials, SaslMechanism, TlsAuthorities};

use crate::{
    Consumer, DeadLetter, EventLog, LogError, NewRecord, TopicPartition, Watermarks, check_size,
};
use consumer::KafkaConsumer;
use names::Names;
use producer::{Outgoing, Producer};

/// The log in a Kafka cluster.
#[derive(Clone)]
pub struct KafkaLog {
    inner: Arc<Inner>,
}

struct Inner {
    config: KafkaConfig,
    names: Names,
    producer: Producer,
}

impl KafkaLog {
    /// Connects and makes sure that the topics are there as they must be.
    ///
    /// # Errors
    /// [`LogError::Config`] where the configuration has a fault; [`LogError::Unavailable`] where
    /// the cluster does not answer; [`LogError::Mismatch`] where it refuses us, or a topic has
    /// settings that the guarantees do not bear.
    pub async fn open(config: KafkaConfig) -> Result<Self, LogError> {
        let log = Self::new(config)?;
        log.ensure_topics().await?;
        Ok(log)
    }

    /// A log whose cluster need not answer yet; see [`KafkaLog::ensure_topics`].
    ///
    /// # Errors
    /// [`LogError::Config`] where the configuration has a fault.
    pub fn new(config: KafkaConfig) -> Result<Self, LogError> {
        if let Some(fault) = config.validate().into_iter().next() {
            return Err(fault.into());
        }
        if config.security.bares_password() {
            tracing::warn!("the kafka password goes over a way that is not encrypted");
        }
        let names = Names::new(&config.topic_prefix);
        let producer = Producer::new(config.producer(), config.session_timeout)?;
        let inner = Arc::new(Inner {
            config,
            names,
            producer,
        });
        Ok(Self { inner })
    }

    /// Makes the topics that are absent, gives more partitions to those that have too few, and
    /// checks their settings. It may be called again, by many processes at once.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] where the cluster does not answer in time;
    /// [`LogError::Mismatch`] where it refuses us, or a topic has too few replicas or settings
    /// that the guarantees do not bear.
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
            .map_err(|e| LogError::Unavailable(format!("the log's worker ended: {e}").into()))?
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
            outgoing.push(Outgoing {
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
                records.push(Outgoing {
                    topic: name,
                    key: &letter.key,
                    value: &letter.value,
                    headers: Some(dead::headers_of(letter)),
                });
            }
        }
        self.inner.producer.send(records).await
    }

    async fn dead_letters(&self, topic: Topic, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        self.blocking(move |inner| dead::letters(&inner.config, &inner.names, topic, limit))
            .await
    }

    async fn cursor(&self, name: &str) -> Result<Option<String>, LogError> {
        let name = name.to_owned();
        self.blocking(move |inner| cursors::load(&inner.config, &inner.names, &name))
            .await
    }

    async fn save_cursor(&self, name: &str, cursor: &str) -> Result<(), LogError> {
        check_size(name.as_bytes(), cursor.as_bytes())?;
        let topic = self.inner.names.cursors();
        let record = Outgoing {
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
        let within = self.config.request_timeout;
        let metadata = self.producer.metadata(Some(name), within)?;
        let producer = self.producer.client()?;
        let failed = |e| client::log_error("cannot read the kafka watermarks", e);
        let found = metadata.topics().iter().find(|t| t.name() == name);
        let mut all = Vec::new();
        for partition in found.iter().flat_map(|t| t.partitions()) {
            let marks = producer
                .client()
                .fetch_watermarks(name, partition.id(), within)
                .map_err(failed)?;
            let partition = moodvane_model::Partition(partition.id() as u32);
            all.push(names::watermarks(
                TopicPartition { topic, partition },
                marks,
            ));
        }
        if all.is_empty() {
            return Err(LogError::Unavailable(
                format!("the kafka topic {name} is not there").into(),
            ));
        }
        all.sort_by_key(|w| w.topic_partition);
        Ok(all)
    }
}
