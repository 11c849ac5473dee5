//! Health checks and readiness checks of an app, and what they found.

use serde::{Deserialize, Serialize};

use crate::words::{HealthProtocol, IpProtocol, Scheme};

/// A command that a health check runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The line, for `/bin/sh -c`.
    pub value: String,
}

/// How a task's health is asked for, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// The command, for [`HealthProtocol::Command`] alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// How long failures do not count, until the first success.
    #[serde(default = "grace")]
    pub grace_period_seconds: u32,
    /// Whether answers 100 to 199 are passed over.
    #[serde(default)]
    pub ignore_http1xx: bool,
    /// From one check to the next.
    #[serde(default = "minute")]
    pub interval_seconds: u32,
    /// After so many failures in a row the task is killed; 0 is never.
    #[serde(default = "three")]
    pub max_consecutive_failures: u32,
    /// What is asked for over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The port itself, instead of `port_index`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Which of the task's ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_index: Option<usize>,
    /// How it is asked.
    #[serde(default = "http_check")]
    pub protocol: HealthProtocol,
    /// Over which address family.
    #[serde(default = "ipv4")]
    pub ip_protocol: IpProtocol,
    /// A longer answer is a failure.
    #[serde(default = "twenty")]
    pub timeout_seconds: u32,
    /// From the start to the first check.
    #[serde(default = "fifteen")]
    pub delay_seconds: u32,
}

/// How a deployment asks whether a new task can take work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessCheck {
    /// Its name in results.
    #[serde(default = "readiness_name")]
    pub name: String,
    /// Plain or over TLS.
    #[serde(default = "http_scheme")]
    pub protocol: Scheme,
    /// What is asked for.
    #[serde(default = "slash")]
    pub path: String,
    /// The name of a port definition or mapping.
    #[serde(default = "http_api")]
    pub port_name: String,
    /// From one check to the next.
    #[serde(default = "thirty")]
    pub interval_seconds: u32,
    /// A longer answer is a failure.
    #[serde(default = "ten")]
    pub timeout_seconds: u32,
    /// The statuses that mean ready.
    #[serde(default = "ok")]
    pub http_status_codes_for_ready: Vec<u16>,
    /// Whether the last answer is shown in the deployment.
    #[serde(default)]
    pub preserve_last_response: bool,
}

/// What a readiness check last heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessResponse {
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The body, cut to a bound.
    pub body: String,
}

/// What a readiness check of one task found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessResult {
    /// The check's name.
    pub name: String,
    /// The task.
    pub task_id: String,
    /// Whether it is ready.
    pub ready: bool,
    /// The last answer, where it is to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_response: Option<ReadinessResponse>,
}

fn grace() -> u32 {
    300
}

fn minute() -> u32 {
    60
}

fn three() -> u32 {
    3
}

fn http_check() -> HealthProtocol {
    HealthProtocol::Http
}

fn ipv4() -> IpProtocol {
    IpProtocol::Ipv4
}

fn twenty() -> u32 {
    20
}

fn fifteen() -> u32 {
    15
}

fn readiness_name() -> String {
    "readinessCheck".to_owned()
}

fn http_scheme() -> Scheme {
    Scheme::Http
}

fn slash() -> String {
    "/".to_owned()
}

fn http_api() -> String {
    "http-api".to_owned()
}

fn thirty() -> u32 {
    30
}

fn ten() -> u32 {
    10
}

fn ok() -> Vec<u16> {
    vec![200]
}
