//! What a Marathon says of itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The answer to `GET /v2/info`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Info {
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
    /// Its name at Mesos.
    #[serde(
        rename = "frameworkId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub framework_id: Option<String>,
    /// How it was started.
    #[serde(default)]
    pub marathon_config: Value,
    /// Where it keeps its state.
    #[serde(default)]
    pub zookeeper_config: Value,
    /// Where it listens.
    #[serde(default)]
    pub http_config: Value,
}

/// The answer to `GET /v2/leader`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// Its address.
    pub leader: String,
}
