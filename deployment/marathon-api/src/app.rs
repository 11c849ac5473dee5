//! An app definition.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app_parts::{
    Artifact, Constraint, EnvValue, SecretDefinition, UnreachableStrategy, UpgradeStrategy,
    VersionInfo,
};
use crate::check::{HealthCheck, ReadinessCheck};
use crate::container::{Container, Network, PortDefinition, PortMapping};
use crate::enums::{KillSelection, NetworkMode};
use crate::path_id::PathId;
use crate::timestamp::Timestamp;

/// An app definition: the container or command, its scale, and how Marathon supervises it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Its name.
    pub id: PathId,
    /// Mesos roles whose resources the app may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_resource_roles: Option<Vec<String>>,
    /// The command as arguments, instead of `cmd`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Factor by which the launch delay grows after each failure.
    #[serde(default = "default_backoff_factor")]
    pub backoff_factor: f64,
    /// The first launch delay.
    #[serde(default = "default_one")]
    pub backoff_seconds: u32,
    /// The command, for `/bin/sh -c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<String>,
    /// Placement constraints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// The container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// CPUs per task.
    #[serde(default = "default_cpus")]
    pub cpus: f64,
    /// Apps or groups that must run first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<PathId>,
    /// Disk per task, in MB.
    #[serde(default)]
    pub disk: f64,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, EnvValue>,
    /// The executor; empty for Mesos' default.
    #[serde(default)]
    pub executor: String,
    /// Artifacts to fetch before the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetch: Vec<Artifact>,
    /// Health checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<HealthCheck>,
    /// A check without consequences, passed through unparsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Value>,
    /// Number of tasks.
    #[serde(default = "default_one")]
    pub instances: u32,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Upper bound of the launch delay.
    #[serde(default = "default_max_launch_delay")]
    pub max_launch_delay_seconds: u32,
    /// Memory per task, in MB.
    #[serde(default = "default_mem")]
    pub mem: f64,
    /// GPUs per task.
    #[serde(default)]
    pub gpus: u32,
    /// Networks that the tasks join.
    #[serde(default)]
    pub networks: Vec<Network>,
    /// The network in the format before Marathon 1.5, passed through unparsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<Value>,
    /// Ports in host networking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_definitions: Option<Vec<PortDefinition>>,
    /// Ports in the legacy format; read, never written. After parsing, they are kept only where
    /// they contradict `port_definitions`.
    #[serde(default, skip_serializing)]
    pub ports: Option<Vec<u16>>,
    /// Readiness checks during a deployment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readiness_checks: Vec<ReadinessCheck>,
    /// No effect since Marathon 1.8; passed through unparsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residency: Option<Value>,
    /// Resource limits, passed through unparsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_limits: Option<Value>,
    /// Whether the declared ports are used on the host.
    #[serde(default)]
    pub require_ports: bool,
    /// Secrets by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretDefinition>,
    /// Time from SIGTERM to SIGKILL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_kill_grace_period_seconds: Option<u32>,
    /// How many tasks may be missing or extra during an upgrade.
    #[serde(default)]
    pub upgrade_strategy: UpgradeStrategy,
    /// Artifacts in the legacy format; read, never written.
    #[serde(default, skip_serializing)]
    pub uris: Vec<String>,
    /// The user that tasks run as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The version: the time of the last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Timestamp>,
    /// The times of the last scaling and configuration changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_info: Option<VersionInfo>,
    /// Which task is killed first on scale-down.
    #[serde(default = "default_kill_selection")]
    pub kill_selection: KillSelection,
    /// What happens to a task on an unreachable agent.
    #[serde(default)]
    pub unreachable_strategy: UnreachableStrategy,
    /// Whether to allocate a TTY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    /// Resources of the executor, passed through unparsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor_resources: Option<Value>,
    /// The role of the resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl App {
    /// Returns an app with Marathon's defaults; it still needs a command or an image.
    #[must_use]
    pub fn new(id: PathId) -> Self {
        Self {
            id,
            accepted_resource_roles: None,
            args: Vec::new(),
            backoff_factor: default_backoff_factor(),
            backoff_seconds: default_one(),
            cmd: None,
            constraints: Vec::new(),
            container: None,
            cpus: default_cpus(),
            dependencies: Vec::new(),
            disk: 0.0,
            env: BTreeMap::new(),
            executor: String::new(),
            fetch: Vec::new(),
            health_checks: Vec::new(),
            check: None,
            instances: default_one(),
            labels: BTreeMap::new(),
            max_launch_delay_seconds: default_max_launch_delay(),
            mem: default_mem(),
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
            kill_selection: default_kill_selection(),
            unreachable_strategy: UnreachableStrategy::default(),
            tty: None,
            executor_resources: None,
            role: None,
        }
    }

    /// Whether the tasks use host networking.
    #[must_use]
    pub fn uses_host_network(&self) -> bool {
        self.networks
            .iter()
            .all(|network| network.mode == NetworkMode::Host)
    }

    /// The port mappings; empty in host networking.
    #[must_use]
    pub fn port_mappings(&self) -> &[PortMapping] {
        self.container
            .as_ref()
            .and_then(|container| container.port_mappings.as_deref())
            .unwrap_or_default()
    }

    /// The port names of one task, in the order of `$PORT0`, `$PORT1`, ….
    #[must_use]
    pub fn port_names(&self) -> Vec<Option<&str>> {
        if self.uses_host_network() {
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

    /// The service ports on the load balancer, in the same order.
    #[must_use]
    pub fn service_ports(&self) -> Vec<u16> {
        if self.uses_host_network() {
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
}

fn default_backoff_factor() -> f64 {
    1.15
}

fn default_one() -> u32 {
    1
}

fn default_cpus() -> f64 {
    1.0
}

fn default_max_launch_delay() -> u32 {
    300
}

fn default_mem() -> f64 {
    128.0
}

fn default_kill_selection() -> KillSelection {
    KillSelection::YoungestFirst
}
