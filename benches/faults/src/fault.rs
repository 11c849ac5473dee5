//! The faults: each is done to the running system, and mended again.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use moodvane_model::Topic;

use crate::cluster::Kind;
use crate::log_faults::{self, Damage};
use crate::options::Options;
use crate::system::System;
use crate::waiting::until;

/// How long an undisturbed system is looked at, for comparison.
const CALM: Duration = Duration::from_secs(10);
/// The Cassandra node that is killed.
const NODE: i32 = 2;

/// What is done to the running system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// Nothing: what the other rows are compared with
    Calm,
    /// SIGKILL of the processor; another is started in its place
    Processor,
    /// SIGKILL of the ingester; another is started in its place
    Ingester,
    /// SIGKILL of the broker that leads a partition; later it is started again
    Broker,
    /// SIGKILL of a Cassandra node; later it is started again
    Node,
    /// SIGKILL of a broker and of a Cassandra node at once
    BrokerAndNode,
    /// From one processor to three, and back
    Rebalance,
    /// SIGKILL of all of Kafka; later it is started again
    KafkaDown,
    /// SIGKILL of all of Cassandra; later it is started again
    CassandraDown,
    /// Records are removed that a stopped processor has not folded
    Truncation,
    /// The topics are deleted and made again
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

    /// How the table calls it.
    pub(crate) fn title(self, options: &Options) -> String {
        let (away, outage) = (options.away_s, options.outage_s);
        match self {
            Self::Calm => "none, for comparison".to_owned(),
            Self::Processor => format!("SIGKILL of the processor, {} times", options.kills),
            Self::Ingester => "SIGKILL of the ingester".to_owned(),
            Self::Broker => format!("SIGKILL of a broker that leads a partition, {away} s away"),
            Self::Node => format!("SIGKILL of a Cassandra node, {away} s away"),
            Self::BrokerAndNode => {
                format!("SIGKILL of a broker and a Cassandra node, {away} s away")
            }
            Self::Rebalance => "from 1 processor to 3 and back".to_owned(),
            Self::KafkaDown => format!("all of Kafka down for {outage} s"),
            Self::CassandraDown => format!("all of Cassandra down for {outage} s"),
            Self::Truncation => "records removed under a stopped processor".to_owned(),
            Self::Recreation => "the topics deleted and made again".to_owned(),
        }
    }

    /// How often it is done, with a verification after each.
    pub(crate) fn rounds(self, options: &Options) -> u32 {
        match self {
            Self::Processor => options.kills,
            _ => 1,
        }
    }

    /// Does it, and mends it; says what it did to the log.
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
                lose(system, &[(Kind::Kafka, Some(leader))], options.away()).await?;
            }
            Self::Node => {
                let node = [(Kind::Cassandra, Some(NODE))];
                lose(system, &node, options.away()).await?;
            }
            Self::BrokerAndNode => {
                let leader = leader(system)?;
                let both = [(Kind::Kafka, Some(leader)), (Kind::Cassandra, Some(NODE))];
                lose(system, &both, options.away()).await?;
            }
            Self::Rebalance => rebalance(system).await?,
            Self::KafkaDown => lose(system, &[(Kind::Kafka, None)], options.outage()).await?,
            Self::CassandraDown => {
                lose(system, &[(Kind::Cassandra, None)], options.outage()).await?;
            }
            Self::Truncation => return log_faults::truncate(system).await,
            Self::Recreation => return log_faults::make_again(system).await,
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
    until("every partition moves again", system.patience, async || {
        Ok(watch.all_moved_since(killed).then_some(()))
    })
    .await
}

/// Kills nodes at once, waits as long as they are to be away, and starts them again. All nodes of a
/// kind where none is named.
async fn lose(
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
    system.away = Some(began.elapsed());
    system.operator.in_sync(system.patience).await
}

/// From one processor to three and back, each of the three at work in between.
async fn rebalance(system: &mut System) -> anyhow::Result<()> {
    let newcomers = [2, 3];
    for number in newcomers {
        system.start_processor(number)?;
    }
    for number in newcomers {
        system.processor(number)?.ready(system.patience).await?;
    }
    let began = Instant::now();
    let watch = &system.watch;
    until("every partition moves", system.patience, async || {
        Ok(watch.all_moved_since(began).then_some(()))
    })
    .await?;
    for number in newcomers {
        system.take_processor(number)?.terminate().await?;
    }
    Ok(())
}
