//! What is asked of the engine.

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

use super::OURS;
use crate::core::{End, Input, Launch};
use crate::runtime::{Reports, RuntimeError, Signal};

/// So much of an ended task's log is kept.
const KEPT_LOG: usize = 64 << 10;
/// A volume whose container is being removed is tried again.
const VOLUME_TRIES: u32 = 40;
const VOLUME_PAUSE: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(super) struct Engine {
    pub(super) docker: Docker,
    /// Tells the containers of one `fleet local` from another's.
    pub(super) name: String,
    pub(super) logs: PathBuf,
    pub(super) reports: Reports,
    /// Launches that were asked to end before their container was there.
    pub(super) starting: Arc<Mutex<HashMap<String, bool>>>,
}

impl Engine {
    pub(super) fn starting(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn container(&self, task: &str) -> String {
        format!("{}-{task}", self.name)
    }

    pub(super) fn volume(&self, name: &str) -> String {
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
                "a task without an image is not run by a Docker engine".to_owned(),
            ));
        };
        let present = self.docker.inspect_image(&docker.image).await.is_ok();
        if docker.force_pull_image || !present {
            self.pull(&docker.image).await?;
        }
        let options = query::CreateContainerOptionsBuilder::default()
            .name(&self.container(&launch.task))
            .build();
        self.docker
            .create_container(Some(options), self.body(launch)?)
            .await?;
        Ok(self
            .docker
            .start_container(&self.container(&launch.task), None)
            .await?)
    }

    pub(super) async fn pull(&self, image: &str) -> Result<(), RuntimeError> {
        tracing::info!(%image, "pulling");
        let options = query::CreateImageOptionsBuilder::default()
            .from_image(image)
            .build();
        let progress = self.docker.create_image(Some(options), None, None);
        Ok(progress.try_for_each(|_| async { Ok(()) }).await?)
    }

    /// Waits for the end of a container, and reports it.
    pub(super) async fn follow(self, task: String) {
        let name = self.container(&task);
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
                Some(Ok(answer)) => break End::Exited(answer.status_code),
                Some(Err(Error::DockerContainerWaitError { code, error })) if error.is_empty() => {
                    break End::Exited(code);
                }
                Some(Err(Error::DockerContainerWaitError { error, .. })) => {
                    break End::Failed(error);
                }
                Some(Err(Error::DockerResponseServerError {
                    status_code: 404, ..
                })) => {
                    break End::Failed("its container was removed".to_owned());
                }
                // The engine is away: the container may live, and it is asked for until the engine tells.
                Some(Err(error)) => {
                    tracing::warn!(%task, %error, "cannot wait for a container");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                None => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        };
        // The next task need not wait until this one's container is gone.
        self.report(Input::Ended {
            task: task.clone(),
            end,
        })
        .await;
        if let Ok(text) = self.log(&task).await
            && let Err(error) = std::fs::write(self.logs.join(&task), text)
        {
            tracing::warn!(%task, %error, "cannot keep a log");
        }
        self.remove(&name).await;
    }

    /// Removes a volume, once its container is gone.
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
                }) if tries < VOLUME_TRIES => {
                    tokio::time::sleep(VOLUME_PAUSE).await;
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
        let mut lines = self.docker.logs(&self.container(task), Some(options));
        while let Some(line) = lines.try_next().await? {
            text.extend_from_slice(&LogOutput::into_bytes(line));
        }
        let from = text.len().saturating_sub(KEPT_LOG);
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
            .create_exec(&self.container(task), config)
            .await?
            .id;
        if let StartExecResults::Attached { mut output, .. } =
            self.docker.start_exec(&id, None).await?
        {
            while output.try_next().await?.is_some() {}
        }
        Ok(self.docker.inspect_exec(&id).await?.exit_code)
    }

    pub(super) async fn send(&self, task: &str, signal: Signal) {
        let signal = match signal {
            // The image's own stop signal, where it has one, is not asked for: Marathon sends SIGTERM.
            Signal::Terminate => "SIGTERM",
            Signal::Kill => "SIGKILL",
        };
        let options = query::KillContainerOptionsBuilder::default()
            .signal(signal)
            .build();
        if let Err(error) = self
            .docker
            .kill_container(&self.container(task), Some(options))
            .await
        {
            tracing::debug!(%task, %error, "no such container");
        }
    }

    pub(super) async fn remove(&self, container: &str) {
        let name = if container.starts_with(&self.name) || container.len() == 64 {
            container.to_owned()
        } else {
            self.container(container)
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
            Err(error) => tracing::warn!(container = %name, %error, "cannot remove a container"),
        }
    }

    pub(super) async fn ours(&self) -> Result<Vec<ContainerSummary>, Error> {
        let filters = HashMap::from([("label".to_owned(), vec![format!("{OURS}={}", self.name)])]);
        let options = query::ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        self.docker.list_containers(Some(options)).await
    }

    pub(super) async fn clean(&self) -> Result<(), Error> {
        for container in self.ours().await? {
            self.remove(&container.id.unwrap_or_default()).await;
        }
        let filters = HashMap::from([("label".to_owned(), vec![format!("{OURS}={}", self.name)])]);
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
        // Nobody listens any more once everything is ending.
        if self.reports.send(input).await.is_err() {
            tracing::debug!("a report came too late");
        }
    }
}
