//! The configuration of the log in Kafka: the cluster's addresses, and the layout of the topics.
//!
//! Guarantee: this module sets every property that the log's guarantees depend on, and rejects a
//! property of the operator that would weaken one. Secrets are never printed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use thiserror::Error;

use super::protected::{is_secret, protection_reason};
use super::security::KafkaSecurity;

/// An error in [`KafkaConfig`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KafkaConfigError {
    /// The operator cannot set this property.
    #[error("kafka property {key} cannot be set: {why}")]
    Protected {
        /// The property.
        key: String,
        /// Which guarantee depends on it, or where to set it instead.
        why: &'static str,
    },
    /// librdkafka rejects the property.
    #[error("kafka property {key}: {problem}")]
    Property {
        /// The property.
        key: String,
        /// The reason; never contains the value of a secret.
        problem: String,
    },
    /// A field is out of its bounds.
    #[error("kafka {field} {problem}")]
    Field {
        /// The field of [`KafkaConfig`].
        field: &'static str,
        /// The expected form.
        problem: String,
    },
}

/// The compression of batches, in transit and in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// No compression.
    None,
    /// gzip: smallest, slow.
    Gzip,
    /// snappy.
    Snappy,
    /// lz4: fast.
    Lz4,
    /// zstd: nearly as small as gzip, much faster.
    Zstd,
}

impl Compression {
    const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl FromStr for Compression {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|c| c.name() == text)
            .ok_or_else(|| format!("\"{text}\" must be none, gzip, snappy, lz4 or zstd"))
    }
}

/// The cluster's addresses and the layout of the topics.
#[derive(Clone)]
pub struct KafkaConfig {
    /// The brokers for the first connection: `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// The prefix of the names of all topics and groups: several deployments can share a cluster.
    pub topic_prefix: String,
    /// Partitions per topic, at least 1. Topics with more keep them; topics with fewer gain some.
    pub partitions: u32,
    /// Replicas of every partition, each on its own broker.
    pub replication: u16,
    /// How many replicas must have a record before it is acknowledged.
    pub min_insync_replicas: u16,
    /// How long records are kept; `None` for ever.
    pub retention: Option<Duration>,
    /// The compression of batches.
    pub compression: Compression,
    /// The `group.instance.id` of this process (static membership): after a restart within the
    /// session time-out it resumes its partitions without a rebalance. Unique per process.
    pub instance_id: Option<String>,
    /// After this long without a heartbeat the group reassigns a member's partitions.
    pub session_timeout: Duration,
    /// The longest time between two polls of a member, during a flush for example. It bounds how
    /// long a revocation waits for its release. At least the session time-out.
    pub max_poll_interval: Duration,
    /// How long a publish may take before it fails.
    pub delivery_timeout: Duration,
    /// How long any other request may take before it fails.
    pub request_timeout: Duration,
    /// Encryption and authentication.
    pub security: KafkaSecurity,
    /// Further properties of librdkafka, for tuning.
    pub properties: BTreeMap<String, String>,
}

/// A field, whether it is valid, and its expected form.
type FieldCheck = (&'static str, bool, &'static str);

/// The largest message that a producer sends, framing and headers included.
const MAX_MESSAGE_BYTES: &str = "4194304";

