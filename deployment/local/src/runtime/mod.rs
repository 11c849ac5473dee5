//! The runtimes of tasks: a Docker engine, or plain processes of this machine.
//!
//! Guarantee: every launch is answered by at most one [`Input::Started`] and exactly one
//! [`Input::Ended`], also if the task is terminated before it starts.
//!
//! A runtime must not know scales, deployments or health.
//!
//! Errors keep their cause as `source` and leave it out of their message; [`error_chain`] prints both.
//!
//! [`error_chain`]: crate::error_chain::error_chain

mod docker;
mod parameters;
mod processes;

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

pub(crate) use docker::DockerRuntime;
pub(crate) use processes::ProcessRuntime;

use crate::core::{Input, Launch, ProbeOutcome, RecoveredTask};

/// Longest part of a log in a response.
pub(crate) const MAX_LOG_BYTES: usize = 1 << 20;

/// A signal to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM: shut down.
    Terminate,
    /// SIGKILL: end at once.
    Kill,
}

/// Receives the reports of a runtime.
pub(crate) type ReportSender = mpsc::Sender<Input>;

/// A failed operation of a runtime.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// A request to the Docker engine failed.
    #[error("request to the Docker engine failed")]
    Docker(#[from] bollard::errors::Error),
    /// An operation on files or processes failed.
    #[error("{operation}")]
    Io {
        /// The operation: `cannot write stdout`.
        operation: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The definition has an unsupported or invalid option.
    #[error("{0}")]
    Parameter(String),
}

#[async_trait]
pub(crate) trait Runtime: Send + Sync + 'static {
    /// Starts a task and reports its start and its end.
    fn launch(&self, launch: Launch);

    /// Sends a signal to a task; does nothing after its end.
    fn signal(&self, task: String, signal: Signal);

    /// Runs a command in the environment of a task.
    async fn run_command(&self, task: &str, line: &str, timeout: Duration) -> ProbeOutcome;

    /// Removes persistent volumes.
    async fn remove_volumes(&self, names: &[String]);

    /// Returns the tasks that an earlier process left running, and reports on them as after a launch.
    /// Ends tasks that cannot be recovered.
    async fn recover(&self) -> Result<Vec<RecoveredTask>, RuntimeError>;

    /// The end of a task's log, also after its end; `None` for an unknown task.
    async fn log(&self, task: &str, bytes: usize) -> Option<String>;

    /// Removes the logs and volumes of all tasks.
    async fn clean_up(&self);
}
