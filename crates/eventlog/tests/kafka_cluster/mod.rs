//! The broker of the tests, with a topic prefix for each test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moodvane_eventlog::KafkaConfig;
use moodvane_model::Topic;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

/// The address of the broker. Without one the tests fail: they are not skipped.
pub(crate) fn servers() -> String {
    std::env::var("MOODVANE_TEST_KAFKA")
        .expect("start the servers: bash deployment/servers/run -- cargo test; MOODVANE_TEST_KAFKA")
}

pub(crate) fn admin() -> AdminClient<DefaultClientContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers()).create().unwrap()
}

pub(crate) fn options() -> AdminOptions {
    let timeout = Some(Duration::from_secs(20));
    AdminOptions::new()
        .request_timeout(timeout)
        .operation_timeout(timeout)
}

/// Topics and groups that no other test and no other process uses.
pub(crate) struct Cluster {
    pub(crate) prefix: String,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = chrono::Utc::now().timestamp_micros();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("t{now:x}-{}-{count}.", std::process::id());
        Self { prefix }
    }

    pub(crate) fn name(&self, topic: Topic) -> String {
        format!("{}{topic}", self.prefix)
    }

    pub(crate) fn config(&self, partitions: u32) -> KafkaConfig {
        let mut config = KafkaConfig::new(servers());
        config.topic_prefix.clone_from(&self.prefix);
        config.partitions = partitions;
        config.session_timeout = Duration::from_secs(6);
        config.max_poll_interval = Duration::from_secs(6);
        config
    }
}
