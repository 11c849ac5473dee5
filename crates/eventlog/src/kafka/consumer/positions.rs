//! Positions of partitions: watermarks, seeking, and offsets out of range.

use std::time::Duration;

use moodvane_model::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;

use super::super::client::log_error;
use super::super::names::watermarks;
use super::KafkaConsumer;
use crate::{LogError, TopicPartition, Watermarks};

/// librdkafka answers a seek without the broker.
const SEEK_TIMEOUT: Duration = Duration::from_secs(5);

impl KafkaConsumer {
    /// Those of the partitions that the client fetches: only they are in its own assignment.
    pub(super) fn fetching(&self, among: &[TopicPartition]) -> TopicPartitionList {
        let partitions = self.assignment.iter();
        let fetching = partitions.filter(|p| p.is_fetching && among.contains(&p.at));
        self.names.partition_list(fetching.map(|p| p.at))
    }

    pub(super) fn watermarks(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Watermarks>, LogError> {
        partitions
            .iter()
            .map(|at| self.watermarks_with_timeout(*at, self.request_timeout))
            .collect()
    }

    pub(super) fn watermarks_with_timeout(
        &self,
        at: TopicPartition,
        timeout: Duration,
    ) -> Result<Watermarks, LogError> {
        let (name, id) = (self.names.live(at.topic), at.partition.0 as i32);
        self.client()?
            .fetch_watermarks(name, id, timeout)
            .map(|offsets| watermarks(at, offsets))
            .map_err(|e| log_error("cannot read kafka watermarks", e))
    }

    /// Finds the partitions whose position is outside of the watermarks: these restart. The others
    /// continue at their position.
    pub(super) fn restart_out_of_range(&mut self) -> Result<(), LogError> {
        let started: Vec<(TopicPartition, Offset)> = self
            .assignment
            .iter()
            .filter_map(|p| Some((p.at, p.position?)))
            .collect();
        let partitions: Vec<TopicPartition> = started.iter().map(|(at, _)| *at).collect();
        let all = self.watermarks(&partitions)?;
        self.offset_out_of_range = false;
        for ((at, position), watermarks) in started.into_iter().zip(all) {
            if (watermarks.low..=watermarks.high).contains(&position) {
                self.fetch_from(at, position)?;
                continue;
            }
            tracing::warn!(
                topic = %at.topic, partition = at.partition.0, position = position.0,
                low = watermarks.low.0, high = watermarks.high.0,
                "kafka offset out of range, restarting partition"
            );
            self.assignment.reset(at);
            self.unreported.push(at);
        }
        Ok(())
    }

    /// Makes the client fetch a partition from `from`.
    pub(super) fn fetch_from(&mut self, at: TopicPartition, from: Offset) -> Result<(), LogError> {
        let Some(partition) = self.assignment.get_mut(at) else {
            return Ok(());
        };
        let was_fetching = std::mem::replace(&mut partition.is_fetching, true);
        let list = self.names.offset_list([(at, from)])?;
        let failed = |e| log_error("cannot start kafka partition", e);
        let client = self.client()?;
        if was_fetching {
            let sought = client.seek_partitions(list, SEEK_TIMEOUT);
            if sought.is_ok_and(|list| list.elements().iter().all(|e| e.error().is_ok())) {
                return Ok(());
            }
            // The client does not fetch it at the moment, after an error for example: assign it again.
            let alone = self.names.partition_list([at]);
            client.incremental_unassign(&alone).map_err(failed)?;
        }
        let list = self.names.offset_list([(at, from)])?;
        client.incremental_assign(&list).map_err(failed)
    }
}
