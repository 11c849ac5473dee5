//! Partial updates of an app.

use serde_json::{Map, Value};

use crate::app::App;
use crate::error::{BodyError, Violation};
use crate::path_id::PathId;
use crate::timestamp::Timestamp;

/// The fields that Marathon reads from an update, apart from `id` and `version`. It ignores others,
/// such as those that a GET adds.
const FIELDS: [&str; 38] = [
    "acceptedResourceRoles",
    "args",
    "backoffFactor",
    "backoffSeconds",
    "check",
    "cmd",
    "constraints",
    "container",
    "cpus",
    "dependencies",
    "disk",
    "env",
    "executor",
    "executorResources",
    "fetch",
    "gpus",
    "healthChecks",
    "instances",
    "ipAddress",
    "killSelection",
    "labels",
    "maxLaunchDelaySeconds",
    "mem",
    "networks",
    "portDefinitions",
    "ports",
    "readinessChecks",
    "requirePorts",
    "residency",
    "resourceLimits",
    "role",
    "secrets",
    "taskKillGracePeriodSeconds",
    "tty",
    "unreachableStrategy",
    "upgradeStrategy",
    "uris",
    "user",
];

/// The fields of an app that an update sets.
#[derive(Debug, Clone, PartialEq)]
pub struct AppUpdate {
    pub(crate) fields: Map<String, Value>,
}

impl AppUpdate {
    /// The id of the app, if given.
    #[must_use]
    pub fn id(&self) -> Option<PathId> {
        self.fields
            .get("id")
            .and_then(Value::as_str)
            .and_then(|id| id.parse().ok())
    }

    /// The version to roll back to, if given.
    #[must_use]
    pub fn version(&self) -> Option<Timestamp> {
        self.fields
            .get("version")
            .and_then(Value::as_str)
            .and_then(|version| version.parse().ok())
    }

    /// Checks that an update with a version, which is a roll-back, sets no other field. So the body
    /// of a GET cannot be sent back with its version.
    ///
    /// # Errors
    /// [`BodyError::InvalidObject`] if it sets one.
    pub fn check_version(&self) -> Result<(), BodyError> {
        let is_roll_back = self.fields.contains_key("version");
        if !is_roll_back || !FIELDS.iter().any(|field| self.fields.contains_key(*field)) {
            return Ok(());
        }
        let error = "The 'version' field may only be combined with the 'id' field.";
        Err(BodyError::InvalidObject(vec![Violation::new("/", error)]))
    }

    /// Returns `app` with these fields set; the id stays.
    ///
    /// # Errors
    /// [`BodyError`] if a field is invalid.
    pub fn apply_to(&self, app: &App) -> Result<App, BodyError> {
        let mut whole = match crate::parse::to_json(app) {
            Value::Object(whole) => whole,
            _ => Map::new(),
        };
        // The legacy fields replace the current ones.
        for (old, new) in [("ports", "portDefinitions"), ("uris", "fetch")] {
            if self.fields.contains_key(old) {
                whole.remove(new);
            }
        }
        whole.extend(self.fields.clone());
        whole.insert("id".to_owned(), Value::String(app.id.to_string()));
        crate::parse::app_from(Value::Object(whole))
    }

    /// Returns a new app `id` with these fields and defaults for the rest.
    ///
    /// # Errors
    /// [`BodyError`] if a field is invalid.
    pub fn to_app(&self, id: &PathId) -> Result<App, BodyError> {
        let mut whole = self.fields.clone();
        whole.insert("id".to_owned(), Value::String(id.to_string()));
        crate::parse::app_from(Value::Object(whole))
    }
}
