//! A Kafka broker is killed and restarted: observations made meanwhile arrive in order and count
//! once. The test starts a broker of its own, so that other tests are not affected.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::HashSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moodvane_eventlog::{Batch, Consumer, ConsumerEvent, EventLog, KafkaConfig, KafkaLog};
use moodvane_ingester::{IngesterConfig, SourceConfig, SpoolConfig, start};
use moodvane_model::{Offset, Topic};
use moodvane_runtime::{ManualClock, Readiness, metrics};
use prometheus::Registry;
use tempfile::TempDir;

use support::config;
use support::provider::{BOUNDS, key, provider};

/// Time limit of a broken test, far above what a working one needs.
const TIMEOUT: Duration = Duration::from_secs(120);
/// A crash may publish one chunk of the spool twice.
const CHUNK: usize = 2_000;

/// A Kafka broker with its own directory and ports, stopped on drop.
struct Broker {
    dir: TempDir,
    port: u16,
    peer_port: u16,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Broker {
    fn start() -> Self {
        let broker = Self {
            dir: TempDir::new().unwrap(),
            port: free_port(),
            peer_port: free_port(),
        };
        broker.servers("up", &["--kafka", "1", "--cassandra", "0"]);
        broker
    }

    fn servers(&self, command: &str, args: &[&str]) {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deployment/servers");
        // Node 1 listens one port above.
        let done = Command::new(scripts.join(command))
            .args(args)
            .env("MOODVANE_SERVERS_DIR", self.dir.path())
            .env("MOODVANE_SERVERS_KAFKA_PORT", (self.port - 1).to_string())
            .env(
                "MOODVANE_SERVERS_KAFKA_PEER_PORT",
                (self.peer_port - 1).to_string(),
            )
            .status();
        assert!(done.unwrap().success(), "deployment/servers/{command}");
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.servers("down", &["kafka"]);
    }
}

fn ingester_config(dir: PathBuf, source: SourceConfig) -> IngesterConfig {
    IngesterConfig {
        spool: Some(SpoolConfig {
            dir,
            max_bytes: 64 << 20,
            segment_bytes: 64 << 10,
        }),
        bounds: BOUNDS,
        ..config(vec![source])
    }
}

fn read_all(mut consumer: Box<dyn Consumer>, until: usize) -> Vec<String> {
    let (mut batch, mut keys, began) = (Batch::with_capacity(1_000), Vec::new(), Instant::now());
    while keys.iter().collect::<HashSet<_>>().len() < until {
        assert!(began.elapsed() < TIMEOUT, "{} of {until}", keys.len());
        match consumer
            .poll(&mut batch, Duration::from_millis(100))
            .unwrap()
        {
            ConsumerEvent::Assigned(all) => all
                .iter()
                .for_each(|w| consumer.start(w.topic_partition, Offset(0)).unwrap()),
            ConsumerEvent::Revoked(all) => consumer.release(&all).unwrap(),
            ConsumerEvent::Idle | ConsumerEvent::Records => {}
        }
        let read = |key: &[u8]| String::from_utf8(key.to_vec()).unwrap();
        keys.extend(batch.iter().map(|record| read(record.key)));
    }
    keys
}

async fn within_timeout(what: &str, mut holds: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let waited = tokio::time::timeout(TIMEOUT, async {
        while !holds() {
            looks.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "not within the bound: {what}");
}

#[actix::test]
async fn publishes_observations_of_kafka_outage_once_in_order() {
    let broker = Broker::start();
    let dir = TempDir::new().unwrap();
    let mut kafka = KafkaConfig::new(broker.address());
    kafka.partitions = 1;
    kafka.delivery_timeout = Duration::from_secs(1);
    let log = Arc::new(KafkaLog::open(kafka).await.unwrap());
    let (mut weather, requests) = provider().await;
    weather.poll = Duration::from_millis(20);
    let config = ingester_config(dir.path().join("spool"), SourceConfig::Weather(weather));
    let (registry, readiness) = (Registry::new(), Readiness::new());
    let clock = Arc::new(ManualClock::new(support::now()));
    let ingester = start(config, Arc::clone(&log) as _, clock, &registry, &readiness).unwrap();
    let count = |name: &str| {
        let text = metrics::render(&registry);
        let line = format!("moodvane_ingester_{name}_total{{source=\"open-meteo\"}} ");
        let value = text.lines().find_map(|l| l.strip_prefix(&line));
        value.map_or(0, |value| value.parse::<usize>().unwrap())
    };
    let not_ready = || {
        let report = readiness.report();
        report
            .iter()
            .any(|(name, check)| *name == "spool" && check.is_err())
    };
    within_timeout("records in kafka", || count("drained") > 10).await;

    broker.servers("kill", &["kafka"]);
    let before = count("spooled");
    within_timeout("not ready", not_ready).await;
    within_timeout("records in the spool", || count("spooled") > before + 200).await;
    assert!(count("drained") < before + 10, "kafka is down");

    broker.servers("start", &["kafka"]);
    within_timeout("the spool is drained", || count("drained") > before + 200).await;
    within_timeout("ready again", || !not_ready()).await;
    let report = ingester.drain(TIMEOUT).await;
    assert_eq!((report.spooled, report.abandoned.len()), (0, 0));

    let total = count("spooled");
    assert!(requests.load(std::sync::atomic::Ordering::SeqCst) >= total as u64);
    let consumer = log.consumer("reader", &[Topic::Temperature]).unwrap();
    let keys = tokio::task::spawn_blocking(move || read_all(consumer, total))
        .await
        .unwrap();
    let mut seen = HashSet::new();
    let first: Vec<&String> = keys.iter().filter(|key| seen.insert(*key)).collect();
    let all: Vec<String> = (0..total as u64).map(key).collect();
    assert!(first.into_iter().eq(&all), "every minute, in order");
    assert!(keys.len() <= total + CHUNK, "{} of {total}", keys.len());
}
