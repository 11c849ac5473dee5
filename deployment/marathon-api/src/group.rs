//! Groups: apps and groups under one name.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::deployment::Step;
use crate::path_id::PathId;
use crate::timestamp::Timestamp;

/// A group as it is asked for. What it does not name stays, for `apps` and `groups` as wholes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupUpdate {
    /// Its name; without it the name in the request's path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PathId>,
    /// All its apps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apps: Option<Vec<App>>,
    /// All its groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<GroupUpdate>>,
    /// What has to run before any of its apps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Vec<PathId>>,
    /// Multiplies the scale of each of its apps; stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_by: Option<f64>,
    /// The version it goes back to; stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Timestamp>,
    /// Whether its apps must have its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_role: Option<bool>,
}

/// A group as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its name.
    pub id: PathId,
    /// Its apps.
    #[serde(default)]
    pub apps: Vec<App>,
    /// Always empty: pods are not known here.
    #[serde(default)]
    pub pods: Vec<Value>,
    /// Its groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// What has to run before any of its apps.
    #[serde(default)]
    pub dependencies: Vec<PathId>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Timestamp>,
    /// Whether its apps must have its role; for groups directly below `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_role: Option<bool>,
}

impl Group {
    /// A group of this name with nothing in it.
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

    /// All apps in it, at any depth.
    #[must_use]
    pub fn all_apps(&self) -> Vec<&App> {
        self.apps
            .iter()
            .chain(self.groups.iter().flat_map(Self::all_apps))
            .collect()
    }
}

/// The answer to a change that is only tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// What would be done.
    pub steps: Vec<Step>,
}
