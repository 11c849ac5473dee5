//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::fault::Fault;

/// Injects faults into the running services and verifies the stored hours after each. Needs three
/// nodes of Kafka and of Cassandra: deployment/servers/run --kafka 3 --cassandra 3 -- faults
#[derive(Debug, Parser)]
#[command(name = "faults", version)]
pub(crate) struct Options {
    /// Faults to inject, separated by commas; by default all.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) faults: Vec<Fault>,
    /// Events per second of the simulator; seven in ten are posts that count.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
    /// How often the processor is killed.
    #[arg(long, default_value_t = 10)]
    pub(crate) kills: u32,
    /// How long all of Kafka or all of Cassandra is down, in seconds.
    #[arg(long, default_value_t = 30)]
    pub(crate) outage_s: u64,
    /// How long a single broker or node is down, in seconds.
    #[arg(long, default_value_t = 10)]
    pub(crate) away_s: u64,
    /// How long the hours of a round may take to match the ground truth, in seconds.
    #[arg(long, default_value_t = 180)]
    pub(crate) patience_s: u64,
    /// The folder of the scripts that stop and start servers.
    #[arg(long, default_value = "deployment/servers")]
    pub(crate) servers: PathBuf,
    /// The folder for logs and configuration; by default one that is deleted after a success.
    #[arg(long)]
    pub(crate) keep: Option<PathBuf>,
    /// Also writes the table to this file, as markdown.
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
    /// Adds a post to a stored row in the first round, to test the check itself: it must exit with 1.
    #[arg(long)]
    pub(crate) sabotage: bool,
}

impl Options {
    /// The selected faults in the order of injection.
    pub(crate) fn selected_faults(&self) -> Vec<Fault> {
        if self.faults.is_empty() {
            Fault::ALL.to_vec()
        } else {
            self.faults.clone()
        }
    }

    pub(crate) fn outage(&self) -> Duration {
        Duration::from_secs(self.outage_s)
    }

    pub(crate) fn away(&self) -> Duration {
        Duration::from_secs(self.away_s)
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.patience_s)
    }
}
