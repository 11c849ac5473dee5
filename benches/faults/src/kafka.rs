//! Operations of Kafka's admin interface: leaders, in-sync replicas, deletion.

use std::time::Duration;

use anyhow::{Context, ensure};
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;

use crate::waiting::wait_until;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// An admin client.
pub(crate) struct Operator {
    client: AdminClient<DefaultClientContext>,
}

impl Operator {
    pub(crate) fn connect(servers: &str) -> anyhow::Result<Self> {
        let client = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("reconnect.backoff.max.ms", "1000")
            .create()?;
        Ok(Self { client })
    }

    fn options() -> AdminOptions {
        AdminOptions::new()
            .request_timeout(Some(REQUEST_TIMEOUT))
            .operation_timeout(Some(REQUEST_TIMEOUT))
    }

    /// The broker that leads a topic's first partition.
    pub(crate) fn leader(&self, topic: &str) -> anyhow::Result<i32> {
        let client = self.client.inner();
        let metadata = client.fetch_metadata(Some(topic), REQUEST_TIMEOUT)?;
        let partitions = metadata.topics().iter().flat_map(|t| t.partitions());
        let first = partitions.into_iter().find(|p| p.id() == 0);
        let leader = first.map_or(-1, |p| p.leader());
        ensure!(leader >= 0, "partition 0 of {topic} has no leader");
        Ok(leader)
    }

    /// Waits until every replica of every partition is in sync, so that the next broker may stop.
    pub(crate) async fn in_sync(&self, within: Duration) -> anyhow::Result<()> {
        wait_until("all replicas of kafka are in sync", within, async || {
            let client = self.client.inner();
            let metadata = client.fetch_metadata(None, REQUEST_TIMEOUT)?;
            let mut partitions = metadata.topics().iter().flat_map(|t| t.partitions());
            let in_sync =
                partitions.all(|p| p.leader() >= 0 && p.isr().len() == p.replicas().len());
            Ok(in_sync.then_some(()))
        })
        .await
    }

    /// Removes the records of `topic` below the given offsets.
    pub(crate) async fn delete_records(
        &self,
        topic: &str,
        below: &[(u32, u64)],
    ) -> anyhow::Result<()> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in below {
            let offset = rdkafka::Offset::Offset(offset.cast_signed());
            list.add_partition_offset(topic, partition.cast_signed(), offset)?;
        }
        let deleted = self.client.delete_records(&list, &Self::options()).await?;
        for partition in deleted.elements() {
            partition
                .error()
                .with_context(|| format!("partition {} of {topic}", partition.partition()))?;
        }
        Ok(())
    }

    /// Deletes topics and waits until no broker lists them.
    pub(crate) async fn delete_topics(
        &self,
        topics: &[&str],
        within: Duration,
    ) -> anyhow::Result<()> {
        for deleted in self.client.delete_topics(topics, &Self::options()).await? {
            deleted.map_err(|(topic, code)| anyhow::anyhow!("{topic}: {code}"))?;
        }
        wait_until("the topics are gone", within, async || {
            let metadata = self.client.inner().fetch_metadata(None, REQUEST_TIMEOUT)?;
            let mut names = metadata.topics().iter().map(|topic| topic.name());
            Ok((!names.any(|name| topics.contains(&name))).then_some(()))
        })
        .await
    }
}
