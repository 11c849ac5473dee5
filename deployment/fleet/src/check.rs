//! The project's own rules for definitions, beyond what Marathon's schema says.
//!
//! Marathon takes a definition whose tasks are killed while they drain, whose health check waits for
//! fifteen seconds, or that names a setting which nobody reads. These rules do not.
//!
//! Guarantee: every broken rule is told at once, with the app, what is wrong and what would be right.

mod cluster;
mod endings;
mod environment;
mod graph;
mod images;
mod memory;
mod placing;
mod probes;
mod volumes;

use std::fmt;

use moodvane_marathon_api::{App, EnvValue};

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The app's id.
    pub app: String,
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.app, self.rule, self.message)
    }
}

/// What a rule looks at: one app, among all of its group.
pub(crate) struct Subject<'a> {
    pub(crate) app: &'a App,
    pub(crate) all: &'a [App],
    /// How many agents there are, where that is known.
    pub(crate) agents: Option<u32>,
}

impl Subject<'_> {
    /// The service that the image is, such as `processor`; none for images that are not ours.
    pub(crate) fn service(&self) -> Option<&'static str> {
        let name = image(self.app)?
            .rsplit('/')
            .next()?
            .split([':', '@'])
            .next()?
            .to_owned();
        let is_ours = self
            .app
            .env
            .keys()
            .any(|name| name.starts_with("MOODVANE_"));
        let services = ["ingester", "processor", "server"];
        services
            .into_iter()
            .find(|service| *service == name && is_ours)
    }

    /// A variable with a plain value.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        plain(self.app, name)
    }
}

pub(crate) fn plain<'a>(app: &'a App, name: &str) -> Option<&'a str> {
    match app.env.get(name)? {
        EnvValue::Plain(value) => Some(value),
        EnvValue::Secret { .. } => None,
    }
}

pub(crate) fn image(app: &App) -> Option<&str> {
    Some(app.container.as_ref()?.docker.as_ref()?.image.as_str())
}

/// A rule: its name, and what it finds wrong with an app.
type Rule = (&'static str, fn(&Subject<'_>) -> Vec<String>);

const RULES: [Rule; 22] = [
    ("image", images::pinned),
    ("grace", endings::grace_above_drain),
    ("health", probes::one_health_check),
    ("health-port", probes::port_exists),
    ("health-pace", probes::pace),
    ("readiness", probes::readiness),
    ("dependencies", graph::known),
    ("cycle", graph::no_cycle),
    ("environment", environment::known),
    ("port-variable", environment::ports),
    ("plain-secret", environment::no_plain_secret),
    ("resources", memory::stated),
    ("heap", memory::above_heap),
    ("unique", placing::room_for_unique),
    ("upgrade", placing::upgrade_keeps_serving),
    ("backoff", placing::backoff),
    ("balancer", placing::balancer_labels),
    ("volume", volumes::held),
    ("data", volumes::data_is_mounted),
    ("quorum", cluster::quorum),
    ("reach", cluster::reach),
    ("apart", cluster::peers_apart),
];

/// Every broken rule of a group's apps. `agents` is how many agents there are, where that matters.
#[must_use]
pub fn check(apps: &[App], agents: Option<u32>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for app in apps {
        let subject = Subject {
            app,
            all: apps,
            agents,
        };
        for (rule, broken) in RULES {
            let found = broken(&subject).into_iter().map(|message| Finding {
                app: app.id.to_string(),
                rule,
                message,
            });
            findings.extend(found);
        }
    }
    findings.sort();
    findings
}

/// The names of all rules.
#[must_use]
pub fn rules() -> Vec<&'static str> {
    RULES.iter().map(|(name, _)| *name).collect()
}
