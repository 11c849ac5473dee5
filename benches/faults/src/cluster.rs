//! The servers: their addresses, and the scripts that kill and start them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// Required nodes of each kind.
const NODES: usize = 3;

/// A kind of server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Kafka,
    Cassandra,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Cassandra => "cassandra",
        }
    }
}

/// The servers of this run.
pub(crate) struct Cluster {
    scripts: PathBuf,
    /// Brokers, separated by commas.
    pub(crate) kafka: String,
    /// Cassandra's nodes, separated by commas.
    pub(crate) cassandra: String,
}

impl Cluster {
    /// Finds the servers that `deployment/servers/run` exported.
    pub(crate) fn find(scripts: &Path) -> anyhow::Result<Self> {
        ensure!(
            scripts.join("kill").is_file(),
            "no scripts in {}: run this in the repository's folder, or pass --servers",
            scripts.display()
        );
        let endpoints = |variable: &str| {
            let start = "start the servers: deployment/servers/run --kafka 3 --cassandra 3 -- …";
            let all = std::env::var(variable).with_context(|| format!("{variable}: {start}"))?;
            let nodes = all.split(',').count();
            ensure!(nodes == NODES, "{variable} names {nodes} nodes: {start}");
            anyhow::Ok(all)
        };
        Ok(Self {
            scripts: scripts.to_owned(),
            kafka: endpoints("MOODVANE_TEST_KAFKA")?,
            cassandra: endpoints("MOODVANE_TEST_CASSANDRA")?,
        })
    }

    /// SIGKILL of one node, or of all.
    pub(crate) async fn kill(&self, kind: Kind, node: Option<i32>) -> anyhow::Result<()> {
        self.run("kill", kind, node).await
    }

    /// Starts a killed node, or all, and waits until it answers.
    pub(crate) async fn start(&self, kind: Kind, node: Option<i32>) -> anyhow::Result<()> {
        self.run("start", kind, node).await
    }

    async fn run(&self, script: &str, kind: Kind, node: Option<i32>) -> anyhow::Result<()> {
        let mut command = Command::new(self.scripts.join(script));
        command.arg(kind.name());
        command.args(node.map(|node| node.to_string()));
        command.stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        ensure!(
            output.status.success(),
            "{script} {} {node:?}: {}",
            kind.name(),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}
