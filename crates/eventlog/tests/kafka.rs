//! The conformance tests on Kafka, and tests of its topics and groups. Every test has its own topics
//! on a real broker.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

mod conformance;
mod kafka_cluster;

use std::time::Duration;

use conformance::{LogFixture, conformance_tests, numbered, started};
use kafka_cluster::{Cluster, admin, options};
use moodvane_eventlog::{Batch, ConsumerEvent, EventLog, KafkaLog, LogError};
use moodvane_model::{Offset, Topic};
use rdkafka::admin::{NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, TopicPartitionList};

impl LogFixture for Cluster {
    type Log = KafkaLog;

    async fn open(&self, partitions: u32) -> KafkaLog {
        KafkaLog::open(self.config(partitions)).await.unwrap()
    }

    async fn truncate(&self, log: &KafkaLog, topic: Topic) {
        let mut to = TopicPartitionList::new();
        for marks in log.watermarks(topic).await.unwrap() {
            let partition = marks.topic_partition.partition.0 as i32;
            to.add_partition_offset(&self.name(topic), partition, rdkafka::Offset::End)
                .unwrap();
        }
        let done = admin().delete_records(&to, &options()).await.unwrap();
        assert!(done.elements().iter().all(|e| e.error().is_ok()));
    }
}

conformance_tests!(Cluster::new());

#[tokio::test]
async fn concurrent_opens_create_topics_with_required_settings() {
    let cluster = Cluster::new();
    let (a, b) = tokio::join!(cluster.open(3), cluster.open(3));
    a.publish(Topic::Tweet, numbered(0..5)).await.unwrap();
    b.publish(Topic::Tweet, numbered(5..9)).await.unwrap();
    let name = cluster.name(Topic::Tweet);
    let dead = format!("{name}.dead");
    let cursors = format!("{}moodvane.cursors", cluster.prefix);
    for (topic, policy) in [(&name, "delete"), (&dead, "delete"), (&cursors, "compact")] {
        let found = admin()
            .describe_configs([&ResourceSpecifier::Topic(topic)], &options())
            .await
            .unwrap();
        let settings = found[0].as_ref().unwrap();
        let value = |key| settings.get(key).unwrap().value.clone().unwrap();
        assert_eq!(value("cleanup.policy"), policy, "{topic}");
        assert_eq!(value("message.timestamp.type"), "LogAppendTime", "{topic}");
        assert_eq!(value("min.insync.replicas"), "1", "{topic}");
    }
}

