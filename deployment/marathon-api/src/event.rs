//! The event stream, `GET /v2/events`: one JSON object per event.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::check::HealthCheck;
use crate::deployment::{Plan, Step};
use crate::enums::{Condition, TaskState};
use crate::path_id::PathId;
use crate::task::IpAddress;
use crate::timestamp::Timestamp;

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "eventType",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[allow(
    missing_docs,
    reason = "the fields are Marathon's, and each is named for what it holds"
)]
pub enum Event {
    /// The first event of every stream.
    EventStreamAttached {
        remote_address: String,
        timestamp: Timestamp,
    },
    /// A client requested a change of an app.
    ApiPostEvent {
        client_ip: String,
        uri: String,
        app_definition: Box<App>,
        timestamp: Timestamp,
    },
    /// The desired state changed.
    GroupChangeSuccess {
        group_id: PathId,
        version: Timestamp,
        timestamp: Timestamp,
    },
    /// A change of the desired state failed.
    GroupChangeFailed {
        group_id: PathId,
        version: Timestamp,
        reason: String,
        timestamp: Timestamp,
    },
    /// A deployment started a step.
    DeploymentInfo {
        plan: Plan,
        current_step: Step,
        timestamp: Timestamp,
    },
    /// A deployment completed a step.
    DeploymentStepSuccess {
        plan: Plan,
        current_step: Step,
        timestamp: Timestamp,
    },
    /// A deployment succeeded.
    DeploymentSuccess {
        id: String,
        plan: Plan,
        timestamp: Timestamp,
    },
    /// A deployment failed or was cancelled.
    DeploymentFailed {
        id: String,
        plan: Plan,
        reason: String,
        timestamp: Timestamp,
    },
    /// A task changed its state.
    StatusUpdateEvent {
        slave_id: String,
        task_id: String,
        task_status: TaskState,
        message: String,
        app_id: PathId,
        host: String,
        ip_addresses: Vec<IpAddress>,
        ports: Vec<u16>,
        version: Timestamp,
        timestamp: Timestamp,
    },
    /// An instance changed its condition.
    InstanceChangedEvent {
        instance_id: String,
        condition: Condition,
        run_spec_id: PathId,
        agent_id: Option<String>,
        host: Option<String>,
        run_spec_version: Timestamp,
        timestamp: Timestamp,
    },
    /// The health of an instance changed.
    InstanceHealthChangedEvent {
        instance_id: String,
        run_spec_id: PathId,
        healthy: bool,
        run_spec_version: Timestamp,
        timestamp: Timestamp,
    },
    /// The same, in the format before pods.
    HealthStatusChangedEvent {
        app_id: PathId,
        instance_id: String,
        version: Timestamp,
        alive: bool,
        timestamp: Timestamp,
    },
    /// A failing health check killed its task.
    UnhealthyInstanceKillEvent {
        app_id: PathId,
        task_id: String,
        instance_id: String,
        version: Timestamp,
        reason: String,
        host: String,
        slave_id: Option<String>,
        timestamp: Timestamp,
    },
    /// A health check was added.
    AddHealthCheckEvent {
        app_id: PathId,
        health_check: HealthCheck,
        version: Timestamp,
        timestamp: Timestamp,
    },
    /// The health checks of an app were removed.
    RemoveHealthCheckEvent {
        app_id: PathId,
        timestamp: Timestamp,
    },
    /// An app was removed.
    AppTerminatedEvent {
        app_id: PathId,
        timestamp: Timestamp,
    },
    /// An event type that this crate does not support.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// The event's name on the stream.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::EventStreamAttached { .. } => "event_stream_attached",
            Self::ApiPostEvent { .. } => "api_post_event",
            Self::GroupChangeSuccess { .. } => "group_change_success",
            Self::GroupChangeFailed { .. } => "group_change_failed",
            Self::DeploymentInfo { .. } => "deployment_info",
            Self::DeploymentStepSuccess { .. } => "deployment_step_success",
            Self::DeploymentSuccess { .. } => "deployment_success",
            Self::DeploymentFailed { .. } => "deployment_failed",
            Self::StatusUpdateEvent { .. } => "status_update_event",
            Self::InstanceChangedEvent { .. } => "instance_changed_event",
            Self::InstanceHealthChangedEvent { .. } => "instance_health_changed_event",
            Self::HealthStatusChangedEvent { .. } => "health_status_changed_event",
            Self::UnhealthyInstanceKillEvent { .. } => "unhealthy_instance_kill_event",
            Self::AddHealthCheckEvent { .. } => "add_health_check_event",
            Self::RemoveHealthCheckEvent { .. } => "remove_health_check_event",
            Self::AppTerminatedEvent { .. } => "app_terminated_event",
            Self::Unknown => "unknown",
        }
    }
}
