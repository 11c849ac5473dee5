//! An HAProxy at the ports that the marathon-lb labels name: the stand-in's marathon-lb.
//!
//! HAProxy runs as master and worker. Tasks that come and go are told to it while it runs. Where services
//! themselves change, its file is written anew, checked, and taken in by SIGUSR2: the new worker has the
//! old one's sockets, so that no connection is refused, and the old one ends no connection between an
//! answer and the next request.

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

/// How often it is looked whether a new worker is there.
const LOOK: Duration = Duration::from_millis(20);
/// Nothing that is asked has a longer answer.
const LONGEST_ANSWER: u64 = 64 << 10;
/// After this the HAProxy is killed.
const LAST_WAIT: Duration = Duration::from_secs(5);
/// An HAProxy that ended is started again so soon.
const AGAIN: Duration = Duration::from_secs(1);

/// A running HAProxy, and what follows the tasks for it.
pub(crate) struct Proxy {
    follows: JoinHandle<()>,
    end: CancellationToken,
}

struct HaProxy {
    program: PathBuf,
    file: PathBuf,
    child: Child,
    /// Of the file: it tells a worker from the one before, which answers for a moment beside it.
    generation: u64,
    services: Vec<Service>,
    slots: Slots,
    place: render::Place,
}

struct Followed {
    group: String,
    driver: Arc<Driver>,
}

impl Proxy {
    /// Starts an HAProxy for the services of `group`.
    ///
    /// # Errors
    /// Where there is no HAProxy, or it does not serve.
    pub(crate) async fn start(
        options: &Options,
        group: &str,
        driver: Arc<Driver>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&options.folder).context("cannot make the folder")?;
        let followed = Followed {
            group: group.to_owned(),
            driver,
        };
        let changes = followed.driver.changes();
        let proxy = HaProxy::start(options, followed.services()).await?;
        let end = CancellationToken::new();
        let follows = tokio::spawn(follow(proxy, followed, changes, end.clone()));
        Ok(Self { follows, end })
    }

    /// Ends the HAProxy.
    pub(crate) async fn end(self) {
        self.end.cancel();
        if let Err(error) = self.follows.await {
            tracing::warn!(%error, "the proxy's follower failed");
        }
    }
}

impl Followed {
    fn services(&self) -> Vec<Service> {
        self.driver.look(|core, _| core.services(&self.group))
    }
}

