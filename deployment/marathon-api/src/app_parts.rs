//! The parts of an app's definition.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::timestamp::Timestamp;
use crate::words::Operator;

/// A value of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EnvValue {
    /// The value itself.
    Plain(String),
    /// The name of a secret that holds it.
    Secret {
        /// The name.
        secret: String,
    },
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretDefinition {
    /// Its name in the store.
    pub source: String,
}

/// Something that is fetched into the task's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// From where.
    pub uri: String,
    /// Whether an archive is unpacked.
    #[serde(default = "yes")]
    pub extract: bool,
    /// Whether it may be run.
    #[serde(default)]
    pub executable: bool,
    /// Whether the host keeps it.
    #[serde(default)]
    pub cache: bool,
    /// Under which name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dest_path: Option<String>,
}

/// A rule for spreading tasks: field, operator, and a value for some operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Constraint {
    /// What is compared, as `hostname`.
    pub field: String,
    /// How.
    pub operator: Operator,
    /// With what.
    pub value: Option<String>,
}

impl TryFrom<Vec<String>> for Constraint {
    type Error = String;

    fn try_from(words: Vec<String>) -> Result<Self, String> {
        let mut words = words.into_iter();
        let (Some(field), Some(operator), value, None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err("Constraint must have two or three parts".to_owned());
        };
        let operator =
            serde_json::from_value(Value::String(operator)).map_err(|error| error.to_string())?;
        Ok(Self {
            field,
            operator,
            value,
        })
    }
}

impl From<Constraint> for Vec<String> {
    fn from(constraint: Constraint) -> Self {
        [constraint.field, constraint.operator.to_string()]
            .into_iter()
            .chain(constraint.value)
            .collect()
    }
}

/// How many tasks may be missing, and extra, while a new version comes; both as shares of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeStrategy {
    /// So many more may run.
    #[serde(default = "whole")]
    pub maximum_over_capacity: f64,
    /// So many are always healthy.
    #[serde(default = "whole")]
    pub minimum_health_capacity: f64,
}

impl Default for UpgradeStrategy {
    fn default() -> Self {
        Self {
            maximum_over_capacity: 1.0,
            minimum_health_capacity: 1.0,
        }
    }
}

/// When the last changes were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    /// Of any change.
    pub last_scaling_at: Timestamp,
    /// Of a change to more than the scale.
    pub last_config_change_at: Timestamp,
}

/// What becomes of a task whose host is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UnreachableStrategy {
    /// It is replaced, then forgotten.
    Enabled(UnreachableTimes),
    /// It is waited for; the word is `disabled`.
    Disabled(String),
}

/// When a task whose host is away is replaced, and forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreachableTimes {
    /// Replaced.
    #[serde(default)]
    pub inactive_after_seconds: u64,
    /// Forgotten.
    #[serde(default)]
    pub expunge_after_seconds: u64,
}

impl Default for UnreachableStrategy {
    fn default() -> Self {
        Self::Enabled(UnreachableTimes {
            inactive_after_seconds: 0,
            expunge_after_seconds: 0,
        })
    }
}

fn whole() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}
