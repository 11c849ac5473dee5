//! The services as processes: start, kill, readiness.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::waiting::wait_until;

/// How long a drain may take.
const EXIT_TIMEOUT: Duration = Duration::from_secs(40);

/// A running service; dropping it kills the process.
pub(crate) struct Service {
    name: String,
    child: Child,
    probe: SocketAddr,
    log: PathBuf,
}

impl Service {
    /// Starts `binary` from this program's folder under the name `name`; its log is appended to
    /// `name.log` in the configuration's folder.
    pub(crate) fn start(
        binary: &str,
        name: &str,
        config: &Path,
        sets: &[String],
    ) -> anyhow::Result<Self> {
        let path = std::env::current_exe()?.with_file_name(binary);
        ensure!(
            path.is_file(),
            "{} does not exist: build it with cargo build --workspace, in the profile of this program",
            path.display()
        );
        let probe = free_address()?;
        let log = config.with_file_name(format!("{name}.log"));
        let file = OpenOptions::new().create(true).append(true).open(&log)?;
        let mut command = Command::new(path);
        let ours = std::env::vars().filter(|(name, _)| name.starts_with("MOODVANE_"));
        for (name, _) in ours {
            command.env_remove(name);
        }
        command.arg("--config").arg(config);
        command.args(["--set", &format!("probe.port={}", probe.port())]);
        for set in sets {
            command.args(["--set", set]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {binary}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            probe,
            log,
        })
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM; the service must exit with 0.
    pub(crate) async fn terminate(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status()?;
        ensure!(sent.success(), "cannot send SIGTERM to {}", self.name);
        let status = self.ended(EXIT_TIMEOUT).await?;
        ensure!(status.success(), "{} exited with {status}", self.name);
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its exit status, if it has exited.
    pub(crate) fn exit_status(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until it exits.
    pub(crate) async fn ended(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        let what = format!("{} exits", self.name);
        wait_until(&what, within, async || Ok(self.child.try_wait()?)).await
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self, within: Duration) -> anyhow::Result<()> {
        let what = format!("{} is ready", self.name);
        let url = format!("http://{}/ready", self.probe);
        wait_until(&what, within, async || {
            let answer = client()?.get(&url).send().await?;
            Ok(answer.status().is_success().then_some(()))
        })
        .await
    }

    /// The sum of a counter over those of its lines that contain `label`.
    pub(crate) async fn counter_sum(&self, counter: &str, label: &str) -> anyhow::Result<u64> {
        let url = format!("http://{}/metrics", self.probe);
        let text = client()?.get(&url).send().await?.text().await?;
        let values = text
            .lines()
            .filter(|line| line.starts_with(counter) && line.contains(label))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum::<f64>() as u64)
    }

    /// Its whole log.
    pub(crate) fn log_text(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Fails only when the process has exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that ignores proxies of the environment.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    let within = Duration::from_secs(30);
    Ok(reqwest::Client::builder()
        .no_proxy()
        .timeout(within)
        .build()?)
}

/// A free address on loopback.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
