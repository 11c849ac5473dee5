//! Publishing: idempotent, acknowledged by all replicas in sync, every delivery report awaited.

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

/// A full queue is looked at again after this long, even where no report came in between.
const ROOM_CHECK: Duration = Duration::from_millis(100);
/// How long the end waits for what nobody waits for any more.
const LAST_FLUSH: Duration = Duration::from_secs(2);

/// A record on its way.
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) headers: Option<OwnedHeaders>,
}

/// The delivery reports that one publish waits for.
pub(super) struct Tally {
    /// Reports to come, and one for the publish itself while it still sends.
    left: AtomicUsize,
    failed: Mutex<Option<KafkaError>>,
    done: Notify,
}

impl Tally {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(1),
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
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
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

pub(super) struct Reports {
    /// Raised by every report: a full queue has room again.
    room: Arc<Notify>,
    last_failure: Arc<LastFailure>,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        client::log(level, fac, message);
    }
    fn stats_raw(&self, _: &[u8]) {}
    fn error(&self, error: KafkaError, reason: &str) {
        self.last_failure.record(&error, reason);
        client::client_error(&error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Arc<Tally>;

    fn delivery(&self, result: &DeliveryResult<'_>, tally: Self::DeliveryOpaque) {
        if let Err((error, _)) = result {
            tally.fail(error.clone());
        }
        tally.count_down();
        self.room.notify_waiters();
    }
}

type Client = ThreadedProducer<Reports>;

/// The producer of a log. A client that failed for good, or found no broker for long, is replaced by
/// a new one.
pub(super) struct Producer {
    config: ClientConfig,
    room: Arc<Notify>,
    last_failure: Arc<LastFailure>,
    outage: Mutex<Outage>,
    /// `None` only once it is closed.
    client: RwLock<Option<Arc<Client>>>,
}

impl Producer {
    /// One whose client is replaced after an outage of `long`.
    pub(super) fn new(config: ClientConfig, long: Duration) -> Result<Self, LogError> {
        let room = Arc::new(Notify::new());
        let last_failure = Arc::default();
        let client = connect(&config, &room, &last_failure)?;
        Ok(Self {
            config,
            room,
            last_failure,
            outage: Mutex::new(Outage::longer_than(long)),
            client: RwLock::new(Some(client)),
        })
    }

    pub(super) fn client(&self) -> Result<Arc<Client>, LogError> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        client
            .clone()
            .ok_or_else(|| LogError::Unavailable("the producer is closed".into()))
    }

    /// What the cluster says of its brokers and of `topic`, or of all topics. Blocks, within `within`.
    pub(super) fn metadata(
        &self,
        topic: Option<&str>,
        within: Duration,
    ) -> Result<Metadata, LogError> {
        let (client, began) = (self.client()?, Instant::now());
        let answer = client.client().fetch_metadata(topic, within);
        let message = "cannot list the kafka topics";
        let answer = answer.map_err(|error| self.last_failure.explain(message, error));
        self.note(&client, began, &answer);
        answer
    }

    /// Sends records in order and returns once all are acknowledged.
    pub(super) async fn send(&self, records: Vec<Outgoing<'_>>) -> Result<(), LogError> {
        let (client, began) = (self.client()?, Instant::now());
        let tally = Tally::new();
        for record in records {
            if let Err(error) = self.enqueue(&client, &tally, record).await {
                tally.fail(error);
                break;
            }
        }
        let result = tally.wait().await;
        let result = result.map_err(|error| client::log_error("cannot publish", error));
        self.note(&client, began, &result);
        result
    }

    /// Puts a record into the client's queue; waits while that is full.
    async fn enqueue(
        &self,
        client: &Client,
        tally: &Arc<Tally>,
        record: Outgoing<'_>,
    ) -> Result<(), KafkaError> {
        let mut next = BaseRecord::with_opaque_to(record.topic, Arc::clone(tally))
            .key(record.key)
            .payload(record.value);
        next.headers = record.headers;
        tally.left.fetch_add(1, Ordering::AcqRel);
        loop {
            let room = self.room.notified();
            let Err((error, back)) = client.send(next) else {
                return Ok(());
            };
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                tally.left.fetch_sub(1, Ordering::AcqRel);
                return Err(error);
            }
            next = back;
            // Either way the queue is tried again.
            let _ = tokio::time::timeout(ROOM_CHECK, room).await;
        }
    }

