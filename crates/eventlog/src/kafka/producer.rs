//! The producer: idempotent, acknowledged by all in-sync replicas, waits for every delivery report.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::Notify;

use super::client;
use super::last_failure::LastFailure;
use super::outage::Outage;
use crate::LogError;

/// A full queue is retried after this long, even without a delivery report in between.
const QUEUE_RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// How long closing the producer waits for abandoned records.
const CLOSE_FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// A record to send.
pub(super) struct OutgoingRecord<'a> {
    pub(super) topic: &'a str,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) headers: Option<OwnedHeaders>,
}

/// The delivery reports that one publish waits for.
pub(super) struct PendingDeliveries {
    /// Missing reports, and one for the publish itself while it still sends.
    pending: AtomicUsize,
    failed: Mutex<Option<KafkaError>>,
    done: Notify,
}

impl PendingDeliveries {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            pending: AtomicUsize::new(1),
            failed: Mutex::new(None),
            done: Notify::new(),
        })
    }

    fn fail(&self, error: KafkaError) {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
    }

    fn count_down(&self) {
        if self.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }

    async fn wait(&self) -> Result<(), KafkaError> {
        self.count_down();
        self.done.notified().await;
        let failed = self
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        failed.map_or(Ok(()), Err)
    }
}

pub(super) struct DeliveryContext {
    /// Notified by every report: a full queue has room again.
    room: Arc<Notify>,
    last_failure: Arc<LastFailure>,
}

impl ClientContext for DeliveryContext {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        client::log_line(level, fac, message);
    }
    fn stats_raw(&self, _: &[u8]) {}
    fn error(&self, error: KafkaError, reason: &str) {
        self.last_failure.record(&error, reason);
        client::log_client_error(&error, reason);
    }
}

impl ProducerContext for DeliveryContext {
    type DeliveryOpaque = Arc<PendingDeliveries>;

    fn delivery(&self, result: &DeliveryResult<'_>, deliveries: Self::DeliveryOpaque) {
        if let Err((error, _)) = result {
            deliveries.fail(error.clone());
        }
        deliveries.count_down();
        self.room.notify_waiters();
    }
}

type Client = ThreadedProducer<DeliveryContext>;

/// The producer of a log. It replaces a client that failed permanently or reached no broker for long.
pub(super) struct Producer {
    config: ClientConfig,
    room: Arc<Notify>,
    last_failure: Arc<LastFailure>,
    outage: Mutex<Outage>,
    /// `None` only after the producer is closed.
    client: RwLock<Option<Arc<Client>>>,
}

impl Producer {
    /// A producer that replaces its client after an outage of `max_outage`.
    pub(super) fn new(config: ClientConfig, max_outage: Duration) -> Result<Self, LogError> {
        let room = Arc::new(Notify::new());
        let last_failure = Arc::default();
        let client = connect(&config, &room, &last_failure)?;
        Ok(Self {
            config,
            room,
            last_failure,
            outage: Mutex::new(Outage::with_threshold(max_outage)),
            client: RwLock::new(Some(client)),
        })
    }

