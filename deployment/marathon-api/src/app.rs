//! The definition of an app.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app_parts::{
    Artifact, Constraint, EnvValue, SecretDefinition, UnreachableStrategy, UpgradeStrategy,
    VersionInfo,
};
use crate::check::{HealthCheck, ReadinessCheck};
use crate::container::{Container, Network, PortDefinition, PortMapping};
use crate::path_id::PathId;
use crate::timestamp::Timestamp;
use crate::words::{KillSelection, NetworkMode};

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

fn youngest() -> KillSelection {
    KillSelection::YoungestFirst
}
