//! Deployments: changes of the desired state, as steps.

use serde::{Deserialize, Serialize};

use crate::check::ReadinessCheckResult;
use crate::enums::ActionName;
use crate::path_id::PathId;
use crate::timestamp::Timestamp;

/// An action of a deployment on one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The action.
    pub action: ActionName,
    /// The app.
    pub app: PathId,
}

/// Actions that run concurrently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The actions.
    pub actions: Vec<Action>,
}

/// A deployment plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Id.
    pub id: String,
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// The version that it creates.
    pub version: Timestamp,
}

/// A running action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionInfo {
    /// The action.
    #[serde(flatten)]
    pub action: Action,
    /// Results of the readiness checks.
    #[serde(default)]
    pub readiness_check_results: Vec<ReadinessCheckResult>,
}

/// A running deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Id.
    pub id: String,
    /// All steps.
    pub steps: Vec<Step>,
    /// The version that it creates.
    pub version: Timestamp,
    /// Affected apps.
    pub affected_apps: Vec<PathId>,
    /// Always empty: this crate does not support pods.
    #[serde(default)]
    pub affected_pods: Vec<PathId>,
    /// Running actions.
    pub current_actions: Vec<ActionInfo>,
    /// Number of the current step, from 1.
    pub current_step: usize,
    /// Number of steps.
    pub total_steps: usize,
}

/// Response to a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentResult {
    /// The deployment.
    pub deployment_id: String,
    /// The version that it creates.
    pub version: Timestamp,
}

/// A reference to a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentRef {
    /// Id.
    pub id: String,
}
