//! The log on Kafka and the rows in Cassandra that version 0.1.0 wrote.

use std::collections::BTreeMap;

use moodvane_model::{HourRow, HourSlot, MinuteSet, SourceId, WeatherSums};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{FutureProducer, FutureRecord};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use serde::Deserialize;
use tempfile::TempDir;

use crate::release_0_1_0::{text, unpack_database};
use crate::support;
use crate::world::{Servers, Service, World, endpoint, open, stored, wait_for_all};

#[derive(Deserialize)]
struct LogRecord {
    topic: String,
    partition: i32,
    key: String,
    value: String,
}

#[derive(Deserialize)]
struct TableRow {
    table: String,
    row: serde_json::Value,
}

/// The hours of the database that 0.1.0 wrote from the same inputs.
async fn hours_of_0_1_0() -> Vec<HourRow> {
    let read = || {
        let data = TempDir::new().unwrap();
        unpack_database(data.path());
        support::rows(data.path())
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

fn lines<T: for<'a> Deserialize<'a>>(name: &str) -> Vec<T> {
    let text = text(name);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Writes the records as 0.1.0 did: the same bytes in the same partitions and order.
async fn publish(prefix: &str, records: &[LogRecord]) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", endpoint("MOODVANE_TEST_KAFKA"));
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let names = ["temperature", "tweet"].map(|topic| format!("{prefix}.{topic}"));
    let timestamps = |topic| topic_with_append_times(topic);
    let topics: Vec<NewTopic<'_>> = names.iter().map(|name| timestamps(name)).collect();
    for created in admin
        .create_topics(&topics, &AdminOptions::new())
        .await
        .unwrap()
    {
        created.unwrap();
    }
    let producer: FutureProducer = config.create().unwrap();
    for LogRecord {
        topic,
        partition,
        key,
        value,
    } in records
    {
        let topic = format!("{prefix}.{topic}");
        let record = FutureRecord::to(&topic)
            .partition(*partition)
            .key(key)
            .payload(value);
        producer.send(record, None).await.unwrap();
    }
}

fn topic_with_append_times(name: &str) -> NewTopic<'_> {
    NewTopic::new(name, 2, TopicReplication::Fixed(1))
        .set("message.timestamp.type", "LogAppendTime")
}

/// The records of each hour and source: posts, the sums of the weather, and the minutes. The scores are
/// those of another scorer.
fn record_counts(rows: &[HourRow]) -> Vec<(HourSlot, SourceId, u64, WeatherSums, MinuteSet)> {
    let of_row = |row: &HourRow| {
        let hour = row.hour;
        let sources = row.sources.clone().into_iter();
        sources.map(move |(source, sums)| {
            let posts = sums.posts.scored() + sums.posts.unscored;
            (hour, source, posts, sums.weather, sums.minutes)
        })
    };
    rows.iter().flat_map(of_row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn folds_log_of_0_1_0_into_the_same_hours() {
    let world = World::new(Servers::shared());
    let prefix = world.cassandra().keyspace.to_string();
    publish(&prefix, &lines("log.jsonl")).await;

    let config = world.config(&world.files(0, 1));
    let processor = Service::start("processor", &config, &["--topic", "both"]);
    let expected = hours_of_0_1_0().await;
    let found = wait_for_all(&world.store().await, &expected).await;
    assert_eq!(record_counts(&found), record_counts(&expected));
    processor.terminate();
}

async fn restore_tables(session: &Session, keyspace: &str) {
    let replication = "{'class': 'NetworkTopologyStrategy', 'replication_factor': 1}";
    let create = format!("CREATE KEYSPACE {keyspace} WITH replication = {replication}");
    session.query_unpaged(create, ()).await.unwrap();
    session.use_keyspace(keyspace, false).await.unwrap();
    let schema = text("cassandra.cql");
    for statement in schema.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        session.query_unpaged(statement, ()).await.unwrap();
    }
    let mut restored = BTreeMap::new();
    for TableRow { table, row } in lines("cassandra.jsonl") {
        let insert = format!("INSERT INTO {table} JSON ?");
        session
            .query_unpaged(insert, (row.to_string(),))
            .await
            .unwrap();
        *restored.entry(table).or_insert(0) += 1;
    }
    assert_eq!(restored["partial_hour"], 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_rows_of_0_1_0_from_cassandra() {
    let world = World::new(Servers::shared());
    let config = world.cassandra();
    let nodes = Servers::shared().cassandra;
    let session = SessionBuilder::new()
        .known_nodes(nodes)
        .build()
        .await
        .unwrap();
    restore_tables(&session, &config.keyspace.to_string()).await;

    let store = open(&config).await;
    assert_eq!(stored(&store).await, hours_of_0_1_0().await);
}
