//! Container, networks, ports and volumes of an app.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::enums::{EngineType, NetworkMode, PortProtocol, ReadMode};

/// A container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// The containerizer.
    #[serde(rename = "type", default = "default_engine")]
    pub engine: EngineType,
    /// Docker image and options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker: Option<Docker>,
    /// Linux options of the Mesos containerizer, passed through unparsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linux_info: Option<Value>,
    /// Mounted volumes.
    #[serde(default)]
    pub volumes: Vec<Volume>,
    /// Port mappings, for every network mode except host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_mappings: Option<Vec<PortMapping>>,
}

/// A Docker image and its run options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Docker {
    /// Image reference.
    pub image: String,
    /// Pull credentials, passed through unparsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_config: Option<Value>,
    /// Whether to pull an image that is present.
    #[serde(default)]
    pub force_pull_image: bool,
    /// Options of `docker run`, such as `{"key": "read-only", "value": "true"}`.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Whether the container is privileged.
    #[serde(default)]
    pub privileged: bool,
    /// The network in the format before Marathon 1.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The port mappings in the format before Marathon 1.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_mappings: Option<Vec<PortMapping>>,
}

/// An option of `docker run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name without dashes.
    pub key: String,
    /// Value.
    pub value: String,
}

/// A volume that is mounted into a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Path in the container.
    pub container_path: String,
    /// Path on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path: Option<String>,
    /// A persistent volume, kept across restarts of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent: Option<PersistentVolume>,
    /// An external volume, passed through unparsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<Value>,
    /// Name of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Read-only or read-write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ReadMode>,
}

/// Size and placement of a persistent volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistentVolume {
    /// Disk type.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Size in MB.
    pub size: u64,
    /// Maximum size in MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// Storage profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_name: Option<String>,
    /// Placement constraints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Vec<String>>,
}

/// A mapping of a container port to a host port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortMapping {
    /// Container port; 0 for the host port.
    #[serde(default)]
    pub container_port: u16,
    /// Host port; 0 for any, absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Transport protocol.
    #[serde(default = "default_protocol")]
    pub protocol: PortProtocol,
    /// Service port on the load balancer; 0 for any.
    #[serde(default)]
    pub service_port: u16,
    /// Networks that the mapping applies to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_names: Vec<String>,
}

/// A port of a task in host networking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortDefinition {
    /// Host port if ports are required, else service port; 0 for any.
    #[serde(default)]
    pub port: u16,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Transport protocol.
    #[serde(default = "default_protocol")]
    pub protocol: PortProtocol,
}

/// A network that tasks join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its name, for [`NetworkMode::Container`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Mode.
    #[serde(default = "default_network_mode")]
    pub mode: NetworkMode,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Network {
    /// Returns a network of this mode, without a name.
    #[must_use]
    pub fn new(mode: NetworkMode) -> Self {
        Self {
            name: None,
            mode,
            labels: BTreeMap::new(),
        }
    }
}

fn default_engine() -> EngineType {
    EngineType::Docker
}

fn default_protocol() -> PortProtocol {
    PortProtocol::Tcp
}

fn default_network_mode() -> NetworkMode {
    NetworkMode::Container
}
