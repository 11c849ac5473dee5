//! The ingester as a process, and what it tells of itself.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use moodvane_model::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::figures::Acknowledged;
use crate::log::{PARTITIONS, Written};
use crate::sender::Sender;

/// A look takes processor time from what is measured.
const SELDOM: Duration = Duration::from_millis(200);
const OFTEN: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest back-off is short, so that a life of a second counts as one that held.
const BACKOFF_MS: [u32; 2] = [250, 500];

/// A running ingester.
pub(crate) struct Ingester {
    child: Child,
    probes: SocketAddr,
    client: reqwest::Client,
    /// Holds its configuration and its data.
    _folder: TempDir,
}

impl Drop for Ingester {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ingester {
    /// The binary that is built beside this one; it takes every post of the sender.
    pub(crate) fn start(written: &Written, sender: &Sender) -> anyhow::Result<Self> {
        let path = std::env::current_exe()?.with_file_name("ingester");
        ensure!(
            path.is_file(),
            "there is no {}: build the workspace",
            path.display()
        );
        // Nobody else asks for a port meanwhile.
        let probes = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let folder = TempDir::new()?;
        let (brokers, prefix, stream) = (&written.brokers, &written.prefix, sender.address()?);
        let [least, most] = BACKOFF_MS;
        let text = format!(
            "[data]\ndir = \"{}\"\n[logging]\nlevel = \"error\"\n[probe]\nport = {}\n\
             [eventlog]\nkind = \"kafka\"\npartitions = {PARTITIONS}\n\
             [eventlog.kafka]\nbootstrap_servers = \"{brokers}\"\ntopic_prefix = \"{prefix}\"\n\
             [store]\nkind = \"cassandra\"\n[ingester]\nbackoff_min_ms = {least}\nbackoff_max_ms = {most}\n\
             [[source]]\nkind = \"bluesky\"\nid = \"bench\"\nbase_url = \"ws://{stream}\"\nrewind_s = 0\nselect = \"all\"\n",
            folder.path().display(),
            probes.port(),
        );
        let config = folder.path().join("ingester.toml");
        fs::write(&config, text)?;
        let mut command = Command::new(path);
        command.arg("--config").arg(config).stdin(Stdio::null());
        Ok(Self {
            child: command.spawn()?,
            probes,
            client: reqwest::Client::new(),
            _folder: folder,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let url = format!("http://{}{path}", self.probes);
        let answer = self.client.get(url).send().await?.error_for_status()?;
        Ok(answer.text().await?)
    }

    /// How many posts were acknowledged how soon, by its own account.
    pub(crate) async fn acknowledged(&self) -> anyhow::Result<Acknowledged> {
        Ok(Acknowledged::read(&self.get("/metrics").await?))
    }

    /// Waits until all of so many posts are acknowledged.
    pub(crate) async fn published(&self, posts: u64) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let done = self.acknowledged().await?.all();
            if done >= posts {
                return Ok(());
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "{done} of {posts} posts are acknowledged"
            );
            tokio::time::sleep(SELDOM).await;
        }
    }

    /// When its stream, which was cut, is tried again.
    pub(crate) async fn rests_until_us(&self) -> anyhow::Result<i64> {
        let began = Instant::now();
        loop {
            let told: Value = serde_json::from_str(&self.get("/actors").await?)?;
            let actors = told["actors"].as_array().into_iter().flatten();
            let mut until = actors.filter_map(|actor| actor["until"].as_str());
            if let Some(until) = until.next() {
                let until = Timestamp::parse_rfc3339(until)?;
                return Ok(until.millis() * 1_000);
            }
            let missed = "the cut was not noticed, or the back-off was over too soon";
            ensure!(began.elapsed() < PATIENCE, missed);
            tokio::time::sleep(OFTEN).await;
        }
    }
}

impl Acknowledged {
    fn read(metrics: &str) -> Self {
        let bucket = |line: &str| {
            let rest = line.strip_prefix("moodvane_ingester_ack_seconds_bucket{")?;
            let (labels, count) = rest.rsplit_once("} ")?;
            let (_, bound) = labels.split_once("le=\"")?;
            let bound = bound.split('"').next()?.parse().ok()?;
            Some((bound, count.trim().parse().ok()?))
        };
        Self::of(metrics.lines().filter_map(bucket).collect())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_histogram_is_read() -> anyhow::Result<()> {
        let metrics = "# HELP x\nmoodvane_ingester_ack_seconds_bucket{source=\"bench\",le=\"0.05\"} 7\n\
                       moodvane_ingester_ack_seconds_bucket{source=\"bench\",le=\"+Inf\"} 9\n";
        let read = Acknowledged::read(metrics);
        assert_eq!(read.all(), 9);
        let share = read.within(0.05).context("a share")?;
        assert!((share - 7.0 / 9.0).abs() < 1e-9);
        Ok(())
    }
}
