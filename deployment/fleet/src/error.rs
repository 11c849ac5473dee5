//! The error of the commands.
//!
//! Convention of this crate: each module has its own error type. A cause is a `#[source]` and is not part of
//! the message; `main` prints the chain once.

use thiserror::Error;

use crate::check::Finding;
use crate::client::ClientError;
use crate::config::ConfigError;
use crate::failure::FailureReport;
use crate::render::RenderError;

/// Why a command failed.
#[derive(Debug, Error)]
pub enum FleetError {
    /// The fleet configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The templates are invalid.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Marathon is unreachable or rejected a request.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The definitions violate rules.
    #[error("{}", list(.0))]
    RuleViolations(Vec<Finding>),
    /// Marathon was unavailable for too long while the command waited.
    #[error(
        "lost Marathon after {after_s:.1} s while waiting for {waited_for}; what has begun goes on there, and once it is back the same command completes it (--outage sets how long fleet retries)"
    )]
    Lost {
        /// The apps or tasks.
        waited_for: String,
        /// How long the command ran.
        after_s: f64,
        /// The cause.
        source: ClientError,
    },
    /// The apps did not become ready.
    #[error("{0}")]
    NotReady(Box<FailureReport>),
    /// Tasks still run after the timeout of a stop.
    #[error("{what} not stopped after {after_s} s (--timeout): {}; {advice}", .tasks.join(", "))]
    StillRunning {
        /// The names of the apps.
        what: String,
        /// What to do.
        advice: &'static str,
        /// How long the command waited.
        after_s: u64,
        /// The tasks.
        tasks: Vec<String>,
    },
    /// The group has no app of this name.
    #[error("no app {name} in {group}; available: {}", .known.join(", "))]
    UnknownApp {
        /// The name.
        name: String,
        /// The group.
        group: String,
        /// The names of the group's apps.
        known: Vec<String>,
    },
}

fn list(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    format!("the definitions violate rules:\n  {}", lines.join("\n  "))
}
