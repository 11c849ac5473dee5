//! Outages of the Kafka cluster: operations fail within a bound, nothing hangs, and the log recovers.
//! Against a closed port, and against librdkafka's mock cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

mod conformance;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use conformance::{LONGEST, POLL_WAIT, next_event, numbered};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, KafkaConfig, KafkaLog, LogError};
use moodvane_model::{Offset, Topic};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

/// Time-out of the tests' logs, and the bound on an operation.
const SHORT: Duration = Duration::from_millis(500);
const BOUND: Duration = Duration::from_secs(15);

fn config(servers: &str) -> KafkaConfig {
    let mut config = KafkaConfig::new(servers);
    config.partitions = 1;
    config.request_timeout = SHORT;
    config.delivery_timeout = SHORT;
    config
}

/// An address without a listener.
fn closed_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn assert_unavailable<T>(result: Result<T, LogError>, what: &str) {
    match result {
        Err(LogError::Unavailable(_)) => {}
        Err(error) => panic!("{what}: {error:?}"),
        Ok(_) => panic!("{what} succeeded"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_fail_within_bound_without_broker() {
    let began = Instant::now();
    let servers = closed_address();
    let opened = KafkaLog::open(config(&servers)).await;
    assert_unavailable(opened, "open");
    let log = KafkaLog::new(config(&servers)).unwrap();
    let published = log.publish(Topic::Tweet, numbered(0..3)).await;
    assert_unavailable(published, "publish");
    assert_unavailable(log.watermarks(Topic::Tweet).await, "watermarks");
    assert_unavailable(log.cursor("a").await, "cursor");
    assert_unavailable(log.save_cursor("a", "1").await, "save_cursor");
    assert_unavailable(log.dead_letters(Topic::Tweet, 1).await, "dead_letters");
    let mut consumer = log.consumer("g", &[Topic::Tweet]).unwrap();
    let mut batch = Batch::with_capacity(1);
    while let Ok(event) = consumer.poll(&mut batch, POLL_WAIT) {
        assert_eq!(event, ConsumerEvent::Idle);
        assert!(began.elapsed() < BOUND, "idle polls hide the outage");
    }
    assert_unavailable(consumer.poll(&mut batch, POLL_WAIT), "poll again");
    drop(consumer);
    drop(log);
    assert!(began.elapsed() < 2 * BOUND, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovers_after_broker_outage() {
    let cluster = MockCluster::<DefaultProducerContext>::new(1).unwrap();
    cluster.create_topic("tweet", 1, 1).unwrap();
    let log = KafkaLog::new(config(&cluster.bootstrap_servers())).unwrap();
    let publish = async |numbers| log.publish(Topic::Tweet, numbered(numbers)).await;
    wait_until_available(async || publish(0..3).await).await;
    let mut consumer = conformance::started(&log, &[Topic::Tweet]);
    let mut batch = Batch::with_capacity(100);
    assert_eq!(
        next_event(&mut *consumer, &mut batch),
        ConsumerEvent::Records
    );
    let high = log.watermarks(Topic::Tweet).await.unwrap()[0].high;

    cluster.broker_down(1).unwrap();
    assert_unavailable(publish(3..6).await, "publish");
    let deadline = Instant::now() + LONGEST;
    while let Ok(event) = consumer.poll(&mut batch, POLL_WAIT) {
        assert!(
            matches!(event, ConsumerEvent::Idle | ConsumerEvent::Records),
            "{event:?}"
        );
        assert!(Instant::now() < deadline, "idle polls hide the outage");
    }

    cluster.broker_up(1).unwrap();
    wait_until_available(async || publish(6..9).await).await;
    let mut seen = Vec::new();
    while !seen.contains(&"8".to_owned()) {
        match next_event(&mut *consumer, &mut batch) {
            ConsumerEvent::Records => {}
            // The mock cluster forgets the members of the group.
            ConsumerEvent::Revoked(all) => consumer.release(&all).unwrap(),
            ConsumerEvent::Assigned(all) => consumer
                .start(all[0].topic_partition, high.max(Offset(0)))
                .unwrap(),
            ConsumerEvent::Idle => {}
        }
        seen.extend(
            batch
                .iter()
                .map(|r| String::from_utf8(r.value.to_vec()).unwrap()),
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replaces_client_after_outage_longer_than_session() {
    let cluster = MockCluster::<DefaultProducerContext>::new(1).unwrap();
    cluster.create_topic("tweet", 1, 1).unwrap();
    let mut config = config(&cluster.bootstrap_servers());
    config.session_timeout = Duration::from_secs(6);
    config.max_poll_interval = LONGEST;
    let log = KafkaLog::new(config).unwrap();
    let publish = async || log.publish(Topic::Tweet, numbered(0..3)).await;
    wait_until_available(publish).await;
    let mut consumer = conformance::started(&log, &[Topic::Tweet]);
    let mut batch = Batch::with_capacity(100);
    assert_eq!(
        next_event(&mut *consumer, &mut batch),
        ConsumerEvent::Records
    );
    let at = batch.topic_partition();

    cluster.broker_down(1).unwrap();
    // The broker is down and cannot revoke: the replaced client lost its partitions.
    assert_eq!(
        next_event(&mut *consumer, &mut batch),
        ConsumerEvent::Revoked(vec![at])
    );
    consumer.release(&[at]).unwrap();

    cluster.broker_up(1).unwrap();
    let ConsumerEvent::Assigned(all) = next_event(&mut *consumer, &mut batch) else {
        panic!("expected an assignment of the new client");
    };
    assert_eq!(all[0].topic_partition, at);
    consumer.start(at, Offset(0)).unwrap();
    assert_eq!(
        next_event(&mut *consumer, &mut batch),
        ConsumerEvent::Records
    );
}

async fn wait_until_available(work: impl AsyncFn() -> Result<(), LogError>) {
    let deadline = Instant::now() + LONGEST;
    loop {
        match work().await {
            Ok(()) => return,
            Err(LogError::Unavailable(_)) if Instant::now() < deadline => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drops_consumer_within_bound_without_broker() {
    let cluster = MockCluster::<DefaultProducerContext>::new(1).unwrap();
    cluster.create_topic("tweet", 1, 1).unwrap();
    let log = KafkaLog::new(config(&cluster.bootstrap_servers())).unwrap();
    wait_until_available(async || log.publish(Topic::Tweet, numbered(0..3)).await).await;
    let mut consumer = conformance::started(&log, &[Topic::Tweet]);
    let mut batch = Batch::with_capacity(100);
    assert_eq!(
        next_event(&mut *consumer, &mut batch),
        ConsumerEvent::Records
    );
    cluster.broker_down(1).unwrap();
    consumer
        .commit(&[(batch.topic_partition(), Offset(3))])
        .unwrap();
    let began = Instant::now();
    drop(consumer);
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replaces_producer_after_fatal_error() {
    let cluster = MockCluster::<DefaultProducerContext>::new(1).unwrap();
    cluster.create_topic("tweet", 1, 1).unwrap();
    let mut config = config(&cluster.bootstrap_servers());
    config.delivery_timeout = BOUND;
    let log = KafkaLog::new(config).unwrap();
    let publish = async || log.publish(Topic::Tweet, numbered(0..1)).await;
    wait_until_available(publish).await;
    let sequence_error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    cluster.request_errors(RDKafkaApiKey::Produce, &[sequence_error]);
    assert_unavailable(publish().await, "publish");
    publish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distinguishes_rejection_from_outage() {
    let cluster = MockCluster::<DefaultProducerContext>::new(1).unwrap();
    cluster.create_topic("tweet", 1, 1).unwrap();
    let log = KafkaLog::new(config(&cluster.bootstrap_servers())).unwrap();
    let publish = async || log.publish(Topic::Tweet, numbered(0..1)).await;
    wait_until_available(publish).await;
    let rejection = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::Produce, &[rejection]);
    let error = publish().await.unwrap_err();
    assert!(matches!(error, LogError::Rejected(_)), "{error:?}");
}
