//! Tasks as containers of a Docker engine.
//!
//! A container's label describes its task, so that the next `fleet local` recovers it. The container of
//! an ended task is removed; the end of its log is kept in a file.

mod body;
mod engine;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::models::ContainerSummaryStateEnum;
use moodvane_marathon_api::{App, PathId};
use serde::{Deserialize, Serialize};

use super::{MAX_LOG_BYTES, ReportSender, Runtime, RuntimeError, Signal};
use crate::core::{Input, Launch, ProbeOutcome, RecoveredTask, TaskEnd};
use crate::error_chain::error_chain;
use engine::Engine;

const NAME_LABEL: &str = "moodvane.fleet-local";
const TASK_LABEL: &str = "moodvane.fleet-local.task";
const DEFAULT_DOCKER_HOST: &str = "unix:///var/run/docker.sock";

/// The task, as a container's label.
#[derive(Debug, Serialize, Deserialize)]
struct TaskLabel {
    task: String,
    instance: String,
    attempt: u32,
    slot: u32,
    app: App,
    host: String,
    ports: Vec<u16>,
    groups: BTreeMap<PathId, Vec<PathId>>,
}

/// Runs tasks as containers.
pub(crate) struct DockerRuntime(Engine);

impl DockerRuntime {
    /// Connects to the engine at `DOCKER_HOST`, by default the local one.
    ///
    /// # Errors
    /// Returns [`RuntimeError::Docker`] if the engine does not respond.
    pub(crate) async fn new(
        name: &str,
        folder: &Path,
        reports: ReportSender,
    ) -> Result<Self, RuntimeError> {
        let at = std::env::var("DOCKER_HOST").unwrap_or_else(|_| DEFAULT_DOCKER_HOST.to_owned());
        let docker = Docker::connect_with_host(&at)?.negotiate_version().await?;
        let logs = folder.join("logs");
        let created = std::fs::create_dir_all(&logs);
        created.map_err(|source| RuntimeError::Io {
            operation: format!("cannot create {}", logs.display()),
            source,
        })?;
        Ok(Self(Engine {
            docker,
            name: name.to_owned(),
            logs,
            reports,
            starting: Arc::default(),
        }))
    }
}

#[async_trait]
impl Runtime for DockerRuntime {
    fn launch(&self, launch: Launch) {
        let engine = self.0.clone();
        engine.starting().insert(launch.task.clone(), false);
        tokio::spawn(async move {
            let task = launch.task.clone();
            let started = engine.start(&launch).await;
            let is_stop_requested = engine.starting().remove(&task).unwrap_or_default();
            match started {
                Ok(()) => {
                    engine.report(Input::Started { task: task.clone() }).await;
                    if is_stop_requested {
                        engine.send_signal(&task, Signal::Terminate).await;
                    }
                    engine.follow(task).await;
                }
                Err(error) => {
                    engine.remove_container(&task).await;
                    engine
                        .report(Input::Ended {
                            task,
                            end: TaskEnd::Failed(error_chain(&error)),
                        })
                        .await;
                }
            }
        });
    }

    fn signal(&self, task: String, signal: Signal) {
        if let Some(is_stop_requested) = self.0.starting().get_mut(&task) {
            *is_stop_requested = true;
            return;
        }
        let engine = self.0.clone();
        tokio::spawn(async move { engine.send_signal(&task, signal).await });
    }

    async fn run_command(&self, task: &str, line: &str, timeout: Duration) -> ProbeOutcome {
        match tokio::time::timeout(timeout, self.0.exec(task, line)).await {
            Ok(Ok(Some(0))) => ProbeOutcome::Success,
            Ok(Ok(status)) => ProbeOutcome::Failed(format!(
                "command exited with status {}",
                status.unwrap_or(-1)
            )),
            Ok(Err(error)) => {
                ProbeOutcome::Failed(format!("cannot run command: {}", error_chain(&error)))
            }
            Err(_) => ProbeOutcome::Failed("command timed out".to_owned()),
        }
    }

    async fn remove_volumes(&self, names: &[String]) {
        for name in names {
            if let Err(error) = self.0.remove_volume(&self.0.volume_name(name)).await {
                tracing::warn!(volume = %name, error = error_chain(&error), "cannot remove volume");
            }
        }
    }

    async fn recover(&self) -> Result<Vec<RecoveredTask>, RuntimeError> {
        let mut found = Vec::new();
        for container in self.0.list_containers().await? {
            let id = container.id.unwrap_or_default();
            let label = container.labels.unwrap_or_default().remove(TASK_LABEL);
            let label = label.and_then(|text| serde_json::from_str::<TaskLabel>(&text).ok());
            match label {
                Some(label) if container.state == Some(ContainerSummaryStateEnum::RUNNING) => {
                    tracing::info!(task = %label.task, "recovering container");
                    tokio::spawn(self.0.clone().follow(label.task.clone()));
                    found.push(label.into());
                }
                _ => self.0.remove_container(&id).await,
            }
        }
        Ok(found)
    }

    async fn log(&self, task: &str, bytes: usize) -> Option<String> {
        let log_file = self.0.logs.join(Path::new(task).file_name()?);
        let text = match self.0.log(task).await {
            Ok(text) => text,
            Err(_) => std::fs::read(log_file).ok()?,
        };
        let from = text.len().saturating_sub(bytes.min(MAX_LOG_BYTES));
        Some(String::from_utf8_lossy(text.get(from..).unwrap_or_default()).into_owned())
    }

    async fn clean_up(&self) {
        if let Err(error) = self.0.remove_all().await {
            tracing::warn!(
                error = error_chain(&error),
                "cannot remove all containers and volumes"
            );
        }
        if let Err(error) = std::fs::remove_dir_all(&self.0.logs) {
            tracing::warn!(%error, "cannot remove logs");
        }
    }
}

impl From<TaskLabel> for RecoveredTask {
    fn from(label: TaskLabel) -> Self {
        let TaskLabel {
            task: _,
            instance,
            attempt,
            slot,
            app,
            host,
            ports,
            groups,
        } = label;
        Self {
            instance,
            attempt,
            slot,
            app,
            host,
            ports,
            groups,
        }
    }
}
