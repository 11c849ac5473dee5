//! The fleet configuration: `fleet.toml`, one of its overlays, and files of values.
//!
//! Guarantee: an unknown key is an error, so that a typo does not silently mean a default.

mod load;
mod ports;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::ports::PortRange;

/// The name of the file in the folder of the definitions.
pub const CONFIG_FILE: &str = "fleet.toml";

/// Why a configuration cannot be loaded.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is too large.
    #[error("{} exceeds {limit} bytes", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// A key is unknown or has an invalid value. The reason is the parser's message alone: its error
    /// would repeat the whole file.
    #[error("{}: {key}: {reason}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, or the line.
        key: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// The overlay does not exist.
    #[error("{}: no [overlay.{name}]; available: {}", .path.display(), .known.join(", "))]
    UnknownOverlay {
        /// The file.
        path: PathBuf,
        /// The overlay.
        name: String,
        /// The overlays of the file.
        known: Vec<String>,
    },
}

/// The configuration of one installation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetConfig {
    /// The group.
    pub group: GroupConfig,
    /// The images.
    pub images: Images,
    /// The agents.
    pub hosts: Hosts,
    /// Instances of each service.
    pub replicas: BTreeMap<String, u32>,
    /// The Kafka cluster.
    pub kafka: Kafka,
    /// The Cassandra cluster.
    pub cassandra: Cassandra,
    /// Resources of the ingesters.
    pub ingester: StatefulResources,
    /// Resources of the processors.
    pub processor: Resources,
    /// Resources and port of the server.
    pub server: Server,
    /// Logging of the services.
    pub logging: Logging,
    /// The ingesters' sources by topic, in TOML.
    pub sources: BTreeMap<String, String>,
    /// Additional environment variables.
    #[serde(default)]
    pub setting: Vec<Setting>,
    /// Environment variables with secrets.
    #[serde(default)]
    pub secret: Vec<Secret>,
}

/// The group of all apps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// The group id.
    pub id: String,
    /// The Mesos role; empty for Marathon's.
    pub role: String,
    /// The account that tasks with volumes run as; empty for Marathon's.
    pub user: String,
}

/// The images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// The prefix of the project's image names.
    pub repository: String,
    /// The tag of the project's images.
    pub tag: String,
    /// The Kafka image with its tag.
    pub kafka: String,
    /// The Cassandra image with its tag.
    pub cassandra: String,
}

/// The agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    /// The number of agents.
    pub agents: u32,
    /// Whether apps have placement constraints.
    pub constraints: bool,
    /// The ports that agents offer.
    #[serde(default)]
    pub ports: PortRange,
}

/// The Kafka cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the names are self-explanatory, and fleet.toml documents them"
)]
pub struct Kafka {
    pub cluster_id: String,
    pub partitions: u32,
    pub replication: u32,
    pub min_insync_replicas: u32,
    pub listen: String,
    pub heap_mib: u32,
    pub mem_mib: u32,
    pub cpus: f64,
    pub volume_mib: u32,
    pub nodes: Vec<KafkaNode>,
}

/// One Kafka node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the names are self-explanatory, and fleet.toml documents them"
)]
pub struct KafkaNode {
    pub host: String,
    pub address: String,
    pub port: u16,
    pub controller_port: u16,
}

/// The Cassandra cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the names are self-explanatory, and fleet.toml documents them"
)]
pub struct Cassandra {
    pub cluster_name: String,
    pub keyspace: String,
    pub replication: u32,
    pub jvm_options: String,
    pub request_timeout_ms: NonZeroU32,
    pub port: u16,
    pub storage_port: u16,
    pub listen: String,
    pub heap_mib: u32,
    pub new_heap_mib: u32,
    pub mem_mib: u32,
    pub cpus: f64,
    pub volume_mib: u32,
    pub nodes: Vec<CassandraNode>,
}

/// One Cassandra node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the names are self-explanatory, and fleet.toml documents them"
)]
pub struct CassandraNode {
    pub host: String,
    pub address: String,
    pub jmx_port: u16,
}

/// Resources of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the names are self-explanatory, and fleet.toml documents them"
)]
pub struct Resources {
    pub cpus: f64,
    pub mem_mib: u32,
}

/// Resources of one task with a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the names are self-explanatory, and fleet.toml documents them"
)]
pub struct StatefulResources {
    pub cpus: f64,
    pub mem_mib: u32,
    pub volume_mib: u32,
}

/// Resources of one server task, and its port on the load balancer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the names are self-explanatory, and fleet.toml documents them"
)]
pub struct Server {
    pub cpus: f64,
    pub mem_mib: u32,
    pub service_port: u16,
}

/// Logging of the services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logging {
    /// The log level.
    pub level: String,
}

/// An environment variable that overrides or extends the templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The name of the variable.
    pub variable: String,
    /// The apps that get it; a trailing `*` matches any suffix.
    pub apps: Vec<String>,
    /// The value.
    pub value: String,
}

/// An environment variable with a secret from exactly one of three sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The name of the variable.
    pub variable: String,
    /// The apps that get it; a trailing `*` matches any suffix.
    pub apps: Vec<String>,
    /// A path in Marathon's secret store.
    #[serde(default)]
    pub store: Option<String>,
    /// A file on the machine that `fleet` runs on.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// A variable of `fleet`'s own environment.
    #[serde(default, rename = "from")]
    pub from: Option<String>,
}
