//! Groups of apps and groups.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::deployment::Step;
use crate::path_id::PathId;
use crate::timestamp::Timestamp;

/// A requested group. Absent fields keep their value; `apps` and `groups` are replaced as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupUpdate {
    /// Id; defaults to the id in the request's path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PathId>,
    /// All apps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apps: Option<Vec<App>>,
    /// All groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<GroupUpdate>>,
    /// Apps or groups that must run before any app of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Vec<PathId>>,
    /// Factor for the scale of each app; excludes other fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_by: Option<f64>,
    /// The version to roll back to; excludes other fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Timestamp>,
    /// Whether its apps must have its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_role: Option<bool>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Id.
    pub id: PathId,
    /// Apps.
    #[serde(default)]
    pub apps: Vec<App>,
    /// Always empty: this crate does not support pods.
    #[serde(default)]
    pub pods: Vec<Value>,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Apps or groups that must run before any app of the group.
    #[serde(default)]
    pub dependencies: Vec<PathId>,
    /// The version: the time of the last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Timestamp>,
    /// Whether its apps must have its role; for groups directly below `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_role: Option<bool>,
}

impl Group {
    /// Returns an empty group.
    #[must_use]
    pub fn empty(id: PathId) -> Self {
        Self {
            id,
            apps: Vec::new(),
            pods: Vec::new(),
            groups: Vec::new(),
            dependencies: Vec::new(),
            version: None,
            enforce_role: None,
        }
    }

    /// All apps of the group, at any depth.
    #[must_use]
    pub fn all_apps(&self) -> Vec<&App> {
        self.apps
            .iter()
            .chain(self.groups.iter().flat_map(Self::all_apps))
            .collect()
    }
}

/// Response to a dry run of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRunPlan {
    /// The steps of the deployment.
    pub steps: Vec<Step>,
}
