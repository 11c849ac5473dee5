//! Where partitions are read: watermarks, seeking, and positions that the log does not hold.

use std::time::Duration;

use moodvane_model::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;

use super::super::client::log_error;
use super::super::names::watermarks;
use super::KafkaConsumer;
use crate::{LogError, TopicPartition, Watermarks};

/// How long a seek may take; it is answered by the library itself.
const SEEK_WITHIN: Duration = Duration::from_secs(5);

impl KafkaConsumer {
    /// Those of the partitions that the client fetches: only they are in its own assignment.
    pub(super) fn fetched(&self, among: &[TopicPartition]) -> TopicPartitionList {
        let slots = self.slots.iter();
        let fetched = slots.filter(|slot| slot.fetched && among.contains(&slot.at));
        self.names.list(fetched.map(|slot| slot.at))
    }

    pub(super) fn watermarks(&self, of: &[TopicPartition]) -> Result<Vec<Watermarks>, LogError> {
        of.iter()
            .map(|at| self.watermarks_within(*at, self.request_timeout))
            .collect()
    }

    pub(super) fn watermarks_within(
        &self,
        at: TopicPartition,
        within: Duration,
    ) -> Result<Watermarks, LogError> {
        let (name, id) = (self.names.live(at.topic), at.partition.0 as i32);
        self.client()?
            .fetch_watermarks(name, id, within)
            .map(|marks| watermarks(at, marks))
            .map_err(|e| log_error("cannot read the kafka watermarks", e))
    }

    /// Looks for positions outside of their partitions: these are to be begun anew. The others go
    /// on where they were.
    pub(super) fn find_astray(&mut self) -> Result<(), LogError> {
        let begun: Vec<(TopicPartition, Offset)> = self
            .slots
            .iter()
            .filter_map(|slot| Some((slot.at, slot.next?)))
            .collect();
        let partitions: Vec<TopicPartition> = begun.iter().map(|(at, _)| *at).collect();
        let marks = self.watermarks(&partitions)?;
        self.astray = false;
        for ((at, next), marks) in begun.into_iter().zip(marks) {
            if (marks.low..=marks.high).contains(&next) {
                self.fetch(at, next)?;
                continue;
            }
            tracing::warn!(
                topic = %at.topic, partition = at.partition.0, next = next.0, low = marks.low.0, high = marks.high.0,
                "kafka has no such offset, the partition begins anew"
            );
            self.slots.stop(at);
            self.unreported.push(at);
        }
        Ok(())
    }

    /// Makes the client fetch a partition from `from`.
    pub(super) fn fetch(&mut self, at: TopicPartition, from: Offset) -> Result<(), LogError> {
        let Some(slot) = self.slots.get_mut(at) else {
            return Ok(());
        };
        let was_fetched = std::mem::replace(&mut slot.fetched, true);
        let list = self.names.list_at([(at, from)])?;
        let failed = |e| log_error("cannot begin a kafka partition", e);
        let client = self.client()?;
        if was_fetched {
            let sought = client.seek_partitions(list, SEEK_WITHIN);
            if sought.is_ok_and(|list| list.elements().iter().all(|e| e.error().is_ok())) {
                return Ok(());
            }
            // Not fetching at the moment, after an error for example: begin it afresh.
            let alone = self.names.list([at]);
            client.incremental_unassign(&alone).map_err(failed)?;
        }
        let list = self.names.list_at([(at, from)])?;
        client.incremental_assign(&list).map_err(failed)
    }
}