    /// Replaces a client that will not work again, as far as its last answer tells.
    fn note<T>(&self, client: &Arc<Client>, began: Instant, answer: &Result<T, LogError>) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let is_away = match answer {
            Ok(_) => {
                outage.ended();
                return;
            }
            Err(error) => matches!(error, LogError::Unavailable(_)),
        };
        // An idempotent client that lost its place in a partition's sequence never sends again.
        if let Some((_, reason)) = client.client().fatal_error() {
            self.replace(client, &reason);
        } else if is_away && outage.is_long_since(began) {
            self.replace(client, "no kafka broker for long");
        }
    }

    fn replace(&self, failed: &Arc<Client>, reason: &str) {
        let mut current = self.client.write().unwrap_or_else(PoisonError::into_inner);
        if !current.as_ref().is_some_and(|c| Arc::ptr_eq(c, failed)) {
            return;
        }
        match connect(&self.config, &self.room, &self.last_failure) {
            Ok(client) => {
                tracing::warn!(reason, "a new kafka producer takes over");
                let old = current.replace(client);
                // Whoever still waits for its reports holds it too.
                client::retire("producer", move || drop(old));
            }
            Err(error) => tracing::error!(%error, "cannot replace the failed kafka producer"),
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
        client::close("producer", move || {
            if client.in_flight_count() > 0
                && let Err(error) = client.flush(LAST_FLUSH)
            {
                tracing::warn!(%error, "unacknowledged records are dropped with the kafka producer");
            }
        });
    }
}

fn connect(
    config: &ClientConfig,
    room: &Arc<Notify>,
    last_failure: &Arc<LastFailure>,
) -> Result<Arc<Client>, LogError> {
    let reports = Reports {
        room: Arc::clone(room),
        last_failure: Arc::clone(last_failure),
    };
    Client::from_config_and_context(config, reports)
        .map(Arc::new)
        .map_err(|e| client::log_error("cannot make a kafka producer", e))
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
        let record = Outgoing {
            topic: "tweet",
            key: b"k",
            value: b"v",
            headers: None,
        };
        producer.send(vec![record]).await
    }

    async fn until_sent(producer: &Producer) {
        let deadline = Instant::now() + LONGEST;
        while let Err(error) = send(producer).await {
            assert!(Instant::now() < deadline, "{error}");
        }
    }

    #[tokio::test]
    async fn only_an_outage_that_lasts_ends_with_a_new_client_and_that_one_sends() {
        for (long, is_replaced) in [(Duration::ZERO, true), (LONGEST, false)] {
            let cluster = MockCluster::new(1).unwrap();
            cluster.create_topic("tweet", 1, 1).unwrap();
            let producer = producer(&cluster, long);
            until_sent(&producer).await;
            let before = producer.client().unwrap();

            cluster.broker_down(1).unwrap();
            send(&producer).await.unwrap_err();
            let after = producer.client().unwrap();
            assert_eq!(!Arc::ptr_eq(&before, &after), is_replaced, "{long:?}");

            cluster.broker_up(1).unwrap();
            until_sent(&producer).await;
        }
    }

    #[tokio::test]
    async fn a_cluster_that_cannot_be_listed_is_an_outage_too() {
        let cluster = MockCluster::new(1).unwrap();
        let producer = producer(&cluster, Duration::ZERO);
        let before = producer.client().unwrap();
        cluster.broker_down(1).unwrap();
        producer.metadata(None, SHORT).unwrap_err();
        assert!(!Arc::ptr_eq(&before, &producer.client().unwrap()));
    }
}
