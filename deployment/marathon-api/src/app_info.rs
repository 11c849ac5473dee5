//! Apps with their runtime state, as `GET /v2/apps` returns them.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::check::ReadinessCheckResult;
use crate::deployment::DeploymentRef;
use crate::task::{Task, TaskFailure};
use crate::timestamp::Timestamp;

/// An app and its runtime state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    /// The definition.
    #[serde(flatten)]
    pub app: App,
    /// Tasks being started.
    #[serde(default)]
    pub tasks_staged: u32,
    /// Running tasks.
    #[serde(default)]
    pub tasks_running: u32,
    /// Running tasks whose health checks all succeed.
    #[serde(default)]
    pub tasks_healthy: u32,
    /// Running tasks with a failing health check.
    #[serde(default)]
    pub tasks_unhealthy: u32,
    /// Deployments that affect the app.
    #[serde(default)]
    pub deployments: Vec<DeploymentRef>,
    /// Results of the readiness checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_check_results: Option<Vec<ReadinessCheckResult>>,
    /// The tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<Task>>,
    /// The last failed task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_task_failure: Option<TaskFailure>,
}

/// Response to `GET /v2/apps/…`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppResponse {
    /// The app.
    pub app: AppInfo,
}

/// Response to `GET /v2/apps`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppList {
    /// The apps.
    pub apps: Vec<AppInfo>,
}

/// Response to `GET /v2/apps/…/versions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionList {
    /// The versions, latest first.
    pub versions: Vec<Timestamp>,
}
