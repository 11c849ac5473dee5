//! What is told of apps.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::check::ReadinessResult;
use crate::deployment::Identified;
use crate::task::{Task, TaskFailure};
use crate::timestamp::Timestamp;

/// An app and how it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    /// The definition.
    #[serde(flatten)]
    pub app: App,
    /// Being started.
    #[serde(default)]
    pub tasks_staged: u32,
    /// Running.
    #[serde(default)]
    pub tasks_running: u32,
    /// Running, and every check says so.
    #[serde(default)]
    pub tasks_healthy: u32,
    /// Running, and a check says otherwise.
    #[serde(default)]
    pub tasks_unhealthy: u32,
    /// The deployments that change it.
    #[serde(default)]
    pub deployments: Vec<Identified>,
    /// What its readiness checks say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_check_results: Option<Vec<ReadinessResult>>,
    /// Its tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<Task>>,
    /// The last that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_task_failure: Option<TaskFailure>,
}

/// The answer to `GET /v2/apps/…`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppAnswer {
    /// The app.
    pub app: AppInfo,
}

/// The answer to `GET /v2/apps`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppList {
    /// The apps.
    pub apps: Vec<AppInfo>,
}

/// The answer to `GET /v2/apps/…/versions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionList {
    /// The versions, the latest first.
    pub versions: Vec<Timestamp>,
}
