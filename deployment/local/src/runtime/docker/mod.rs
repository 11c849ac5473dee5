//! Tasks as containers of a Docker engine.
//!
//! A container carries what it is in a label, so that the next `fleet local` takes it over. A container
//! whose task ended is removed; the end of its log is kept in a file.

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

use super::{LONGEST_LOG, Reports, Runtime, RuntimeError, Signal};
use crate::core::{End, Found, Input, Launch, Outcome};
use engine::Engine;

const OURS: &str = "moodvane.fleet-local";
const WHAT: &str = "moodvane.fleet-local.task";
const ENGINE: &str = "unix:///var/run/docker.sock";

/// What a container's label says.
#[derive(Debug, Serialize, Deserialize)]
struct Label {
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
    /// Speaks with the engine that `DOCKER_HOST` names, or the machine's own.
    ///
    /// # Errors
    /// [`RuntimeError::Docker`] where there is no engine.
    pub(crate) async fn new(
        name: &str,
        folder: &Path,
        reports: Reports,
    ) -> Result<Self, RuntimeError> {
        let at = std::env::var("DOCKER_HOST").unwrap_or_else(|_| ENGINE.to_owned());
        let docker = Docker::connect_with_host(&at)?.negotiate_version().await?;
        let logs = folder.join("logs");
        let made = std::fs::create_dir_all(&logs);
        made.map_err(|error| RuntimeError::Io {
            what: format!("cannot make {}", logs.display()),
            error,
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
            let asked_to_end = engine.starting().remove(&task).unwrap_or_default();
            match started {
                Ok(()) => {
                    engine.report(Input::Started { task: task.clone() }).await;
                    if asked_to_end {
                        engine.send(&task, Signal::Terminate).await;
                    }
                    engine.follow(task).await;
                }
                Err(error) => {
                    engine.remove(&task).await;
                    engine
                        .report(Input::Ended {
                            task,
                            end: End::Failed(error.to_string()),
                        })
                        .await;
                }
            }
        });
    }

    fn signal(&self, task: String, signal: Signal) {
        if let Some(asked) = self.0.starting().get_mut(&task) {
            *asked = true;
            return;
        }
        let engine = self.0.clone();
        tokio::spawn(async move { engine.send(&task, signal).await });
    }

    async fn command(&self, task: &str, line: &str, timeout: Duration) -> Outcome {
        match tokio::time::timeout(timeout, self.0.exec(task, line)).await {
            Ok(Ok(Some(0))) => Outcome::Good,
            Ok(Ok(status)) => {
                Outcome::Failed(format!("the command ended with {}", status.unwrap_or(-1)))
            }
            Ok(Err(error)) => Outcome::Failed(format!("the command does not run: {error}")),
            Err(_) => Outcome::Failed("the command took too long".to_owned()),
        }
    }

    async fn remove_volumes(&self, names: &[String]) {
        for name in names {
            if let Err(error) = self.0.remove_volume(&self.0.volume(name)).await {
                tracing::warn!(volume = %name, %error, "cannot remove a volume");
            }
        }
    }

    async fn find(&self) -> Result<Vec<Found>, RuntimeError> {
        let mut found = Vec::new();
        for container in self.0.ours().await? {
            let id = container.id.unwrap_or_default();
            let label = container.labels.unwrap_or_default().remove(WHAT);
            let label = label.and_then(|text| serde_json::from_str::<Label>(&text).ok());
            match label {
                Some(label) if container.state == Some(ContainerSummaryStateEnum::RUNNING) => {
                    tracing::info!(task = %label.task, "taking over a container");
                    tokio::spawn(self.0.clone().follow(label.task.clone()));
                    found.push(label.into());
                }
                _ => self.0.remove(&id).await,
            }
        }
        Ok(found)
    }

    async fn log(&self, task: &str, bytes: usize) -> Option<String> {
        let kept = self.0.logs.join(Path::new(task).file_name()?);
        let text = match self.0.log(task).await {
            Ok(text) => text,
            Err(_) => std::fs::read(kept).ok()?,
        };
        let from = text.len().saturating_sub(bytes.min(LONGEST_LOG));
        Some(String::from_utf8_lossy(text.get(from..).unwrap_or_default()).into_owned())
    }

    async fn clean(&self) {
        if let Err(error) = self.0.clean().await {
            tracing::warn!(%error, "something is left in the Docker engine");
        }
        if let Err(error) = std::fs::remove_dir_all(&self.0.logs) {
            tracing::warn!(%error, "cannot remove the logs");
        }
    }
}

impl From<Label> for Found {
    fn from(label: Label) -> Self {
        let Label {
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
