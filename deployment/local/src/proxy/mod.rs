//! An HAProxy for the ports of the marathon-lb labels, in place of marathon-lb.
//!
//! HAProxy runs as a master and a worker. Changes of tasks are applied at run time, through its socket. A
//! change of the services writes the configuration, checks it, and reloads by SIGUSR2. The new worker
//! inherits the listening sockets, so no connection is refused; the old worker closes no connection
//! between a response and the next request.

mod render;
mod slots;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::core::Service;
use crate::driver::Driver;
use crate::options::Options;
use slots::Slots;

/// Interval of the polls for the new worker.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// No command has a longer response.
const MAX_RESPONSE_BYTES: u64 = 64 << 10;
/// Limit of a start, a command and a stop.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Delay before the restart of an HAProxy that ended.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// A running HAProxy with the task that follows the services.
pub(crate) struct Proxy {
    follower: JoinHandle<()>,
    shutdown: CancellationToken,
}

struct HaProxy {
    program: PathBuf,
    file: PathBuf,
    child: Child,
    /// Number of the configuration. It distinguishes the new worker from the old one, which may respond for a moment too.
    generation: u64,
    services: Vec<Service>,
    slots: Slots,
    bind: render::Bind,
}

struct ServiceSource {
    group: String,
    driver: Arc<Driver>,
}

impl Proxy {
    /// Starts an HAProxy for the services of `group`.
    ///
    /// # Errors
    /// Returns an error if HAProxy is not installed or does not start.
    pub(crate) async fn start(
        options: &Options,
        group: &str,
        driver: Arc<Driver>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&options.folder).context("cannot create the folder")?;
        let source = ServiceSource {
            group: group.to_owned(),
            driver,
        };
        let changes = source.driver.watch_changes();
        let proxy = HaProxy::start(options, source.services()).await?;
        let shutdown = CancellationToken::new();
        let follower = tokio::spawn(follow(proxy, source, changes, shutdown.clone()));
        Ok(Self { follower, shutdown })
    }

    /// Stops the HAProxy.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        if let Err(error) = self.follower.await {
            tracing::warn!(%error, "proxy task failed");
        }
    }
}

impl ServiceSource {
    fn services(&self) -> Vec<Service> {
        self.driver.read(|core, _| core.services(&self.group))
    }
}

impl HaProxy {
    async fn start(options: &Options, services: Vec<Service>) -> anyhow::Result<Self> {
        let file = options.folder.join("haproxy.cfg");
        let bind = render::Bind {
            address: options.proxy_address,
            hosts_port: options.proxy_hosts_port,
        };
        let slots = Slots::new(&services);
        let text = render::configuration(0, &services, &slots, &bind);
        write(&file, &text)?;
        check(&options.haproxy, &file).await?;
        let child = spawn(&options.haproxy, &file)?;
        let proxy = Self {
            program: options.haproxy.clone(),
            file,
            child,
            generation: 0,
            services,
            slots,
            bind,
        };
        proxy.wait_for_worker().await?;
        Ok(proxy)
    }

