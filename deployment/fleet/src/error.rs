//! What can go wrong, each with what was wrong, where, and what would be right.

use thiserror::Error;

use crate::check::Finding;
use crate::client::ClientError;
use crate::config::ConfigError;
use crate::follow::FailureReport;
use crate::render::RenderError;

/// Why a command did not do what it was asked to.
#[derive(Debug, Error)]
pub enum FleetError {
    /// `fleet.toml` is wrong.
    #[error(transparent)]
    FleetConfig(#[from] ConfigError),
    /// The templates are wrong.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Marathon was not reached or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The definitions break rules.
    #[error("{}", listed(.0))]
    RuleViolations(Vec<Finding>),
    /// What was to come up did not.
    #[error("{0}")]
    NotReady(Box<FailureReport>),
    /// What was to be stopped still runs.
    #[error("still running after {after_s} s: {}; a task is killed at the latest when its grace period is over, so look at its agent", .tasks.join(", "))]
    StillRunning {
        /// How long it was waited for.
        after_s: u64,
        /// The tasks.
        tasks: Vec<String>,
    },
    /// A name that no app has.
    #[error("there is no app {name} in {group}; there are: {}", .known.join(", "))]
    UnknownApp {
        /// The name.
        name: String,
        /// The group.
        group: String,
        /// The names that there are.
        known: Vec<String>,
    },
}

fn listed(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    format!("the definitions break rules:\n  {}", lines.join("\n  "))
}
