//! An HAProxy at the ports that the marathon-lb labels name: the stand-in's marathon-lb.
//!
//! HAProxy runs as master and worker. A change of the tasks is written to its file, checked, and taken
//! in by SIGUSR2: the new worker has the old one's sockets, so that no connection is refused.

mod render;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::driver::Driver;
use crate::options::Options;

/// Changes that come together are taken in together.
const TOGETHER: Duration = Duration::from_millis(50);
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
}

struct Followed {
    group: String,
    place: render::Place,
    driver: Arc<Driver>,
}

impl Proxy {
    /// Starts an HAProxy for the services of `group`.
    ///
    /// # Errors
    /// Where there is no HAProxy, or it does not start.
    pub(crate) async fn start(
        options: &Options,
        group: &str,
        driver: Arc<Driver>,
    ) -> anyhow::Result<Self> {
        let place = render::Place {
            address: options.proxy_address,
            hosts_port: options.proxy_hosts_port,
        };
        let followed = Followed {
            group: group.to_owned(),
            place,
            driver,
        };
        let file = options.folder.join("haproxy.cfg");
        std::fs::create_dir_all(&options.folder).context("cannot make the folder")?;
        let changes = followed.driver.changes();
        let text = followed.text();
        let proxy = HaProxy::start(&options.haproxy, &file, &text).await?;
        let end = CancellationToken::new();
        let follows = tokio::spawn(follow(proxy, followed, changes, text, end.clone()));
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
    fn text(&self) -> String {
        let services = self.driver.look(|core, _| core.services(&self.group));
        render::configuration(&services, &self.place)
    }
}

impl HaProxy {
    async fn start(program: &Path, file: &Path, text: &str) -> anyhow::Result<Self> {
        write(file, text)?;
        check(program, file).await?;
        let child = spawn(program, file)?;
        Ok(Self {
            program: program.to_owned(),
            file: file.to_owned(),
            child,
        })
    }

    /// Takes `text` in; where it is wrong, the one before goes on.
    async fn take(&mut self, text: &str, before: &str) -> anyhow::Result<()> {
        write(&self.file, text)?;
        if let Err(error) = check(&self.program, &self.file).await {
            write(&self.file, before)?;
            return Err(error);
        }
        let pid = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let pid = pid.context("the HAProxy has ended")?;
        kill_process(pid, Signal::USR2).context("cannot reload the HAProxy")
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
    mut text: String,
    end: CancellationToken,
) {
    loop {
        tokio::select! {
            () = end.cancelled() => break,
            changed = changes.changed() => {
                if changed.is_err() {
                    break;
                }
                tokio::time::sleep(TOGETHER).await;
                changes.mark_unchanged();
                let new = followed.text();
                if new == text {
                    continue;
                }
                match proxy.take(&new, &text).await {
                    Ok(()) => {
                        tracing::info!("the proxy was told of a change");
                        text = new;
                    }
                    Err(error) => tracing::error!("the proxy goes on as before: {error:#}"),
                }
            }
            status = proxy.child.wait() => {
                tracing::error!(?status, "the HAProxy ended; starting it again");
                tokio::time::sleep(AGAIN).await;
                match spawn(&proxy.program, &proxy.file) {
                    Ok(child) => proxy.child = child,
                    Err(error) => tracing::error!("{error:#}"),
                }
            }
        }
    }
    proxy.end().await;
}

fn spawn(program: &Path, file: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    command
        .arg("-W")
        .arg("-db")
        .arg("-f")
        .arg(file)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))
}

async fn check(program: &Path, file: &Path) -> anyhow::Result<()> {
    let output = Command::new(program)
        .arg("-c")
        .arg("-f")
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .await;
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

/// As a whole or not at all.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, text).with_context(|| format!("cannot write {}", new.display()))?;
    std::fs::rename(&new, file).with_context(|| format!("cannot write {}", file.display()))
}