    pub(super) fn client(&self) -> Result<Arc<Client>, LogError> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        client
            .clone()
            .ok_or_else(|| LogError::Unavailable("kafka producer is closed".into()))
    }

    /// The metadata of the brokers and of `topic`, or of all topics. Blocks for at most `timeout`.
    pub(super) fn metadata(
        &self,
        topic: Option<&str>,
        timeout: Duration,
    ) -> Result<Metadata, LogError> {
        let (client, began) = (self.client()?, Instant::now());
        let answer = client.client().fetch_metadata(topic, timeout);
        let message = "cannot list kafka topics";
        let answer = answer.map_err(|error| self.last_failure.explain(message, error));
        self.record_result(&client, began, &answer);
        answer
    }

    /// Sends records in order and returns once all are acknowledged.
    pub(super) async fn send(&self, records: Vec<OutgoingRecord<'_>>) -> Result<(), LogError> {
        let (client, began) = (self.client()?, Instant::now());
        let deliveries = PendingDeliveries::new();
        for record in records {
            if let Err(error) = self.enqueue(&client, &deliveries, record).await {
                deliveries.fail(error);
                break;
            }
        }
        let result = deliveries.wait().await;
        let result = result.map_err(|error| client::log_error("cannot publish to kafka", error));
        self.record_result(&client, began, &result);
        result
    }

    /// Adds a record to the client's queue; waits while the queue is full.
    async fn enqueue(
        &self,
        client: &Client,
        deliveries: &Arc<PendingDeliveries>,
        record: OutgoingRecord<'_>,
    ) -> Result<(), KafkaError> {
        let mut next = BaseRecord::with_opaque_to(record.topic, Arc::clone(deliveries))
            .key(record.key)
            .payload(record.value);
        next.headers = record.headers;
        deliveries.pending.fetch_add(1, Ordering::AcqRel);
        loop {
            let room = self.room.notified();
            let Err((error, rejected)) = client.send(next) else {
                return Ok(());
            };
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                deliveries.pending.fetch_sub(1, Ordering::AcqRel);
                return Err(error);
            }
            next = rejected;
            // A time-out and a notification both lead to the next attempt.
            let _ = tokio::time::timeout(QUEUE_RETRY_INTERVAL, room).await;
        }
    }

    /// Records the result of a request. Replaces the client where it does not recover by itself.
    fn record_result<T>(&self, client: &Arc<Client>, began: Instant, answer: &Result<T, LogError>) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let is_unavailable = match answer {
            Ok(_) => {
                outage.record_success();
                return;
            }
            Err(error) => matches!(error, LogError::Unavailable(_)),
        };
        // After a sequence error an idempotent client never sends again.
        if let Some((_, reason)) = client.client().fatal_error() {
            self.replace(client, &reason);
        } else if is_unavailable && outage.record_failure_since(began) {
            self.replace(client, "no kafka broker reachable");
        }
    }

    fn replace(&self, failed: &Arc<Client>, reason: &str) {
        let mut current = self.client.write().unwrap_or_else(PoisonError::into_inner);
        if !current.as_ref().is_some_and(|c| Arc::ptr_eq(c, failed)) {
            return;
        }
        match connect(&self.config, &self.room, &self.last_failure) {
            Ok(client) => {
                tracing::warn!(reason, "replacing kafka producer client");
                let old = current.replace(client);
                // A publish that still waits for its reports holds a reference too.
                client::close_in_background("producer", move || drop(old));
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "cannot replace kafka producer client"
                );
            }
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        let client = self
            .client
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(client) = client else { return };
        client::close_with_timeout("producer", move || {
            if client.in_flight_count() > 0
                && let Err(error) = client.flush(CLOSE_FLUSH_TIMEOUT)
            {
                tracing::warn!(%error, "kafka producer closed with unacknowledged records");
            }
        });
    }
}

fn connect(
    config: &ClientConfig,
    room: &Arc<Notify>,
    last_failure: &Arc<LastFailure>,
) -> Result<Arc<Client>, LogError> {
    let context = DeliveryContext {
        room: Arc::clone(room),
        last_failure: Arc::clone(last_failure),
    };
    Client::from_config_and_context(config, context)
        .map(Arc::new)
        .map_err(|e| client::log_error("cannot create kafka producer", e))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;

    use super::*;

    const SHORT: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);

    fn producer(cluster: &MockCluster<'_, DefaultProducerContext>, long: Duration) -> Producer {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .set("message.timeout.ms", SHORT.as_millis().to_string());
        Producer::new(config, long).unwrap()
    }

    async fn send(producer: &Producer) -> Result<(), LogError> {
        let record = OutgoingRecord {
            topic: "tweet",
            key: b"k",
            value: b"v",
            headers: None,
        };
        producer.send(vec![record]).await
    }

    async fn send_until_delivered(producer: &Producer) {
        let deadline = Instant::now() + LONGEST;
        while let Err(error) = send(producer).await {
            assert!(Instant::now() < deadline, "{error}");
        }
    }

    #[tokio::test]
    async fn replaces_client_only_after_long_outage() {
        for (long, is_replaced) in [(Duration::ZERO, true), (LONGEST, false)] {
            let cluster = MockCluster::new(1).unwrap();
            cluster.create_topic("tweet", 1, 1).unwrap();
            let producer = producer(&cluster, long);
            send_until_delivered(&producer).await;
            let before = producer.client().unwrap();

            cluster.broker_down(1).unwrap();
            send(&producer).await.unwrap_err();
            let after = producer.client().unwrap();
            assert_eq!(!Arc::ptr_eq(&before, &after), is_replaced, "{long:?}");

            cluster.broker_up(1).unwrap();
            send_until_delivered(&producer).await;
        }
    }

    #[tokio::test]
    async fn failed_metadata_request_counts_as_outage() {
        let cluster = MockCluster::new(1).unwrap();
        let producer = producer(&cluster, Duration::ZERO);
        let before = producer.client().unwrap();
        cluster.broker_down(1).unwrap();
        producer.metadata(None, SHORT).unwrap_err();
        assert!(!Arc::ptr_eq(&before, &producer.client().unwrap()));
    }
}
