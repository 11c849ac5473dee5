//! Tasks as containers of a Docker engine.
//!
//! A container carries what it is in a label, so that the next `fleet local` takes it over. A container
//! whose task ended is removed; the end of its log is kept in a file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::{
    ContainerCreateBody, ContainerSummaryStateEnum, ExecConfig, HostConfig, Mount, MountType,
    MountVolumeOptions, PortBinding,
};
use bollard::query_parameters as query;
use futures::{StreamExt, TryStreamExt};
use moodvane_marathon_api::{App, PathId, PortProtocol, ReadMode};
use serde::{Deserialize, Serialize};

use super::{LONGEST_LOG, Reports, Runtime, RuntimeError, Signal, parameters};
use crate::core::{End, Found, Input, Launch, Outcome};

/// Where a container has its sandbox, as under Mesos.
const SANDBOX: &str = "/mnt/mesos/sandbox";
const OURS: &str = "moodvane.fleet-local";
const WHAT: &str = "moodvane.fleet-local.task";
/// So much of an ended task's log is kept.
const KEPT_LOG: usize = 64 << 10;
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

#[derive(Clone)]
struct Engine {
    docker: Docker,
    /// Tells the containers of one `fleet local` from another's.
    name: String,
    logs: PathBuf,
    reports: Reports,
    /// Launches that were asked to end before their container was there.
    starting: Arc<Mutex<HashMap<String, bool>>>,
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
            let options = query::RemoveVolumeOptionsBuilder::default()
                .force(true)
                .build();
            if let Err(error) = self
                .0
                .docker
                .remove_volume(&self.0.volume(name), Some(options))
                .await
            {
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

impl Engine {
    fn starting(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn container(&self, task: &str) -> String {
        format!("{}-{task}", self.name)
    }

    fn volume(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }

    async fn start(&self, launch: &Launch) -> Result<(), RuntimeError> {
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

    async fn pull(&self, image: &str) -> Result<(), RuntimeError> {
        tracing::info!(%image, "pulling");
        let options = query::CreateImageOptionsBuilder::default()
            .from_image(image)
            .build();
        let progress = self.docker.create_image(Some(options), None, None);
        Ok(progress.try_for_each(|_| async { Ok(()) }).await?)
    }

    fn body(&self, launch: &Launch) -> Result<ContainerCreateBody, RuntimeError> {
        let app = &launch.app;
        let label = Label {
            task: launch.task.clone(),
            instance: launch.instance.clone(),
            attempt: launch.attempt,
            slot: launch.slot,
            app: app.as_ref().clone(),
            host: launch.host.clone(),
            ports: launch.ports.clone(),
            groups: launch.groups.clone(),
        };
        let what = serde_json::to_string(&label)
            .map_err(|error| RuntimeError::Parameter(error.to_string()))?;
        let labels = HashMap::from([
            (OURS.to_owned(), self.name.clone()),
            (WHAT.to_owned(), what),
        ]);
        let mut env: Vec<String> = launch
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        env.push(format!("MESOS_SANDBOX={SANDBOX}"));
        let mut body = ContainerCreateBody {
            image: app
                .container
                .as_ref()
                .and_then(|container| Some(container.docker.as_ref()?.image.clone())),
            env: Some(env),
            labels: Some(labels),
            user: app.user.clone(),
            tty: app.tty,
            ..Default::default()
        };
        // As Mesos does: a line goes to a shell in place of the entry point, words go to the entry point.
        match &app.cmd {
            Some(line) => {
                body.entrypoint = Some(vec!["/bin/sh".to_owned()]);
                body.cmd = Some(vec!["-c".to_owned(), line.clone()]);
            }
            None if !app.args.is_empty() => body.cmd = Some(app.args.clone()),
            None => {}
        }
        let mut host = self.host_config(launch, &mut body);
        for docker in app
            .container
            .iter()
            .filter_map(|container| container.docker.as_ref())
        {
            parameters::apply(&docker.parameters, &mut body, &mut host)?;
        }
        body.host_config = Some(host);
        Ok(body)
    }

    // Processors and megabytes are small numbers; a cast of a float saturates.
    #[allow(clippy::cast_possible_truncation)]
    fn host_config(&self, launch: &Launch, body: &mut ContainerCreateBody) -> HostConfig {
        let app = &launch.app;
        let in_host_network = app.in_host_network();
        let mut host = HostConfig {
            cpu_shares: Some(((app.cpus * 1024.0) as i64).max(2)),
            memory: Some((app.mem * f64::from(1 << 20)) as i64).filter(|bytes| *bytes > 0),
            network_mode: Some(if in_host_network { "host" } else { "bridge" }.to_owned()),
            mounts: Some(self.mounts(launch)),
            ..Default::default()
        };
        host.privileged = app
            .container
            .as_ref()
            .and_then(|container| Some(container.docker.as_ref()?.privileged));
        if in_host_network {
            return host;
        }
        let mut bindings = HashMap::new();
        for (mapping, port) in app.port_mappings().iter().zip(&launch.ports) {
            let inside = if mapping.container_port == 0 {
                *port
            } else {
                mapping.container_port
            };
            let protocols: &[&str] = match mapping.protocol {
                PortProtocol::Tcp => &["tcp"],
                PortProtocol::Udp => &["udp"],
                PortProtocol::Both => &["tcp", "udp"],
            };
            for protocol in protocols {
                let name = format!("{inside}/{protocol}");
                body.exposed_ports
                    .get_or_insert_default()
                    .push(name.clone());
                let binding = PortBinding {
                    host_ip: Some(launch.host.clone()),
                    host_port: Some(port.to_string()),
                };
                bindings.insert(name, Some(vec![binding]));
            }
        }
        host.port_bindings = Some(bindings);
        host
    }

    fn mounts(&self, launch: &Launch) -> Vec<Mount> {
        let labels = HashMap::from([(OURS.to_owned(), self.name.clone())]);
        let kept = launch.mounts.iter().map(|mount| Mount {
            typ: Some(MountType::VOLUME),
            source: Some(self.volume(&mount.name)),
            target: Some(inside(&mount.path)),
            read_only: Some(mount.read_only),
            volume_options: Some(MountVolumeOptions {
                labels: Some(labels.clone()),
                ..Default::default()
            }),
            ..Default::default()
        });
        let volumes = launch
            .app
            .container
            .iter()
            .flat_map(|container| &container.volumes);
        // A name instead of a path is that of a kept volume, which is among the mounts already.
        let of_host = volumes.filter_map(|volume| {
            let path = volume
                .host_path
                .clone()
                .filter(|path| path.starts_with('/'))?;
            Some(Mount {
                typ: Some(MountType::BIND),
                source: Some(path),
                target: Some(volume.container_path.clone()),
                read_only: Some(volume.mode == Some(ReadMode::ReadOnly)),
                ..Default::default()
            })
        });
        kept.chain(of_host).collect()
    }

    /// Waits for the end of a container, and reports it.
    async fn follow(self, task: String) {
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
        if let Ok(text) = self.log(&task).await
            && let Err(error) = std::fs::write(self.logs.join(&task), text)
        {
            tracing::warn!(%task, %error, "cannot keep a log");
        }
        self.remove(&name).await;
        self.report(Input::Ended { task, end }).await;
    }

    async fn log(&self, task: &str) -> Result<Vec<u8>, Error> {
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

    async fn exec(&self, task: &str, line: &str) -> Result<Option<i64>, Error> {
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

    async fn send(&self, task: &str, signal: Signal) {
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

    async fn remove(&self, container: &str) {
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

    async fn ours(&self) -> Result<Vec<bollard::models::ContainerSummary>, Error> {
        let filters = HashMap::from([("label".to_owned(), vec![format!("{OURS}={}", self.name)])]);
        let options = query::ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        self.docker.list_containers(Some(options)).await
    }

    async fn clean(&self) -> Result<(), Error> {
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
            self.docker
                .remove_volume(&name, None::<query::RemoveVolumeOptions>)
                .await?;
        }
        Ok(())
    }

    async fn report(&self, input: Input) {
        // Nobody listens any more once everything is ending.
        if self.reports.send(input).await.is_err() {
            tracing::debug!("a report came too late");
        }
    }
}

/// A path in a container; one that is not absolute is in the sandbox.
fn inside(path: &str) -> String {
    match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{SANDBOX}/{path}"),
    }
}