impl HaProxy {
    async fn start(options: &Options, services: Vec<Service>) -> anyhow::Result<Self> {
        let file = options.folder.join("haproxy.cfg");
        let place = render::Place {
            address: options.proxy_address,
            hosts_port: options.proxy_hosts_port,
        };
        let slots = Slots::of(&services);
        let text = render::configuration(0, &services, &slots, &place);
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
            place,
        };
        proxy.worker_comes().await?;
        Ok(proxy)
    }

    /// Takes `services` in: while it runs where only their tasks differ.
    async fn take(&mut self, services: Vec<Service>) -> anyhow::Result<()> {
        let same = self.services.len() == services.len()
            && self
                .services
                .iter()
                .zip(&services)
                .all(|(old, new)| old.is_but_for_servers(new));
        let mut slots = self.slots.clone();
        if same && let Some(commands) = slots.seat(&services) {
            match self.tell(&commands).await {
                Ok(()) => {
                    (self.services, self.slots) = (services, slots);
                    return Ok(());
                }
                Err(error) => {
                    tracing::warn!("the proxy is reloaded, as it was not told: {error:#}")
                }
            }
        }
        self.reload(services).await
    }

    /// Takes `services` in by a new worker; where they are wrong, what was before goes on.
    async fn reload(&mut self, services: Vec<Service>) -> anyhow::Result<()> {
        let slots = Slots::of(&services);
        let new = self.file.with_extension("new");
        let generation = self.generation + 1;
        let text = render::configuration(generation, &services, &slots, &self.place);
        write(&new, &text)?;
        check(&self.program, &new).await?;
        std::fs::rename(&new, &self.file)
            .with_context(|| format!("cannot write {}", self.file.display()))?;
        let pid = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        kill_process(pid.context("the HAProxy has ended")?, Signal::USR2)
            .context("cannot reload the HAProxy")?;
        (self.generation, self.services, self.slots) = (generation, services, slots);
        self.worker_comes().await
    }

    /// Waits until the worker of the newest file serves.
    async fn worker_comes(&self) -> anyhow::Result<()> {
        let comes = async {
            while self
                .ask("")
                .await
                .ok()
                .is_none_or(|(generation, _)| generation != self.generation)
            {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(LAST_WAIT, comes)
            .await
            .context("no new worker of the HAProxy comes; it says why above")
    }

    /// Starts the HAProxy that has ended, with the tasks that it knew and what it could not be told any more: its
    /// file has those of the last reload.
    async fn start_again(&mut self) -> anyhow::Result<()> {
        self.generation += 1;
        let text = render::configuration(self.generation, &self.services, &self.slots, &self.place);
        write(&self.file, &text)?;
        self.child = spawn(&self.program, &self.file)?;
        self.worker_comes().await
    }

    async fn tell(&self, commands: &[String]) -> anyhow::Result<()> {
        for command in commands {
            let answer = tokio::time::timeout(LAST_WAIT, self.told(command)).await;
            let answer = answer.context("the HAProxy's worker is not reached")??;
            // An address that changes is told of; any other word is a refusal.
            if !answer.trim().is_empty()
                && !answer.contains("changed from")
                && !answer.contains("no need to change")
            {
                bail!("{command}: {}", answer.trim());
            }
        }
        Ok(())
    }

    /// What the worker of the newest file answers; what one before it was told, it is told again.
    async fn told(&self, command: &str) -> anyhow::Result<String> {
        loop {
            let (generation, answer) = self.ask(command).await?;
            if generation == self.generation {
                return Ok(answer);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks whichever worker takes the connection: of which generation it is, and what it answers.
    async fn ask(&self, command: &str) -> anyhow::Result<(u64, String)> {
        let asked = async {
            let mut socket = UnixStream::connect(self.file.with_extension("sock")).await?;
            let commands = format!("show info; {command}\n");
            socket.write_all(commands.as_bytes()).await?;
            let mut answer = String::new();
            socket
                .take(LONGEST_ANSWER)
                .read_to_string(&mut answer)
                .await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = tokio::time::timeout(LAST_WAIT, asked)
            .await
            .context("the HAProxy does not answer")?;
        let answer = answer.context("cannot ask the HAProxy")?;
        let (info, answer) = answer.split_once("\n\n").unwrap_or((&answer, ""));
        let generation = info
            .lines()
            .find_map(|line| line.strip_prefix("description: ")?.parse().ok())
            .context("the HAProxy does not say of which generation it is")?;
        Ok((generation, answer.to_owned()))
    }

    async fn end(mut self) {
        if let Some(pid) = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
            && kill_process(pid, Signal::TERM).is_ok()
            && tokio::time::timeout(LAST_WAIT, self.child.wait())
                .await
                .is_ok()
        {
            return;
        }
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "cannot end the HAProxy");
        }
    }
}

async fn follow(
    mut proxy: HaProxy,
    followed: Followed,
    mut changes: watch::Receiver<u64>,
    end: CancellationToken,
) {
    let mut refused = None;
    loop {
        tokio::select! {
            () = end.cancelled() => break,
            changed = changes.changed() => {
                if changed.is_err() {
                    break;
                }
                let services = followed.services();
                // What was refused is not tried again until it is something else.
                if services == proxy.services || refused.as_ref() == Some(&services) {
                    continue;
                }
                match proxy.take(services.clone()).await {
                    Ok(()) => tracing::info!("the proxy was told of a change"),
                    Err(error) => {
                        tracing::error!("the proxy goes on as before: {error:#}");
                        refused = Some(services);
                    }
                }
            }
            status = proxy.child.wait() => {
                tracing::error!(?status, "the HAProxy ended; starting it again");
                tokio::time::sleep(AGAIN).await;
                if let Err(error) = proxy.start_again().await {
                    tracing::error!("{error:#}");
                }
            }
        }
    }
    proxy.end().await;
}

fn spawn(program: &Path, file: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    command
        .args(["-W", "-db"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let command = in_folder(&mut command, file);
    command
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))
}

/// With short names in the file's own folder: the name of a socket may not be long.
fn in_folder<'a>(command: &'a mut Command, file: &Path) -> &'a mut Command {
    let folder = file.parent().unwrap_or(Path::new("."));
    command
        .current_dir(folder)
        .arg("-f")
        .arg(file.file_name().unwrap_or_default())
}

async fn check(program: &Path, file: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command.arg("-c").stdin(Stdio::null());
    let output = in_folder(&mut command, file).output().await;
    let output = output.with_context(|| {
        format!(
            "cannot run {}; it is Debian's package haproxy",
            program.display()
        )
    })?;
    if output.status.success() {
        return Ok(());
    }
    bail!(
        "HAProxy refuses its configuration: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    )
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
