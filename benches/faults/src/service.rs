//! The services as processes: started, killed, asked whether they are ready.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::waiting::until;

/// How long an orderly end may take.
const END_WITHIN: Duration = Duration::from_secs(40);

/// A running service. It is killed when this is dropped.
pub(crate) struct Service {
    name: String,
    child: Child,
    probe: SocketAddr,
    log: PathBuf,
}

impl Service {
    /// Starts the binary `binary` that lies beside this one, as `name`; its log is added to
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
            "there is no {}: build it with cargo build --workspace, in the profile of this one",
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

    /// SIGTERM; the service must end well.
    pub(crate) async fn terminate(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status()?;
        ensure!(sent.success(), "{} cannot be told to end", self.name);
        let status = self.ended(END_WITHIN).await?;
        ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How it ended, where it has.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        let what = format!("{} ends", self.name);
        until(&what, within, async || Ok(self.child.try_wait()?)).await
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&self, within: Duration) -> anyhow::Result<()> {
        let what = format!("{} is ready", self.name);
        let url = format!("http://{}/ready", self.probe);
        until(&what, within, async || {
            let answer = client()?.get(&url).send().await?;
            Ok(answer.status().is_success().then_some(()))
        })
        .await
    }

    /// The sum of a counter over those of its lines that contain `label`.
    pub(crate) async fn counted(&self, counter: &str, label: &str) -> anyhow::Result<u64> {
        let url = format!("http://{}/metrics", self.probe);
        let text = client()?.get(&url).send().await?.text().await?;
        let values = text
            .lines()
            .filter(|line| line.starts_with(counter) && line.contains(label))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum::<f64>() as u64)
    }

    /// All that it ever logged.
    pub(crate) fn said(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client for loopback, whatever proxy the environment names.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    let within = Duration::from_secs(30);
    Ok(reqwest::Client::builder()
        .no_proxy()
        .timeout(within)
        .build()?)
}

/// An address on loopback at which nobody listens.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
