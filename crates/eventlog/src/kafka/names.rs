//! Names of topics and groups in the cluster, and conversions to Kafka's types.

use moodvane_model::{Offset, Topic};
use rdkafka::TopicPartitionList;

use super::client::log_error;
use crate::{LogError, TopicPartition, Watermarks};

/// Names of topics and groups: a prefix, and the name.
#[derive(Debug, Clone)]
pub(super) struct TopicNames {
    prefix: String,
    live: [String; Topic::ALL.len()],
}

impl TopicNames {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            live: Topic::ALL.map(|topic| format!("{prefix}{topic}")),
        }
    }

    pub(super) fn live(&self, topic: Topic) -> &str {
        let index = Topic::ALL.iter().position(|t| *t == topic);
        &self.live[index.unwrap_or_default()]
    }

    pub(super) fn dead(&self, topic: Topic) -> String {
        format!("{}.dead", self.live(topic))
    }

    pub(super) fn cursors(&self) -> String {
        format!("{}moodvane.cursors", self.prefix)
    }

    pub(super) fn group(&self, group: &str) -> String {
        format!("{}{group}", self.prefix)
    }

    /// The topic of this name, unless it is a foreign one.
    pub(super) fn topic(&self, name: &str) -> Option<Topic> {
        let index = self.live.iter().position(|live| live == name)?;
        Topic::ALL.get(index).copied()
    }

    pub(super) fn partition_list(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for at in partitions {
            list.add_partition(self.live(at.topic), at.partition.0 as i32);
        }
        list
    }

    pub(super) fn offset_list(
        &self,
        positions: impl IntoIterator<Item = (TopicPartition, Offset)>,
    ) -> Result<TopicPartitionList, LogError> {
        let mut list = TopicPartitionList::new();
        for (at, offset) in positions {
            let (name, id) = (self.live(at.topic), at.partition.0 as i32);
            list.add_partition_offset(name, id, rdkafka::Offset::Offset(offset.0 as i64))
                .map_err(|e| log_error("offset out of range for kafka", e))?;
        }
        Ok(list)
    }
}

/// The watermarks that the cluster reports.
pub(super) fn watermarks(at: TopicPartition, (low, high): (i64, i64)) -> Watermarks {
    let offset = |n: i64| Offset(u64::try_from(n).unwrap_or_default());
    Watermarks {
        topic_partition: at,
        low: offset(low),
        high: offset(high),
    }
}
