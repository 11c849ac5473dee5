//! Properties of a Marathon instance.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Response to `GET /v2/info`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarathonInfo {
    /// The framework's name.
    pub name: String,
    /// Marathon's version.
    pub version: String,
    /// The commit it was built from.
    #[serde(default)]
    pub buildref: String,
    /// Whether a leader is elected.
    pub elected: bool,
    /// The leader's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// Framework id at Mesos.
    #[serde(
        rename = "frameworkId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub framework_id: Option<String>,
    /// Command line configuration.
    #[serde(default)]
    pub marathon_config: Value,
    /// ZooKeeper configuration.
    #[serde(default)]
    pub zookeeper_config: Value,
    /// HTTP configuration.
    #[serde(default)]
    pub http_config: Value,
}

/// Response to `GET /v2/leader`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// Address.
    pub leader: String,
}
