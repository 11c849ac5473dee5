//! What an app runs in: container, networks, ports and volumes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::words::{EngineType, NetworkMode, PortProtocol, ReadMode};

/// A container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// What runs it.
    #[serde(rename = "type", default = "docker")]
    pub engine: EngineType,
    /// The image and its options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker: Option<Docker>,
    /// Linux options of the Mesos containerizer, kept as they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linux_info: Option<Value>,
    /// What is mounted.
    #[serde(default)]
    pub volumes: Vec<Volume>,
    /// The ports inside, for every network but the host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_mappings: Option<Vec<PortMapping>>,
}

/// A Docker image and how it is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Docker {
    /// The image's name.
    pub image: String,
    /// A name in a secret store, kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_config: Option<Value>,
    /// Whether the image is pulled though it is present.
    #[serde(default)]
    pub force_pull_image: bool,
    /// Options of `docker run`, as `{"key": "read-only", "value": "true"}`.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Whether it runs with every privilege.
    #[serde(default)]
    pub privileged: bool,
    /// The network by its old name, of before Marathon 1.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The ports at their old place, of before Marathon 1.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_mappings: Option<Vec<PortMapping>>,
}

/// One option of `docker run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, without dashes.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Something that is mounted into a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Where, inside.
    pub container_path: String,
    /// The folder of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path: Option<String>,
    /// Kept for the instance, through every restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent: Option<PersistentVolume>,
    /// Held by something else, kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<Value>,
    /// The name of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Whether it may be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ReadMode>,
}

/// What a persistent volume is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistentVolume {
    /// The kind of disk.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// In MB.
    pub size: u64,
    /// The most that is taken, in MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// The storage profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_name: Option<String>,
    /// Where it may be made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Vec<String>>,
}

/// A port inside a container, and on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortMapping {
    /// Inside; 0 is the same as on the host.
    #[serde(default)]
    pub container_port: u16,
    /// On the host; 0 is any, none is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    /// For whoever reads the definition.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is spoken.
    #[serde(default = "tcp")]
    pub protocol: PortProtocol,
    /// On the load balancer; 0 is any.
    #[serde(default)]
    pub service_port: u16,
    /// The networks it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_names: Vec<String>,
}

/// A port of a task in the host's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortDefinition {
    /// On the host where ports are required, else on the load balancer; 0 is any.
    #[serde(default)]
    pub port: u16,
    /// For whoever reads the definition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is spoken.
    #[serde(default = "tcp")]
    pub protocol: PortProtocol,
}

/// A network that tasks join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its name, for [`NetworkMode::Container`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which kind.
    #[serde(default = "container")]
    pub mode: NetworkMode,
    /// For whoever reads the definition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Network {
    /// The network of this kind, without a name.
    #[must_use]
    pub fn of(mode: NetworkMode) -> Self {
        Self {
            name: None,
            mode,
            labels: BTreeMap::new(),
        }
    }
}

fn docker() -> EngineType {
    EngineType::Docker
}

fn tcp() -> PortProtocol {
    PortProtocol::Tcp
}

fn container() -> NetworkMode {
    NetworkMode::Container
}
