//! The site: what one installation chooses, from `fleet.toml` and one of its overlays.
//!
//! Guarantee: a key that nobody knows is refused, so that a slip does not pass for a default.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::{Table, Value};

/// The file's name in the folder of the definitions.
pub const SITE_FILE: &str = "fleet.toml";
const MAX_BYTES: u64 = 1 << 20;

/// Why a site cannot be read.
#[derive(Debug, Error)]
pub enum SiteError {
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
pub struct Site {
    /// Where everything lives.
    pub group: GroupSite,
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
    /// Variables that hold secrets.
    #[serde(default)]
    pub secret: Vec<Secret>,
}

/// Where everything lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSite {
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

impl Site {
    /// Reads the site of a folder, with one of its overlays laid over it.
    ///
    /// # Errors
    /// [`SiteError`] where there is none, or it is wrong.
    pub fn load(folder: &Path, overlay: Option<&str>) -> Result<Self, SiteError> {
        let path = folder.join(SITE_FILE);
        let text = read(&path)?;
        Self::parse(&text, overlay, &path)
    }

    /// Reads a site from its text; `path` is for messages.
    ///
    /// # Errors
    /// [`SiteError`] where it is wrong.
    pub fn parse(text: &str, overlay: Option<&str>, path: &Path) -> Result<Self, SiteError> {
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| {
                text.get(..span.start).unwrap_or(text).matches('\n').count() + 1
            });
            wrong(path, format!("line {line}"), error.message())
        })?;
        let overlays = match table.remove("overlay") {
            None => Table::new(),
            Some(Value::Table(overlays)) => overlays,
            Some(_) => return Err(wrong(path, "overlay", "must be tables, as [overlay.local]")),
        };
        if let Some(name) = overlay {
            let Some(Value::Table(over)) = overlays.get(name) else {
                return Err(SiteError::NoOverlay {
                    path: path.to_owned(),
                    name: name.to_owned(),
                    known: overlays.keys().cloned().collect(),
                });
            };
            lay_over(&mut table, over);
        }
        let site: Self =
            serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
                let key = error.path().to_string();
                wrong(path, key, error.into_inner().message())
            })?;
        site.check(path)
    }

    fn check(self, path: &Path) -> Result<Self, SiteError> {
        for (index, secret) in self.secret.iter().enumerate() {
            let given = [
                secret.store.is_some(),
                secret.file.is_some(),
                secret.from.is_some(),
            ];
            if given.iter().filter(|given| **given).count() != 1 {
                let why = "must have one of store, file and from: where the secret comes from";
                return Err(wrong(path, format!("secret[{index}]"), why));
            }
        }
        let counts = [
            ("kafka.nodes", self.kafka.nodes.len()),
            ("cassandra.nodes", self.cassandra.nodes.len()),
        ];
        for (key, count) in counts {
            if !(1..=99).contains(&count) {
                return Err(wrong(path, key, "must be 1 to 99 nodes"));
            }
        }
        Ok(self)
    }
}

fn wrong(path: &Path, key: impl Into<String>, why: impl Into<String>) -> SiteError {
    SiteError::Wrong {
        path: path.to_owned(),
        key: key.into(),
        why: why.into(),
    }
}

/// The text of a file that is not too long.
fn read(path: &Path) -> Result<String, SiteError> {
    let unreadable = |why: String| SiteError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let long = fs::metadata(path)
        .map_err(|error| unreadable(error.to_string()))?
        .len();
    if long > MAX_BYTES {
        return Err(unreadable(format!(
            "is too long, it may have {MAX_BYTES} bytes"
        )));
    }
    fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}

/// Tables are laid over each other key by key, anything else is replaced.
fn lay_over(table: &mut Table, over: &Table) {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => lay_over(inner, over),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}
