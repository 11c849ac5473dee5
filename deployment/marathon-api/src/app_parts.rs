//! Parts of an app definition.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::enums::Operator;
use crate::timestamp::Timestamp;

/// The value of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "error.expected.jsstring")]
pub enum EnvValue {
    /// A plain value.
    Plain(String),
    /// A reference to a secret.
    Secret {
        /// The name of the secret.
        secret: String,
    },
}

/// The source of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretDefinition {
    /// Path in the secret store.
    pub source: String,
}

/// A file that is fetched into the task's sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Source URI.
    pub uri: String,
    /// Whether to unpack an archive.
    #[serde(default = "default_extract")]
    pub extract: bool,
    /// Whether to make it executable.
    #[serde(default)]
    pub executable: bool,
    /// Whether the agent caches it.
    #[serde(default)]
    pub cache: bool,
    /// Destination path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dest_path: Option<String>,
}

/// A placement constraint: field, operator, and a value for some operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Constraint {
    /// The agent attribute, such as `hostname`.
    pub field: String,
    /// The operator.
    pub operator: Operator,
    /// The operand.
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

/// How many tasks may be missing or extra during an upgrade, as fractions of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeStrategy {
    /// Extra tasks that may run.
    #[serde(default = "default_capacity")]
    pub maximum_over_capacity: f64,
    /// Tasks that must stay healthy.
    #[serde(default = "default_capacity")]
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

/// Times of the last changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    /// Last change of any kind.
    pub last_scaling_at: Timestamp,
    /// Last change of more than the scale.
    pub last_config_change_at: Timestamp,
}

/// What happens to a task on an unreachable agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "error.expected.jsobject")]
pub enum UnreachableStrategy {
    /// Replace the instance, then expunge it.
    Enabled(UnreachableEnabled),
    /// Wait for the agent; the value is `disabled`.
    Disabled(String),
}

/// Delays before an unreachable instance is replaced and expunged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreachableEnabled {
    /// Delay before the replacement.
    #[serde(default)]
    pub inactive_after_seconds: u64,
    /// Delay before the expunge.
    #[serde(default)]
    pub expunge_after_seconds: u64,
}

impl Default for UnreachableStrategy {
    fn default() -> Self {
        Self::Enabled(UnreachableEnabled {
            inactive_after_seconds: 0,
            expunge_after_seconds: 0,
        })
    }
}

fn default_capacity() -> f64 {
    1.0
}

fn default_extract() -> bool {
    true
}
