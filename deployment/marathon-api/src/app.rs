//! The definition of an app, and what is told about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::check::{HealthCheck, ReadinessCheck, ReadinessResult};
use crate::container::{Container, Network, PortDefinition, PortMapping};
use crate::deployment::Identified;
use crate::path_id::PathId;
use crate::refused::Refused;
use crate::task::{Task, TaskFailure};
use crate::timestamp::Timestamp;
use crate::words::{KillSelection, NetworkMode, Operator};

/// What is to run, how often, and how it is looked after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Its name.
    pub id: PathId,
    /// Roles of the resources it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_resource_roles: Option<Vec<String>>,
    /// The command as words, instead of `cmd`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// By what the launch delay grows at each failure.
    #[serde(default = "backoff_factor")]
    pub backoff_factor: f64,
    /// The first launch delay.
    #[serde(default = "one")]
    pub backoff_seconds: u32,
    /// The command, for `/bin/sh -c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<String>,
    /// How its tasks are spread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// What it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// Processors of one task.
    #[serde(default = "one_cpu")]
    pub cpus: f64,
    /// What has to run before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<PathId>,
    /// Disk of one task, in MB.
    #[serde(default)]
    pub disk: f64,
    /// Its environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, EnvValue>,
    /// What launches it; empty is Mesos' own.
    #[serde(default)]
    pub executor: String,
    /// What is fetched before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetch: Vec<Artifact>,
    /// How its health is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<HealthCheck>,
    /// A check without a consequence, kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Value>,
    /// How many tasks.
    #[serde(default = "one")]
    pub instances: u32,
    /// For whoever reads the definition.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The launch delay grows to this.
    #[serde(default = "five_minutes")]
    pub max_launch_delay_seconds: u32,
    /// Memory of one task, in MB.
    #[serde(default = "memory")]
    pub mem: f64,
    /// GPUs of one task.
    #[serde(default)]
    pub gpus: u32,
    /// The networks it joins.
    #[serde(default)]
    pub networks: Vec<Network>,
    /// The network at its old place, of before Marathon 1.5, kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<Value>,
    /// Its ports in the host's network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_definitions: Option<Vec<PortDefinition>>,
    /// Its ports at their old place; read, never written.
    #[serde(default, skip_serializing)]
    pub ports: Option<Vec<u16>>,
    /// How a deployment asks whether a task can take work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readiness_checks: Vec<ReadinessCheck>,
    /// Without effect since Marathon 1.8, kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residency: Option<Value>,
    /// The most that a task may take, kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_limits: Option<Value>,
    /// Whether the ports are those of the host too.
    #[serde(default)]
    pub require_ports: bool,
    /// Names of secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretDefinition>,
    /// From SIGTERM to SIGKILL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_kill_grace_period_seconds: Option<u32>,
    /// How many tasks may be missing, and extra, while a new version comes.
    #[serde(default)]
    pub upgrade_strategy: UpgradeStrategy,
    /// What is fetched, at its old place; read, never written.
    #[serde(default, skip_serializing)]
    pub uris: Vec<String>,
    /// The user it runs as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Timestamp>,
    /// What that change was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_info: Option<VersionInfo>,
    /// Which task goes first.
    #[serde(default = "youngest")]
    pub kill_selection: KillSelection,
    /// What becomes of a task whose host is away.
    #[serde(default)]
    pub unreachable_strategy: UnreachableStrategy,
    /// Whether it has a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    /// The role of its resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl App {
    /// An app of this name with Marathon's defaults; it still needs a command or an image.
    #[must_use]
    pub fn new(id: PathId) -> Self {
        Self {
            id,
            accepted_resource_roles: None,
            args: Vec::new(),
            backoff_factor: backoff_factor(),
            backoff_seconds: one(),
            cmd: None,
            constraints: Vec::new(),
            container: None,
            cpus: one_cpu(),
            dependencies: Vec::new(),
            disk: 0.0,
            env: BTreeMap::new(),
            executor: String::new(),
            fetch: Vec::new(),
            health_checks: Vec::new(),
            check: None,
            instances: one(),
            labels: BTreeMap::new(),
            max_launch_delay_seconds: five_minutes(),
            mem: memory(),
            gpus: 0,
            networks: Vec::new(),
            ip_address: None,
            port_definitions: None,
            ports: None,
            readiness_checks: Vec::new(),
            residency: None,
            resource_limits: None,
            require_ports: false,
            secrets: BTreeMap::new(),
            task_kill_grace_period_seconds: None,
            upgrade_strategy: UpgradeStrategy::default(),
            uris: Vec::new(),
            user: None,
            version: None,
            version_info: None,
            kill_selection: youngest(),
            unreachable_strategy: UnreachableStrategy::default(),
            tty: None,
            role: None,
        }
    }

    /// Whether its tasks share the host's network.
    #[must_use]
    pub fn in_host_network(&self) -> bool {
        self.networks
            .iter()
            .all(|network| network.mode == NetworkMode::Host)
    }

    /// Its port mappings; none in the host's network.
    #[must_use]
    pub fn port_mappings(&self) -> &[PortMapping] {
        self.container
            .as_ref()
            .and_then(|container| container.port_mappings.as_deref())
            .unwrap_or_default()
    }

    /// The ports of one task, in the order of `$PORT0`, `$PORT1`, …: their names and labels.
    #[must_use]
    pub fn port_names(&self) -> Vec<Option<&str>> {
        if self.in_host_network() {
            self.port_definitions
                .iter()
                .flatten()
                .map(|port| port.name.as_deref())
                .collect()
        } else {
            self.port_mappings()
                .iter()
                .map(|port| port.name.as_deref())
                .collect()
        }
    }

    /// Its ports on the load balancer, in the same order.
    #[must_use]
    pub fn service_ports(&self) -> Vec<u16> {
        if self.in_host_network() {
            self.port_definitions
                .iter()
                .flatten()
                .map(|port| port.port)
                .collect()
        } else {
            self.port_mappings()
                .iter()
                .map(|port| port.service_port)
                .collect()
        }
    }

    /// Whether a task of `other` is as good as one of this: all but scale and version are equal.
    #[must_use]
    pub fn runs_the_same_as(&self, other: &Self) -> bool {
        let bare = |app: &Self| Self {
            instances: 0,
            version: None,
            version_info: None,
            labels: app.labels.clone(),
            ..app.clone()
        };
        bare(self) == bare(other)
    }
}

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

