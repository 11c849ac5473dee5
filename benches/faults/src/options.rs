//! What can be chosen on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::fault::Fault;

/// Injects faults into the running services and verifies the stored hours after each. Needs three
/// nodes of Kafka and of Cassandra: deployment/servers/run --kafka 3 --cassandra 3 -- faults
#[derive(Debug, Parser)]
#[command(name = "faults", version)]
pub(crate) struct Options {
    /// Which faults, separated by commas; all of them unless told.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) faults: Vec<Fault>,
    /// Events that the simulator sends in a second; seven in ten are posts that count.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
    /// How often the processor is killed.
    #[arg(long, default_value_t = 10)]
    pub(crate) kills: u32,
    /// How long all of Kafka or all of Cassandra is away, in seconds.
    #[arg(long, default_value_t = 30)]
    pub(crate) outage_s: u64,
    /// How long a single broker or node is away, in seconds.
    #[arg(long, default_value_t = 10)]
    pub(crate) away_s: u64,
    /// How long a round may take to become right after its fault, in seconds.
    #[arg(long, default_value_t = 180)]
    pub(crate) patience_s: u64,
    /// Where the scripts are that end and start servers.
    #[arg(long, default_value = "deployment/servers")]
    pub(crate) servers: PathBuf,
    /// Where logs and configuration go; a folder that is deleted where all went well unless told.
    #[arg(long)]
    pub(crate) keep: Option<PathBuf>,
    /// Where the table is written too, as markdown.
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
    /// Adds a post to a stored row behind the services' back, in the first round: the check itself
    /// is checked, and must end with 1.
    #[arg(long)]
    pub(crate) sabotage: bool,
}

impl Options {
    /// The faults in the order in which they are injected.
    pub(crate) fn chosen(&self) -> Vec<Fault> {
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

    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_s)
    }
}
