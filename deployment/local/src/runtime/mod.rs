//! What runs tasks: a Docker engine, or this machine's plain processes.
//!
//! Guarantee: every launch is answered by at most one [`Input::Started`] and exactly one
//! [`Input::Ended`], also where the task is asked to end before it started.
//!
//! A runtime must not know apps' scales, deployments or health: it does what it is told.

mod docker;
mod parameters;
mod processes;

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

pub(crate) use docker::DockerRuntime;
pub(crate) use processes::ProcessRuntime;

use crate::core::{Found, Input, Launch, Outcome};

/// So much of a log is told at most.
pub(crate) const LONGEST_LOG: usize = 1 << 20;

/// What is asked of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM: end in order.
    Terminate,
    /// SIGKILL: end.
    Kill,
}

/// Where a runtime reports.
pub(crate) type Reports = mpsc::Sender<Input>;

/// Why a runtime cannot do something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// The Docker engine does not do it.
    #[error("the Docker engine: {0}")]
    Docker(#[from] bollard::errors::Error),
    /// The machine does not do it.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it is not done.
        #[source]
        error: std::io::Error,
    },
    /// The definition asks for it in a way that is not known.
    #[error("{0}")]
    Parameter(String),
}

#[async_trait]
pub(crate) trait Runtime: Send + Sync + 'static {
    /// Starts a task; what becomes of it is reported.
    fn launch(&self, launch: Launch);

    /// Asks a task to end; a task that is not known has ended.
    fn signal(&self, task: String, signal: Signal);

    /// Runs a command beside a task.
    async fn command(&self, task: &str, line: &str, timeout: Duration) -> Outcome;

    /// Removes what an instance kept.
    async fn remove_volumes(&self, names: &[String]);

    /// The tasks that are running from before. They are reported on as if launched now; what cannot be
    /// taken over is ended.
    async fn find(&self) -> Result<Vec<Found>, RuntimeError>;

    /// The end of a task's log, running or not; none of a task that is not known.
    async fn log(&self, task: &str, bytes: usize) -> Option<String>;

    /// Removes everything that tasks left: logs, kept data.
    async fn clean(&self);
}