/// Some of an app's fields, to be changed.
#[derive(Debug, Clone, PartialEq)]
pub struct AppUpdate {
    pub(crate) fields: Map<String, Value>,
}

impl AppUpdate {
    /// The app it is for, where it says so.
    #[must_use]
    pub fn id(&self) -> Option<PathId> {
        self.fields
            .get("id")
            .and_then(Value::as_str)
            .and_then(|id| id.parse().ok())
    }

    /// The version it goes back to, where it is only that.
    #[must_use]
    pub fn version(&self) -> Option<Timestamp> {
        self.fields
            .get("version")
            .and_then(Value::as_str)
            .and_then(|version| version.parse().ok())
    }

    /// `app` with these fields; its name stays.
    ///
    /// # Errors
    /// [`Refused`] where a field cannot be read.
    pub fn onto(&self, app: &App) -> Result<App, Refused> {
        let mut whole = match crate::read::value_of(app) {
            Value::Object(whole) => whole,
            _ => Map::new(),
        };
        // The old places of ports and artifacts replace the new ones.
        for (old, new) in [("ports", "portDefinitions"), ("uris", "fetch")] {
            if self.fields.contains_key(old) {
                whole.remove(new);
            }
        }
        whole.extend(self.fields.clone());
        whole.insert("id".to_owned(), Value::String(app.id.to_string()));
        crate::read::app_from(Value::Object(whole))
    }

    /// These fields alone, as the definition of `id`.
    ///
    /// # Errors
    /// [`Refused`] where a field cannot be read.
    pub fn alone(&self, id: &PathId) -> Result<App, Refused> {
        let mut whole = self.fields.clone();
        whole.insert("id".to_owned(), Value::String(id.to_string()));
        crate::read::app_from(Value::Object(whole))
    }
}

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

fn backoff_factor() -> f64 {
    1.15
}

fn one() -> u32 {
    1
}

fn one_cpu() -> f64 {
    1.0
}

fn five_minutes() -> u32 {
    300
}

fn memory() -> f64 {
    128.0
}

fn whole() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

fn youngest() -> KillSelection {
    KillSelection::YoungestFirst
}
