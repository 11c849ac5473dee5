//! The project's rules for definitions, in addition to Marathon's schema.
//!
//! Marathon accepts a definition whose tasks are killed while they drain, whose first health check runs
//! after fifteen seconds, or that sets an unknown variable. These rules reject it.
//!
//! Guarantee: a check reports all violations at once, each with the app, the problem and the expected value.

mod cluster;
mod environment;
mod graph;
mod images;
mod memory;
mod placement;
mod ports;
mod probes;
mod shutdown;
mod volumes;

use std::fmt;

use moodvane_marathon_api::{App, EnvValue};

use crate::config::PortRange;

/// A violation of one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The app's id.
    pub app: String,
    /// The rule's name.
    pub rule: &'static str,
    /// The problem and the expected value.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.app, self.rule, self.message)
    }
}

/// What the rules know of the agents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agents {
    /// Their number, if the apps have placement constraints.
    pub count: Option<u32>,
    /// The ports that they offer.
    pub ports: PortRange,
}

impl Agents {
    /// A number of agents that offer Mesos' default ports.
    #[must_use]
    pub fn new(count: Option<u32>) -> Self {
        Self {
            count,
            ports: PortRange::default(),
        }
    }
}

/// The input of a rule: one app, and all apps of its group.
pub(crate) struct Subject<'a> {
    pub(crate) app: &'a App,
    pub(crate) all: &'a [App],
    /// The number of agents, if known.
    pub(crate) agents: Option<u32>,
    /// The ports that agents offer.
    pub(crate) offered_ports: &'a PortRange,
}

impl Subject<'_> {
    /// The project's service that the app runs, such as `processor`; `None` for other images.
    pub(crate) fn service(&self) -> Option<&'static str> {
        let image = image(self.app)?.rsplit('/').next()?;
        let name = image.split([':', '@']).next()?;
        let mut variables = self.app.env.keys();
        if !variables.any(|variable| variable.starts_with("MOODVANE_")) {
            return None;
        }
        let services = ["ingester", "processor", "server"];
        services.into_iter().find(|service| *service == name)
    }

    /// The plain value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        plain_value(self.app, name)
    }
}

pub(crate) fn plain_value<'a>(app: &'a App, name: &str) -> Option<&'a str> {
    match app.env.get(name)? {
        EnvValue::Plain(value) => Some(value),
        EnvValue::Secret { .. } => None,
    }
}

pub(crate) fn image(app: &App) -> Option<&str> {
    Some(app.container.as_ref()?.docker.as_ref()?.image.as_str())
}

/// A rule: its name, and a function that returns the problems of an app.
type Rule = (&'static str, fn(&Subject<'_>) -> Vec<String>);

const RULES: [Rule; 23] = [
    ("image", images::is_pinned),
    ("grace", shutdown::grace_exceeds_drain),
    ("health", probes::has_one_health_check),
    ("health-port", probes::port_exists),
    ("health-pace", probes::checks_are_frequent),
    ("readiness", probes::has_readiness_check),
    ("dependencies", graph::dependencies_exist),
    ("cycle", graph::has_no_cycle),
    ("environment", environment::variables_are_known),
    ("port-variable", environment::port_variables_exist),
    ("plain-secret", environment::has_no_plain_secret),
    ("resources", memory::resources_are_set),
    ("heap", memory::exceeds_heap),
    ("unique", placement::has_enough_agents),
    ("upgrade", placement::upgrade_keeps_serving),
    ("backoff", placement::backoff_is_short),
    ("balancer", placement::balancer_labels_match_ports),
    ("volume", volumes::persistent_volume_stays),
    ("data", volumes::data_is_mounted),
    ("quorum", cluster::quorum_is_consistent),
    ("reach", cluster::addresses_are_nodes),
    ("apart", cluster::peers_are_apart),
    ("ports", ports::fixed_ports_are_apart),
];

/// Checks all apps of a group.
#[must_use]
pub fn check_apps(apps: &[App], agents: Agents) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for app in apps {
        let subject = Subject {
            app,
            all: apps,
            agents: agents.count,
            offered_ports: &agents.ports,
        };
        for (rule, check) in RULES {
            let problems = check(&subject).into_iter();
            findings.extend(problems.map(|message| Finding {
                app: app.id.to_string(),
                rule,
                message,
            }));
        }
    }
    findings.sort();
    findings
}

/// The names of all rules.
#[must_use]
pub fn rule_names() -> Vec<&'static str> {
    RULES.iter().map(|(name, _)| *name).collect()
}