    /// Applies `services`: at run time if only their tasks differ, else by a reload.
    async fn apply(&mut self, services: Vec<Service>) -> anyhow::Result<()> {
        let has_same_config = self.services.len() == services.len()
            && self
                .services
                .iter()
                .zip(&services)
                .all(|(old, new)| old.has_same_config(new));
        let mut slots = self.slots.clone();
        if has_same_config && let Some(commands) = slots.assign(&services) {
            match self.run_commands(&commands).await {
                Ok(()) => {
                    (self.services, self.slots) = (services, slots);
                    return Ok(());
                }
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "proxy rejected run-time change; reloading"
                    )
                }
            }
        }
        self.reload(services).await
    }

    /// Reloads HAProxy with `services`. An invalid configuration leaves the previous one active.
    async fn reload(&mut self, services: Vec<Service>) -> anyhow::Result<()> {
        let slots = Slots::new(&services);
        let new = self.file.with_extension("new");
        let generation = self.generation + 1;
        let text = render::configuration(generation, &services, &slots, &self.bind);
        write(&new, &text)?;
        check(&self.program, &new).await?;
        std::fs::rename(&new, &self.file)
            .with_context(|| format!("cannot write {}", self.file.display()))?;
        let pid = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        kill_process(pid.context("HAProxy has exited")?, Signal::USR2)
            .context("cannot signal HAProxy")?;
        (self.generation, self.services, self.slots) = (generation, services, slots);
        self.wait_for_worker().await
    }

    /// Waits until the worker of the newest configuration responds.
    async fn wait_for_worker(&self) -> anyhow::Result<()> {
        let ready = async {
            while self
                .query("")
                .await
                .ok()
                .is_none_or(|(generation, _)| generation != self.generation)
            {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(TIMEOUT, ready)
            .await
            .context("HAProxy worker did not start in time; see its output")
    }

    /// Starts HAProxy after it ended. Its configuration gets the current tasks; the one on disk has those of
    /// the last reload.
    async fn restart(&mut self) -> anyhow::Result<()> {
        self.generation += 1;
        let text = render::configuration(self.generation, &self.services, &self.slots, &self.bind);
        write(&self.file, &text)?;
        self.child = spawn(&self.program, &self.file)?;
        self.wait_for_worker().await
    }

    async fn run_commands(&self, commands: &[String]) -> anyhow::Result<()> {
        for command in commands {
            let response = tokio::time::timeout(TIMEOUT, self.run_command(command)).await;
            let response = response.context("HAProxy worker did not respond in time")??;
            // HAProxy confirms the change of an address; any other text is an error.
            if !response.trim().is_empty()
                && !response.contains("changed from")
                && !response.contains("no need to change")
            {
                bail!("{command}: {}", response.trim());
            }
        }
        Ok(())
    }

    /// Runs a command on the newest worker; repeats it if an older worker responded.
    async fn run_command(&self, command: &str) -> anyhow::Result<String> {
        loop {
            let (generation, response) = self.query(command).await?;
            if generation == self.generation {
                return Ok(response);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Runs a command on one of the workers. Returns its generation and its response.
    async fn query(&self, command: &str) -> anyhow::Result<(u64, String)> {
        let exchange = async {
            let mut socket = UnixStream::connect(self.file.with_extension("sock")).await?;
            let commands = format!("show info; {command}\n");
            socket.write_all(commands.as_bytes()).await?;
            let mut response = String::new();
            socket
                .take(MAX_RESPONSE_BYTES)
                .read_to_string(&mut response)
                .await?;
            Ok::<_, std::io::Error>(response)
        };
        let response = tokio::time::timeout(TIMEOUT, exchange)
            .await
            .context("HAProxy did not respond in time")?;
        let response = response.context("cannot use the socket of HAProxy")?;
        let (info, response) = response.split_once("\n\n").unwrap_or((&response, ""));
        let generation = info
            .lines()
            .find_map(|line| line.strip_prefix("description: ")?.parse().ok())
            .context("HAProxy did not report its generation")?;
        Ok((generation, response.to_owned()))
    }

    async fn stop(mut self) {
        if let Some(pid) = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
            && kill_process(pid, Signal::TERM).is_ok()
            && tokio::time::timeout(TIMEOUT, self.child.wait())
                .await
                .is_ok()
        {
            return;
        }
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "cannot stop HAProxy");
        }
    }
}

async fn follow(
    mut proxy: HaProxy,
    source: ServiceSource,
    mut changes: watch::Receiver<u64>,
    shutdown: CancellationToken,
) {
    let mut rejected = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            changed = changes.changed() => {
                if changed.is_err() {
                    break;
                }
                let services = source.services();
                // Rejected services are retried only after they change.
                if services == proxy.services || rejected.as_ref() == Some(&services) {
                    continue;
                }
                match proxy.apply(services.clone()).await {
                    Ok(()) => tracing::info!("proxy updated"),
                    Err(error) => {
                        tracing::error!(error = format!("{error:#}"), "cannot update proxy; keeping previous configuration");
                        rejected = Some(services);
                    }
                }
            }
            status = proxy.child.wait() => {
                tracing::error!(?status, "proxy exited; restarting");
                tokio::time::sleep(RESTART_DELAY).await;
                if let Err(error) = proxy.restart().await {
                    tracing::error!(error = format!("{error:#}"), "cannot restart proxy");
                }
            }
        }
    }
    proxy.stop().await;
}

fn spawn(program: &Path, file: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    command
        .args(["-W", "-db"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let command = run_in_folder(&mut command, file);
    command
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))
}

/// Runs in the file's folder with relative names: the path of a Unix socket has a limit of 108 bytes.
fn run_in_folder<'a>(command: &'a mut Command, file: &Path) -> &'a mut Command {
    let folder = file.parent().unwrap_or(Path::new("."));
    command
        .current_dir(folder)
        .arg("-f")
        .arg(file.file_name().unwrap_or_default())
}

async fn check(program: &Path, file: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command.arg("-c").stdin(Stdio::null());
    let output = run_in_folder(&mut command, file).output().await;
    let output = output.with_context(|| {
        format!(
            "cannot run {}; install Debian's package haproxy",
            program.display()
        )
    })?;
    if output.status.success() {
        return Ok(());
    }
    bail!(
        "HAProxy rejected its configuration: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    )
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
