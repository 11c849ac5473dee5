//! The site: what one installation chooses, from `fleet.toml`, one of its overlays, and files of values.
//!
//! Guarantee: a key that nobody knows is refused, so that a slip does not pass for a default.

mod load;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The file's name in the folder of the definitions.
pub const CONFIG_FILE: &str = "fleet.toml";

/// Why a site cannot be read.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It says something that it cannot say.
    #[error("{path}: {key}: {why}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// An overlay that it does not have.
    #[error("{path}: there is no [overlay.{name}]; there is: {}", .known.join(", "))]
    NoOverlay {
        /// The file.
        path: PathBuf,
        /// The overlay.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
}

/// What one installation chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetConfig {
    /// Where everything lives.
    pub group: GroupConfig,
    /// The images.
    pub images: Images,
    /// The agents.
    pub hosts: Hosts,
    /// Instances of each service.
    pub replicas: BTreeMap<String, u32>,
    /// The log.
    pub kafka: Kafka,
    /// The store.
    pub cassandra: Cassandra,
    /// Both ingesters.
    pub ingester: Stateful,
    /// Both processors.
    pub processor: Size,
    /// The server.
    pub server: Server,
    /// What the services log.
    pub logging: Logging,
    /// What the ingesters ask, by topic.
    pub sources: BTreeMap<String, String>,
    /// Further variables of the services.
    #[serde(default)]
    pub setting: Vec<Setting>,
    /// Variables that hold secrets.
    #[serde(default)]
    pub secret: Vec<Secret>,
}

/// Where everything lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// Its id.
    pub id: String,
    /// The role of its resources; empty for Marathon's.
    pub role: String,
    /// The account that tasks with volumes run as; empty for Marathon's.
    pub user: String,
}

/// The images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// What stands before the names of ours.
    pub repository: String,
    /// The tag of ours.
    pub tag: String,
    /// Kafka's, with its tag.
    pub kafka: String,
    /// Cassandra's, with its tag.
    pub cassandra: String,
}

/// The agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    /// How many there are.
    pub agents: u32,
    /// Whether anything is bound to them.
    pub constraints: bool,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each is named for what it is, and explained in fleet.toml"
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
    reason = "each is named for what it is, and explained in fleet.toml"
)]
pub struct KafkaNode {
    pub host: String,
    pub address: String,
    pub port: u16,
    pub controller_port: u16,
}

/// The store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each is named for what it is, and explained in fleet.toml"
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
    reason = "each is named for what it is, and explained in fleet.toml"
)]
pub struct CassandraNode {
    pub host: String,
    pub address: String,
    pub jmx_port: u16,
}

/// What one task of a service takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each is named for what it is, and explained in fleet.toml"
)]
pub struct Size {
    pub cpus: f64,
    pub mem_mib: u32,
}

/// What one task of a service with a volume takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each is named for what it is, and explained in fleet.toml"
)]
pub struct Stateful {
    pub cpus: f64,
    pub mem_mib: u32,
    pub volume_mib: u32,
}

/// What one task of the server takes, and where clients find it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each is named for what it is, and explained in fleet.toml"
)]
pub struct Server {
    pub cpus: f64,
    pub mem_mib: u32,
    pub service_port: u16,
}

/// What the services log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logging {
    /// How much.
    pub level: String,
}

/// A variable of services that the templates do not set, or set otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The variable of the service.
    pub variable: String,
    /// The apps that have it; a star at the end stands for the rest of a name.
    pub apps: Vec<String>,
    /// Its value.
    pub value: String,
}

/// A variable that holds a secret, and where the secret comes from: one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The variable of the service.
    pub variable: String,
    /// The apps that have it; a star at the end stands for the rest of a name.
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