#[tokio::test]
async fn rejects_incompatible_topic_and_reports_remedy() {
    let cluster = Cluster::new();
    let name = cluster.name(Topic::Tweet);
    let topic =
        NewTopic::new(&name, 1, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    admin().create_topics([&topic], &options()).await.unwrap();
    let error = KafkaLog::open(cluster.config(1)).await.err().unwrap();
    assert!(matches!(error, LogError::Mismatch(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("it must be delete"), "{text}");
    assert!(text.contains("kafka-configs --alter"), "{text}");
}

#[tokio::test]
async fn rejects_topic_with_too_few_replicas() {
    let cluster = Cluster::new();
    cluster.open(1).await;
    let mut config = cluster.config(1);
    config.replication = 2;
    let error = KafkaLog::open(config).await.err().unwrap();
    let text = error.to_string();
    assert!(
        text.contains("has 1 replicas, the configuration requires 2"),
        "{text}"
    );
}

#[tokio::test]
async fn broker_sets_write_time() {
    let cluster = Cluster::new();
    let log = cluster.open(1).await;
    let before = chrono::Utc::now().timestamp_millis();
    log.publish(Topic::Tweet, numbered(0..1)).await.unwrap();
    let after = chrono::Utc::now().timestamp_millis();
    let mut consumer = started(&log, &[Topic::Tweet]);
    let mut batch = Batch::with_capacity(1);
    assert_eq!(
        conformance::next_event(&mut *consumer, &mut batch),
        ConsumerEvent::Records
    );
    let written = batch.iter().next().unwrap().written_at.millis();
    assert!(
        (before..=after).contains(&written),
        "{before} {written} {after}"
    );
}

#[tokio::test]
async fn commits_offsets_before_consumer_closes() {
    let cluster = Cluster::new();
    let log = cluster.open(1).await;
    log.publish(Topic::Tweet, numbered(0..5)).await.unwrap();
    let mut consumer = started(&log, &[Topic::Tweet]);
    let at = log.watermarks(Topic::Tweet).await.unwrap()[0].topic_partition;
    consumer.commit(&[(at, Offset(3))]).unwrap();
    drop(consumer);
    let group: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka_cluster::servers())
        .set("group.id", format!("{}g", cluster.prefix))
        .create()
        .unwrap();
    let mut requested = TopicPartitionList::new();
    requested.add_partition(&cluster.name(Topic::Tweet), 0);
    let committed = group
        .committed_offsets(requested, Duration::from_secs(10))
        .unwrap();
    let offset = committed.elements()[0].offset();
    assert_eq!(offset, rdkafka::Offset::Offset(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_offset_out_of_range_as_assignment() {
    let cluster = Cluster::new();
    let log = cluster.open(2).await;
    log.publish(Topic::Tweet, numbered(0..50)).await.unwrap();
    let mut consumer = started(&log, &[Topic::Tweet]);
    conformance::drain(&mut *consumer, 50);
    cluster.truncate(&log, Topic::Tweet).await;
    let all = log.watermarks(Topic::Tweet).await.unwrap();
    let lost = all[0];
    assert!(lost.low > Offset(0));
    consumer.start(lost.topic_partition, Offset(0)).unwrap();
    let again = conformance::next_event(&mut *consumer, &mut Batch::with_capacity(1));
    assert_eq!(again, ConsumerEvent::Assigned(vec![lost]));
    consumer.start(lost.topic_partition, lost.low).unwrap();
    log.publish(Topic::Tweet, numbered(50..64)).await.unwrap();
    let rows = conformance::drain(&mut *consumer, 14);
    assert_eq!(rows[&lost.topic_partition][0].0, lost.low.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishes_wait_while_queue_is_full() {
    let cluster = Cluster::new();
    let mut config = cluster.config(2);
    let small = [("queue.buffering.max.messages", "50"), ("linger.ms", "0")];
    config.properties = small.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let log = KafkaLog::open(config).await.unwrap();
    let publish = |i: u32| {
        let log = log.clone();
        async move {
            log.publish(Topic::Tweet, numbered(i * 500..(i + 1) * 500))
                .await
        }
    };
    let (a, b) = tokio::join!(publish(0), publish(1));
    a.unwrap();
    b.unwrap();
    let ends = log.watermarks(Topic::Tweet).await.unwrap();
    assert_eq!(ends.iter().map(|w| w.high.0).sum::<u64>(), 1_000);
}

#[tokio::test]
async fn returns_last_saved_cursor() {
    let cluster = Cluster::new();
    let log = cluster.open(1).await;
    for i in 0..20 {
        log.save_cursor("a", &i.to_string()).await.unwrap();
        log.save_cursor("b", "other").await.unwrap();
    }
    let elsewhere = cluster.open(1).await;
    assert_eq!(elsewhere.cursor("a").await.unwrap().as_deref(), Some("19"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_records_of_every_compression() {
    for name in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let cluster = Cluster::new();
        let mut config = cluster.config(1);
        config.compression = name.parse().unwrap();
        let log = KafkaLog::open(config).await.unwrap();
        log.publish(Topic::Tweet, numbered(0..500)).await.unwrap();
        let mut consumer = started(&log, &[Topic::Tweet]);
        let rows = conformance::drain(&mut *consumer, 500);
        assert_eq!(rows.values().map(Vec::len).sum::<usize>(), 500, "{name}");
    }
}
