//! The ingester process, and its metrics and actor states.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use moodvane_model::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::measurements::AckHistogram;
use crate::sender::Sender;
use crate::topic::{BenchTopic, PARTITIONS};

/// Long enough that reading the metrics costs the ingester little CPU time.
const METRICS_INTERVAL: Duration = Duration::from_millis(200);
const ACTORS_INTERVAL: Duration = Duration::from_millis(2);
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);
/// Minimum and maximum; a connection of a second is longer than the maximum and resets the backoff.
const BACKOFF_MS: [u32; 2] = [250, 500];

/// A running ingester.
pub(crate) struct Ingester {
    child: Child,
    admin: SocketAddr,
    client: reqwest::Client,
    /// Holds its configuration and its data.
    _folder: TempDir,
}

impl Drop for Ingester {
    fn drop(&mut self) {
        // Fails harmlessly if it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ingester {
    /// Starts the ingester of this binary's folder; it selects every post of the sender.
    pub(crate) fn start(topic: &BenchTopic, sender: &Sender) -> anyhow::Result<Self> {
        let path = std::env::current_exe()?.with_file_name("ingester");
        ensure!(
            path.is_file(),
            "{} is missing: run cargo build --profile dist --workspace",
            path.display()
        );
        // No other process is expected to bind the port in between.
        let admin = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let folder = TempDir::new()?;
        let (brokers, prefix, stream) = (&topic.brokers, &topic.prefix, sender.address()?);
        let [min, max] = BACKOFF_MS;
        let text = format!(
            "[data]\ndir = \"{}\"\n[logging]\nlevel = \"error\"\n[probe]\nport = {}\n\
             [eventlog]\nkind = \"kafka\"\npartitions = {PARTITIONS}\n\
             [eventlog.kafka]\nbootstrap_servers = \"{brokers}\"\ntopic_prefix = \"{prefix}\"\n\
             [store]\nkind = \"cassandra\"\n[ingester]\nbackoff_min_ms = {min}\nbackoff_max_ms = {max}\n\
             [[source]]\nkind = \"bluesky\"\nid = \"bench\"\nbase_url = \"ws://{stream}\"\nrewind_s = 0\nselect = \"all\"\n",
            folder.path().display(),
            admin.port(),
        );
        let config = folder.path().join("ingester.toml");
        fs::write(&config, text)?;
        let mut command = Command::new(path);
        command.arg("--config").arg(config).stdin(Stdio::null());
        Ok(Self {
            child: command.spawn()?,
            admin,
            client: reqwest::Client::new(),
            _folder: folder,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let url = format!("http://{}{path}", self.admin);
        let answer = self.client.get(url).send().await?.error_for_status()?;
        Ok(answer.text().await?)
    }

    /// Reads the ingester's histogram of acknowledgement times.
    pub(crate) async fn acks(&self) -> anyhow::Result<AckHistogram> {
        Ok(AckHistogram::parse(&self.get("/metrics").await?))
    }

    /// Waits until this many posts are acknowledged.
    pub(crate) async fn wait_for_acks(&self, posts: u64) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let done = self.acks().await?.total();
            if done >= posts {
                return Ok(());
            }
            ensure!(
                started.elapsed() < WAIT_TIMEOUT,
                "only {done} of {posts} posts are acknowledged after {WAIT_TIMEOUT:?}"
            );
            tokio::time::sleep(METRICS_INTERVAL).await;
        }
    }

    /// Waits until the source backs off; returns the time of its next attempt.
    pub(crate) async fn backoff_end_us(&self) -> anyhow::Result<i64> {
        let started = Instant::now();
        loop {
            let status: Value = serde_json::from_str(&self.get("/actors").await?)?;
            let actors = status["actors"].as_array().into_iter().flatten();
            let mut until = actors.filter_map(|actor| actor["until"].as_str());
            if let Some(until) = until.next() {
                let until = Timestamp::parse_rfc3339(until)?;
                return Ok(until.millis() * 1_000);
            }
            let missed = "no source is backing off: the ingester missed the disconnect, or its backoff was too short";
            ensure!(started.elapsed() < WAIT_TIMEOUT, missed);
            tokio::time::sleep(ACTORS_INTERVAL).await;
        }
    }
}

impl AckHistogram {
    fn parse(metrics: &str) -> Self {
        let bucket = |line: &str| {
            let rest = line.strip_prefix("moodvane_ingester_ack_seconds_bucket{")?;
            let (labels, count) = rest.rsplit_once("} ")?;
            let (_, bound) = labels.split_once("le=\"")?;
            let bound = bound.split('"').next()?.parse().ok()?;
            Some((bound, count.trim().parse().ok()?))
        };
        Self::new(metrics.lines().filter_map(bucket).collect())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn parses_histogram() -> anyhow::Result<()> {
        let metrics = "# HELP x\nmoodvane_ingester_ack_seconds_bucket{source=\"bench\",le=\"0.05\"} 7\n\
                       moodvane_ingester_ack_seconds_bucket{source=\"bench\",le=\"+Inf\"} 9\n";
        let histogram = AckHistogram::parse(metrics);
        assert_eq!(histogram.total(), 9);
        let share = histogram
            .share_within(0.05)
            .context("no bucket of 0.05 s")?;
        assert!((share - 7.0 / 9.0).abs() < 1e-9);
        Ok(())
    }
}
