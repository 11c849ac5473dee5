//! Requests to the Docker engine.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::{ContainerSummary, ExecConfig};
use bollard::query_parameters as query;
use futures::{StreamExt, TryStreamExt};

use super::NAME_LABEL;
use crate::core::{Input, Launch, TaskEnd};
use crate::error_chain::error_chain;
use crate::runtime::{ReportSender, RuntimeError, Signal};

/// Longest part of an ended task's log that is kept.
const MAX_KEPT_LOG_BYTES: usize = 64 << 10;
/// Attempts to remove a volume while its container is being removed.
const MAX_VOLUME_TRIES: u32 = 40;
const VOLUME_RETRY_DELAY: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(super) struct Engine {
    pub(super) docker: Docker,
    /// Prefix and label of the containers and volumes of this `fleet local`.
    pub(super) name: String,
    pub(super) logs: PathBuf,
    pub(super) reports: ReportSender,
    /// Launches without a container yet; true after a signal in the meantime.
    pub(super) starting: Arc<Mutex<HashMap<String, bool>>>,
}

impl Engine {
    pub(super) fn starting(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn container_name(&self, task: &str) -> String {
        format!("{}-{task}", self.name)
    }

    pub(super) fn volume_name(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }

    pub(super) async fn start(&self, launch: &Launch) -> Result<(), RuntimeError> {
        let docker = launch
            .app
            .container
            .as_ref()
            .and_then(|container| container.docker.as_ref());
        let Some(docker) = docker else {
            return Err(RuntimeError::Parameter(
                "the Docker runtime requires an image".to_owned(),
            ));
        };
        let present = self.docker.inspect_image(&docker.image).await.is_ok();
        if docker.force_pull_image || !present {
            self.pull(&docker.image).await?;
        }
        let options = query::CreateContainerOptionsBuilder::default()
            .name(&self.container_name(&launch.task))
            .build();
        self.docker
            .create_container(Some(options), self.container_body(launch)?)
            .await?;
        Ok(self
            .docker
            .start_container(&self.container_name(&launch.task), None)
            .await?)
    }

    pub(super) async fn pull(&self, image: &str) -> Result<(), RuntimeError> {
        tracing::info!(%image, "pulling image");
        let options = query::CreateImageOptionsBuilder::default()
            .from_image(image)
            .build();
        let progress = self.docker.create_image(Some(options), None, None);
        Ok(progress.try_for_each(|_| async { Ok(()) }).await?)
    }

    /// Waits for the end of a container, reports it, keeps the log and removes the container.
    pub(super) async fn follow(self, task: String) {
        let name = self.container_name(&task);
        let end = loop {
            let options = query::WaitContainerOptionsBuilder::default()
                .condition("not-running")
                .build();
            match self
                .docker
                .wait_container(&name, Some(options))
                .next()
                .await
            {
                Some(Ok(response)) => break TaskEnd::Exited(response.status_code),
                Some(Err(Error::DockerContainerWaitError { code, error })) if error.is_empty() => {
                    break TaskEnd::Exited(code);
                }
                Some(Err(Error::DockerContainerWaitError { error, .. })) => {
                    break TaskEnd::Failed(error);
                }
                Some(Err(Error::DockerResponseServerError {
                    status_code: 404, ..
                })) => {
                    break TaskEnd::Failed("container was removed".to_owned());
                }
                // The engine is unreachable, but the container may still run: retry until it responds.
                Some(Err(error)) => {
                    tracing::warn!(%task, error = error_chain(&error), "cannot wait for container");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                None => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        };
        // Report first: the next task does not depend on the removal of this container.
        self.report(Input::Ended {
            task: task.clone(),
            end,
        })
        .await;
        if let Ok(text) = self.log(&task).await
            && let Err(error) = std::fs::write(self.logs.join(&task), text)
        {
            tracing::warn!(%task, %error, "cannot write log");
        }
        self.remove_container(&name).await;
    }

    /// Removes a volume; retries while its container exists.
    pub(super) async fn remove_volume(&self, name: &str) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self
                .docker
                .remove_volume(name, None::<query::RemoveVolumeOptions>)
                .await
            {
                Ok(())
                | Err(Error::DockerResponseServerError {
                    status_code: 404, ..
                }) => return Ok(()),
                Err(Error::DockerResponseServerError {
                    status_code: 409, ..
                }) if tries < MAX_VOLUME_TRIES => {
                    tokio::time::sleep(VOLUME_RETRY_DELAY).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) async fn log(&self, task: &str) -> Result<Vec<u8>, Error> {
        let options = query::LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .tail("1000")
            .build();
        let mut text = Vec::new();
        let mut lines = self.docker.logs(&self.container_name(task), Some(options));
        while let Some(line) = lines.try_next().await? {
            text.extend_from_slice(&LogOutput::into_bytes(line));
        }
        let from = text.len().saturating_sub(MAX_KEPT_LOG_BYTES);
        Ok(text.split_off(from))
    }

    pub(super) async fn exec(&self, task: &str, line: &str) -> Result<Option<i64>, Error> {
        let config = ExecConfig {
            cmd: Some(["/bin/sh", "-c", line].map(str::to_owned).to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..Default::default()
        };
        let id = self
            .docker
            .create_exec(&self.container_name(task), config)
            .await?
            .id;
        if let StartExecResults::Attached { mut output, .. } =
            self.docker.start_exec(&id, None).await?
        {
            while output.try_next().await?.is_some() {}
        }
        Ok(self.docker.inspect_exec(&id).await?.exit_code)
    }

    pub(super) async fn send_signal(&self, task: &str, signal: Signal) {
        let signal = match signal {
            // Marathon sends SIGTERM, whatever stop signal the image declares.
            Signal::Terminate => "SIGTERM",
            Signal::Kill => "SIGKILL",
        };
        let options = query::KillContainerOptionsBuilder::default()
            .signal(signal)
            .build();
        if let Err(error) = self
            .docker
            .kill_container(&self.container_name(task), Some(options))
            .await
        {
            tracing::debug!(%task, error = error_chain(&error), "cannot send signal to container");
        }
    }

    pub(super) async fn remove_container(&self, container: &str) {
        let name = if container.starts_with(&self.name) || container.len() == 64 {
            container.to_owned()
        } else {
            self.container_name(container)
        };
        let options = query::RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        match self.docker.remove_container(&name, Some(options)).await {
            Ok(())
            | Err(Error::DockerResponseServerError {
                status_code: 404 | 409,
                ..
            }) => {}
            Err(error) => {
                tracing::warn!(container = %name, error = error_chain(&error), "cannot remove container")
            }
        }
    }

    pub(super) async fn list_containers(&self) -> Result<Vec<ContainerSummary>, Error> {
        let filters = HashMap::from([(
            "label".to_owned(),
            vec![format!("{NAME_LABEL}={}", self.name)],
        )]);
        let options = query::ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        self.docker.list_containers(Some(options)).await
    }

    pub(super) async fn remove_all(&self) -> Result<(), Error> {
        for container in self.list_containers().await? {
            self.remove_container(&container.id.unwrap_or_default())
                .await;
        }
        let filters = HashMap::from([(
            "label".to_owned(),
            vec![format!("{NAME_LABEL}={}", self.name)],
        )]);
        let options = query::ListVolumesOptionsBuilder::default()
            .filters(&filters)
            .build();
        let volumes = self
            .docker
            .list_volumes(Some(options))
            .await?
            .volumes
            .unwrap_or_default();
        let names: HashSet<String> = volumes.into_iter().map(|volume| volume.name).collect();
        for name in names {
            self.remove_volume(&name).await?;
        }
        Ok(())
    }

    pub(super) async fn report(&self, input: Input) {
        // The receiver is gone after shutdown.
        if self.reports.send(input).await.is_err() {
            tracing::debug!("report after shutdown discarded");
        }
    }
}
