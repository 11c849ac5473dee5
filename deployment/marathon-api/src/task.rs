//! Tasks, and how they ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::path_id::PathId;
use crate::timestamp::Timestamp;
use crate::words::{IpProtocol, TaskState};

/// One attempt to run an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The app.
    pub app_id: PathId,
    /// What each health check says; empty before the first.
    #[serde(default)]
    pub health_check_results: Vec<Health>,
    /// Where it runs.
    pub host: String,
    /// Its name: `app.instance-UUID._app.N`.
    pub id: String,
    /// Its addresses.
    #[serde(default)]
    pub ip_addresses: Vec<IpAddress>,
    /// Its ports on the host.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The app's ports on the load balancer.
    #[serde(default)]
    pub service_ports: Vec<u16>,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slave_id: Option<String>,
    /// How it does.
    pub state: TaskState,
    /// When it was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged_at: Option<Timestamp>,
    /// When it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The app's version that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Timestamp>,
    /// Its persistent volumes, kept as they came.
    #[serde(default)]
    pub local_volumes: Vec<Value>,
    /// The role of its resources.
    #[serde(default)]
    pub role: String,
}

impl Task {
    /// Whether it runs and every health check says so; a task without results is not healthy yet.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.state == TaskState::Running
            && !self.health_check_results.is_empty()
            && self.health_check_results.iter().all(|health| health.alive)
    }
}

/// What a health check says of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Whether the last check succeeded.
    pub alive: bool,
    /// How many failed since the last success.
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
    /// Why it was one.
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

/// How an app's last task to fail did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskFailure {
    /// The app.
    pub app_id: PathId,
    /// Where it ran.
    pub host: String,
    /// Why it ended.
    pub message: String,
    /// As what it ended.
    pub state: TaskState,
    /// The task.
    pub task_id: String,
    /// When.
    pub timestamp: Timestamp,
    /// The app's version that it ran.
    pub version: Timestamp,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slave_id: Option<String>,
}

/// The answer to `GET /v2/tasks`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskList {
    /// The tasks.
    pub tasks: Vec<Task>,
}

/// The answer to the kill of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskAnswer {
    /// The task.
    pub task: Task,
}

/// The body of `POST /v2/tasks/delete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskIds {
    /// The tasks' names.
    pub ids: Vec<String>,
}
