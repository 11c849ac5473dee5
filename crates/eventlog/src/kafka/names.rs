//! What things are called in the cluster, and lists and marks in its terms.

use moodvane_model::{Offset, Topic};
use rdkafka::TopicPartitionList;

use super::client::log_error;
use crate::{LogError, TopicPartition, Watermarks};

/// What things are called in the cluster.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
    live: [String; Topic::ALL.len()],
}

impl Names {
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

    /// Which of our topics has this name.
    pub(super) fn topic(&self, name: &str) -> Option<Topic> {
        let index = self.live.iter().position(|live| live == name)?;
        Topic::ALL.get(index).copied()
    }

    pub(super) fn list(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for at in partitions {
            list.add_partition(self.live(at.topic), at.partition.0 as i32);
        }
        list
    }

    pub(super) fn list_at(
        &self,
        positions: impl IntoIterator<Item = (TopicPartition, Offset)>,
    ) -> Result<TopicPartitionList, LogError> {
        let mut list = TopicPartitionList::new();
        for (at, offset) in positions {
            let (name, id) = (self.live(at.topic), at.partition.0 as i32);
            list.add_partition_offset(name, id, rdkafka::Offset::Offset(offset.0 as i64))
                .map_err(|e| log_error("not an offset of kafka", e))?;
        }
        Ok(list)
    }
}

/// Watermarks as the cluster gives them.
pub(super) fn watermarks(at: TopicPartition, (low, high): (i64, i64)) -> Watermarks {
    let offset = |n: i64| Offset(u64::try_from(n).unwrap_or_default());
    Watermarks {
        topic_partition: at,
        low: offset(low),
        high: offset(high),
    }
}
