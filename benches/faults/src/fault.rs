//! The faults: how each is injected into the running system and repaired.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use moodvane_model::Topic;

use crate::cluster::Kind;
use crate::log_faults::{self, Damage};
use crate::options::Options;
use crate::system::System;
use crate::waiting::wait_until;

/// How long the undisturbed system is observed, for comparison.
const CALM: Duration = Duration::from_secs(10);
/// The Cassandra node that is killed.
const NODE: i32 = 2;

/// A fault of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// Nothing: the baseline for the other rows
    Calm,
    /// SIGKILL of the processor; another is started in its place
    Processor,
    /// SIGKILL of the ingester; another is started in its place
    Ingester,
    /// SIGKILL of the broker that leads a partition; it restarts later
    Broker,
    /// SIGKILL of a Cassandra node; it restarts later
    Node,
    /// SIGKILL of a broker and of a Cassandra node at once
    BrokerAndNode,
    /// From one processor to three, and back
    Rebalance,
    /// SIGKILL of all of Kafka; it restarts later
    KafkaDown,
    /// SIGKILL of all of Cassandra; it restarts later
    CassandraDown,
    /// Records are removed that a stopped processor has not folded
    Truncation,
    /// The topics are deleted and created again
    Recreation,
}

impl Fault {
    /// All of them, in the order in which they are injected.
    pub(crate) const ALL: [Self; 11] = [
        Self::Calm,
        Self::Processor,
        Self::Ingester,
        Self::Broker,
        Self::Node,
        Self::BrokerAndNode,
        Self::Rebalance,
        Self::KafkaDown,
        Self::CassandraDown,
        Self::Truncation,
        Self::Recreation,
    ];

    /// The name of the row.
    pub(crate) fn title(self, options: &Options) -> String {
        let (away, outage) = (options.away_s, options.outage_s);
        match self {
            Self::Calm => "none, for comparison".to_owned(),
            Self::Processor => format!("SIGKILL of the processor, {} times", options.kills),
            Self::Ingester => "SIGKILL of the ingester".to_owned(),
            Self::Broker => format!("SIGKILL of a broker that leads a partition, {away} s down"),
            Self::Node => format!("SIGKILL of a Cassandra node, {away} s down"),
            Self::BrokerAndNode => {
                format!("SIGKILL of a broker and a Cassandra node, {away} s down")
            }
            Self::Rebalance => "from 1 processor to 3 and back".to_owned(),
            Self::KafkaDown => format!("all of Kafka down for {outage} s"),
            Self::CassandraDown => format!("all of Cassandra down for {outage} s"),
            Self::Truncation => "records removed under a stopped processor".to_owned(),
            Self::Recreation => "the topics deleted and created again".to_owned(),
        }
    }

    /// The number of rounds.
    pub(crate) fn rounds(self, options: &Options) -> u32 {
        match self {
            Self::Processor => options.kills,
            _ => 1,
        }
    }

    /// Injects and repairs the fault; returns the damage to the log.
    pub(crate) async fn inject(
        self,
        system: &mut System,
        options: &Options,
    ) -> anyhow::Result<Damage> {
        match self {
            Self::Calm => tokio::time::sleep(CALM).await,
            Self::Processor => kill_processor(system).await?,
            Self::Ingester => {
                system.take_ingester()?.kill()?;
                system.start_ingester()?;
            }
            Self::Broker => {
                let leader = leader(system)?;
                kill_and_restart(system, &[(Kind::Kafka, Some(leader))], options.away()).await?;
            }
            Self::Node => {
                let node = [(Kind::Cassandra, Some(NODE))];
                kill_and_restart(system, &node, options.away()).await?;
            }
            Self::BrokerAndNode => {
                let leader = leader(system)?;
                let both = [(Kind::Kafka, Some(leader)), (Kind::Cassandra, Some(NODE))];
                kill_and_restart(system, &both, options.away()).await?;
            }
            Self::Rebalance => rebalance(system).await?,
            Self::KafkaDown => {
                kill_and_restart(system, &[(Kind::Kafka, None)], options.outage()).await?
            }
            Self::CassandraDown => {
                kill_and_restart(system, &[(Kind::Cassandra, None)], options.outage()).await?;
            }
            Self::Truncation => return log_faults::truncate(system).await,
            Self::Recreation => return log_faults::recreate_topics(system).await,
        }
        Ok(Damage::None)
    }
}

fn leader(system: &System) -> anyhow::Result<i32> {
    system.operator.leader(&system.topic(Topic::Tweet))
}

async fn kill_processor(system: &mut System) -> anyhow::Result<()> {
    system.take_processor(1)?.kill()?;
    let killed = Instant::now();
    system.start_processor(1)?;
    let watch = &system.watch;
    wait_until(
        "every partition advances again",
        system.timeout,
        async || Ok(watch.all_moved_since(killed).then_some(())),
    )
    .await
}

/// Kills nodes at the same time, waits, and starts them again. `None` means all nodes of the kind.
async fn kill_and_restart(
    system: &mut System,
    nodes: &[(Kind, Option<i32>)],
    away: Duration,
) -> anyhow::Result<()> {
    let began = Instant::now();
    for (kind, node) in nodes {
        system.cluster.kill(*kind, *node).await?;
    }
    tokio::time::sleep(away).await;
    for (kind, node) in nodes {
        system.cluster.start(*kind, *node).await?;
    }
    system.downtime = Some(began.elapsed());
    system.operator.in_sync(system.timeout).await
}

/// Scales from one processor to three and back, with all three at work in between.
async fn rebalance(system: &mut System) -> anyhow::Result<()> {
    let added = [2, 3];
    for number in added {
        system.start_processor(number)?;
    }
    for number in added {
        system.processor(number)?.ready(system.timeout).await?;
    }
    let began = Instant::now();
    let watch = &system.watch;
    wait_until("every partition advances", system.timeout, async || {
        Ok(watch.all_moved_since(began).then_some(()))
    })
    .await?;
    for number in added {
        system.take_processor(number)?.terminate().await?;
    }
    Ok(())
}