impl KafkaConfig {
    /// One broker, one replica, twelve partitions, records kept for ever.
    #[must_use]
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            topic_prefix: String::new(),
            partitions: 12,
            replication: 1,
            min_insync_replicas: 1,
            retention: None,
            compression: Compression::Lz4,
            instance_id: None,
            session_timeout: Duration::from_secs(10),
            max_poll_interval: Duration::from_secs(60),
            delivery_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(10),
            security: KafkaSecurity::default(),
            properties: BTreeMap::new(),
        }
    }

    /// All errors of the configuration; opens no connection.
    #[must_use]
    pub fn validate(&self) -> Vec<KafkaConfigError> {
        let mut errors = self.field_errors();
        let security = self.security.validate().into_iter();
        errors.extend(security.map(|(field, problem)| KafkaConfigError::Field { field, problem }));
        for key in self.properties.keys() {
            if let Some(why) = protection_reason(key) {
                let key = key.clone();
                errors.push(KafkaConfigError::Protected { key, why });
            }
        }
        for (key, value) in &self.properties {
            if protection_reason(key).is_none() {
                errors.extend(property_error(key, value));
            }
        }
        errors
    }

    fn field_errors(&self) -> Vec<KafkaConfigError> {
        let checks = self.topic_checks().into_iter().chain(self.timeout_checks());
        let error = |(field, is_valid, problem): FieldCheck| {
            let problem = problem.to_owned();
            (!is_valid).then_some(KafkaConfigError::Field { field, problem })
        };
        checks.filter_map(error).collect()
    }

    fn topic_checks(&self) -> [FieldCheck; 7] {
        [
            (
                "bootstrap_servers",
                has_servers(&self.bootstrap_servers),
                "must be host:port, or several of them separated by commas",
            ),
            (
                "topic_prefix",
                is_name(&self.topic_prefix, 0),
                "must be at most 100 letters, digits, dots, hyphens and underscores",
            ),
            (
                "partitions",
                (1..=100_000).contains(&self.partitions),
                "must be 1 to 100000",
            ),
            (
                "replication",
                (1..=1_000).contains(&self.replication),
                "must be 1 to 1000",
            ),
            (
                "min_insync_replicas",
                (1..=self.replication).contains(&self.min_insync_replicas),
                "must be at least 1 and at most the replication",
            ),
            (
                "retention",
                self.retention.is_none_or(|r| {
                    r >= Duration::from_secs(60) && r.as_millis() <= i64::MAX as u128
                }),
                "must be at least 60 s",
            ),
            (
                "instance_id",
                self.instance_id.as_deref().is_none_or(|id| is_name(id, 1)),
                "must be 1 to 100 letters, digits, dots, hyphens and underscores",
            ),
        ]
    }

    fn timeout_checks(&self) -> [FieldCheck; 4] {
        let millis = |low: u64, high: u64| Duration::from_millis(low)..=Duration::from_millis(high);
        let longest = 86_400_000;
        [
            (
                "session_timeout",
                millis(1_000, 3_600_000).contains(&self.session_timeout),
                "must be 1 s to 1 h",
            ),
            (
                "max_poll_interval",
                self.max_poll_interval >= self.session_timeout
                    && self.max_poll_interval <= Duration::from_millis(longest),
                "must be at least the session time-out and at most 24 h",
            ),
            (
                "delivery_timeout",
                millis(100, longest).contains(&self.delivery_timeout),
                "must be 100 ms to 24 h",
            ),
            (
                "request_timeout",
                millis(100, 300_000).contains(&self.request_timeout),
                "must be 100 ms to 300 s",
            ),
        ]
    }

    /// The properties of all clients.
    pub(super) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("client.id", "moodvane")
            .set("socket.keepalive.enable", "true")
            // Reconnect soon after an outage: the default waits up to 10 s.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("topic.metadata.refresh.interval.ms", "60000");
        for (key, value) in &self.properties {
            client.set(key, value);
        }
        self.security.apply(&mut client);
        client.set("bootstrap.servers", &self.bootstrap_servers);
        client
    }

    /// The properties of a producer.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut client = self.client();
        let mut default = |key: &str, value: &str| {
            if !self.properties.contains_key(key) {
                client.set(key, value);
            }
        };
        default("queue.buffering.max.kbytes", "65536");
        client
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            .set("message.timeout.ms", millis(self.delivery_timeout))
            .set("compression.codec", self.compression.name());
        client
    }

    /// The properties of a group member.
    pub(super) fn member(&self, group: &str) -> ClientConfig {
        let mut client = self.reader();
        let heartbeat = (self.session_timeout / 6).min(Duration::from_secs(1));
        let mut default = |key: &str, value: String| {
            if !self.properties.contains_key(key) {
                client.set(key, value);
            }
        };
        default("heartbeat.interval.ms", millis(heartbeat));
        // Prefetched records take a multiple of their bytes in memory, and a megabyte holds
        // thousands of records. A larger record is still fetched, alone.
        default("queued.max.messages.kbytes", "1024".to_owned());
        default("fetch.max.bytes", MAX_MESSAGE_BYTES.to_owned());
        default("fetch.message.max.bytes", "262144".to_owned());
        client
            .set("group.id", group)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", millis(self.session_timeout))
            .set("max.poll.interval.ms", millis(self.max_poll_interval))
            .set("enable.partition.eof", "false")
            .set("auto.offset.reset", "error");
        if let Some(id) = &self.instance_id {
            client.set("group.instance.id", id);
        }
        client
    }

    /// The properties of all readers.
    pub(super) fn reader(&self) -> ClientConfig {
        let mut client = self.client();
        let mut default = |key: &str, value: &str| {
            if !self.properties.contains_key(key) {
                client.set(key, value);
            }
        };
        // The default of 1 s stalls a consumer after each full queue.
        default("fetch.queue.backoff.ms", "10");
        default("fetch.error.backoff.ms", "100");
        client
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("allow.auto.create.topics", "false");
        client
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

fn has_servers(servers: &str) -> bool {
    let is_server = |server: &str| {
        let port = server
            .trim()
            .rsplit_once(':')
            .map(|(host, port)| (host.is_empty(), port.parse::<u16>()));
        matches!(port, Some((false, Ok(1..))))
    };
    servers.split(',').all(is_server)
}

fn is_name(text: &str, least: usize) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (least..=100).contains(&text.len()) && text.bytes().all(is_plain)
}

/// librdkafka's error for a property. Its text repeats the value, so a secret's text is replaced.
fn property_error(key: &str, value: &str) -> Option<KafkaConfigError> {
    let mut probe = ClientConfig::new();
    probe.set(key, value);
    let error = probe.create_native_config().err()?;
    let problem = match error {
        _ if is_secret(key) => "librdkafka rejects the value".to_owned(),
        KafkaError::ClientConfig(_, problem, ..) => problem,
        other => other.to_string(),
    };
    let key = key.to_owned();
    Some(KafkaConfigError::Property { key, problem })
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: BTreeMap<&str, &str> = self
            .properties
            .iter()
            .map(|(key, value)| {
                (
                    key.as_str(),
                    if is_secret(key) { "[hidden]" } else { value },
                )
            })
            .collect();
        f.debug_struct("KafkaConfig")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("topic_prefix", &self.topic_prefix)
            .field("partitions", &self.partitions)
            .field("replication", &self.replication)
            .field("min_insync_replicas", &self.min_insync_replicas)
            .field("retention", &self.retention)
            .field("compression", &self.compression)
            .field("instance_id", &self.instance_id)
            .field("session_timeout", &self.session_timeout)
            .field("max_poll_interval", &self.max_poll_interval)
            .field("delivery_timeout", &self.delivery_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("security", &self.security)
            .field("properties", &shown)
            .finish()
    }
}
