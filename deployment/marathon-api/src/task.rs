//! Tasks and task failures.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::enums::{IpProtocol, TaskState};
use crate::path_id::PathId;
use crate::timestamp::Timestamp;

/// One attempt to run an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The app.
    pub app_id: PathId,
    /// Health check results; empty before the first check.
    #[serde(default)]
    pub health_check_results: Vec<HealthCheckResult>,
    /// The host.
    pub host: String,
    /// Id: `app.instance-UUID._app.N`.
    pub id: String,
    /// Addresses.
    #[serde(default)]
    pub ip_addresses: Vec<IpAddress>,
    /// Host ports.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Service ports on the load balancer.
    #[serde(default)]
    pub service_ports: Vec<u16>,
    /// The agent id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slave_id: Option<String>,
    /// State.
    pub state: TaskState,
    /// Launch time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged_at: Option<Timestamp>,
    /// Start time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The app version that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Timestamp>,
    /// Persistent volumes, passed through unparsed.
    #[serde(default)]
    pub local_volumes: Vec<Value>,
    /// Role of the resources.
    #[serde(default)]
    pub role: String,
}

impl Task {
    /// Whether the task runs and all health checks succeed; without results it is not healthy.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.state == TaskState::Running
            && !self.health_check_results.is_empty()
            && self.health_check_results.iter().all(|health| health.alive)
    }
}

/// The state of one health check of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheckResult {
    /// Whether the last check succeeded.
    pub alive: bool,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// The first success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_success: Option<Timestamp>,
    /// The instance.
    #[serde(default)]
    pub instance_id: String,
    /// The last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    /// The last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Timestamp>,
    /// Cause of the last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure_cause: Option<String>,
}

/// An address of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpAddress {
    /// The address.
    pub ip_address: String,
    /// Its family.
    pub protocol: IpProtocol,
}

/// The last task failure of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskFailure {
    /// The app.
    pub app_id: PathId,
    /// The host.
    pub host: String,
    /// Why it failed.
    pub message: String,
    /// Final state.
    pub state: TaskState,
    /// The task.
    pub task_id: String,
    /// Time.
    pub timestamp: Timestamp,
    /// The app version that it ran.
    pub version: Timestamp,
    /// The agent id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slave_id: Option<String>,
}

/// Response to `GET /v2/tasks`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskList {
    /// The tasks.
    pub tasks: Vec<Task>,
}

/// Response to the kill of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskResponse {
    /// The task.
    pub task: Task,
}

/// The body of `POST /v2/tasks/delete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskIds {
    /// Task ids.
    pub ids: Vec<String>,
}
