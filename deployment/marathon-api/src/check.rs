//! Health checks and readiness checks of an app, and their results.

use serde::{Deserialize, Serialize};

use crate::enums::{HealthProtocol, IpProtocol, Scheme};

/// A command that a health check runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The command line, for `/bin/sh -c`.
    pub value: String,
}

/// A periodic health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// The command, only for [`HealthProtocol::Command`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// Period in which failures are ignored until the first success.
    #[serde(default = "default_grace_period")]
    pub grace_period_seconds: u32,
    /// Whether to ignore responses with status 100 to 199.
    #[serde(default)]
    pub ignore_http1xx: bool,
    /// Interval between checks.
    #[serde(default = "default_health_interval")]
    pub interval_seconds: u32,
    /// Consecutive failures after which the task is killed; 0 for never.
    #[serde(default = "default_max_failures")]
    pub max_consecutive_failures: u32,
    /// HTTP path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Port number, instead of `port_index`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Index into the task's ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_index: Option<usize>,
    /// The protocol.
    #[serde(default = "default_health_protocol")]
    pub protocol: HealthProtocol,
    /// The address family.
    #[serde(default = "default_ip_protocol")]
    pub ip_protocol: IpProtocol,
    /// Timeout.
    #[serde(default = "default_health_timeout")]
    pub timeout_seconds: u32,
    /// Delay from the start to the first check.
    #[serde(default = "default_health_delay")]
    pub delay_seconds: u32,
}

/// A check that a new task must pass before a deployment proceeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessCheck {
    /// Name in results.
    #[serde(default = "default_readiness_name")]
    pub name: String,
    /// HTTP or HTTPS.
    #[serde(default = "default_scheme")]
    pub protocol: Scheme,
    /// HTTP path.
    #[serde(default = "default_path")]
    pub path: String,
    /// The name of a port definition or mapping.
    #[serde(default = "default_port_name")]
    pub port_name: String,
    /// Interval between checks.
    #[serde(default = "default_readiness_interval")]
    pub interval_seconds: u32,
    /// Timeout.
    #[serde(default = "default_readiness_timeout")]
    pub timeout_seconds: u32,
    /// Statuses that mean ready.
    #[serde(default = "default_ready_statuses")]
    pub http_status_codes_for_ready: Vec<u16>,
    /// Whether the deployment shows the last response.
    #[serde(default)]
    pub preserve_last_response: bool,
}

/// The last response to a readiness check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessResponse {
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The body, truncated.
    pub body: String,
}

/// The result of one task's readiness check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessCheckResult {
    /// The check's name.
    pub name: String,
    /// The task.
    pub task_id: String,
    /// Whether it is ready.
    pub ready: bool,
    /// The last response, if preserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_response: Option<ReadinessResponse>,
}

fn default_grace_period() -> u32 {
    300
}

fn default_health_interval() -> u32 {
    60
}

fn default_max_failures() -> u32 {
    3
}

fn default_health_protocol() -> HealthProtocol {
    HealthProtocol::Http
}

fn default_ip_protocol() -> IpProtocol {
    IpProtocol::Ipv4
}

fn default_health_timeout() -> u32 {
    20
}

fn default_health_delay() -> u32 {
    15
}

fn default_readiness_name() -> String {
    "readinessCheck".to_owned()
}

fn default_scheme() -> Scheme {
    Scheme::Http
}

fn default_path() -> String {
    "/".to_owned()
}

fn default_port_name() -> String {
    "http-api".to_owned()
}

fn default_readiness_interval() -> u32 {
    30
}

fn default_readiness_timeout() -> u32 {
    10
}

fn default_ready_statuses() -> Vec<u16> {
    vec![200]
}
