//! Deployments: a change of the desired state, as steps.

use serde::{Deserialize, Serialize};

use crate::check::ReadinessResult;
use crate::path_id::PathId;
use crate::timestamp::Timestamp;
use crate::words::ActionName;

/// What a deployment does to one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What.
    pub action: ActionName,
    /// To which.
    pub app: PathId,
}

/// What is done at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The actions.
    pub actions: Vec<Action>,
}

/// The steps of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name.
    pub id: String,
    /// One after the other.
    pub steps: Vec<Step>,
    /// When it was made.
    pub version: Timestamp,
}

/// An action under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionInfo {
    /// The action.
    #[serde(flatten)]
    pub action: Action,
    /// What the readiness checks say.
    #[serde(default)]
    pub readiness_check_results: Vec<ReadinessResult>,
}

/// A deployment under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Its name.
    pub id: String,
    /// All its steps.
    pub steps: Vec<Step>,
    /// When it was made.
    pub version: Timestamp,
    /// The apps that it changes.
    pub affected_apps: Vec<PathId>,
    /// Always empty: pods are not known here.
    #[serde(default)]
    pub affected_pods: Vec<PathId>,
    /// What is under way.
    pub current_actions: Vec<ActionInfo>,
    /// Which step, from 1.
    pub current_step: usize,
    /// Of how many.
    pub total_steps: usize,
}

/// The answer to a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentResult {
    /// The deployment.
    pub deployment_id: String,
    /// The version it leads to.
    pub version: Timestamp,
}

/// Something by its name alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identified {
    /// The name.
    pub id: String,
}
