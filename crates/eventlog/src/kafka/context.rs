//! The callbacks of a group member: changes of its assignment, results of commits.
//!
//! The callback only queues a change; the member acts on it in its own poll, so that the callback
//! neither blocks nor holds the consumer. librdkafka waits for the answer meanwhile.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use moodvane_model::Partition;
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;

use super::client;
use super::names::TopicNames;
use crate::TopicPartition;

/// A change of the assignment that the member has not carried out yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GroupChange {
    Assigned(Vec<TopicPartition>),
    Revoked {
        partitions: Vec<TopicPartition>,
        /// Other members may own them already.
        lost: bool,
    },
}

pub(super) struct GroupContext {
    names: TopicNames,
    changes: Mutex<VecDeque<GroupChange>>,
    closing: AtomicBool,
}

impl GroupContext {
    pub(super) fn new(names: TopicNames) -> Self {
        Self {
            names,
            changes: Mutex::new(VecDeque::new()),
            closing: AtomicBool::new(false),
        }
    }

    fn changes(&self) -> MutexGuard<'_, VecDeque<GroupChange>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next_change(&self) -> Option<GroupChange> {
        self.changes().pop_front()
    }

    pub(super) fn has_changes(&self) -> bool {
        !self.changes().is_empty()
    }

    /// From now on the callback answers changes itself.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Copies the list: a consumer does not close while a list is alive.
    fn partitions(&self, list: &TopicPartitionList) -> Vec<TopicPartition> {
        let ours = |name: &str, id: i32| {
            let topic = self.names.topic(name)?;
            let partition = Partition(u32::try_from(id).ok()?);
            Some(TopicPartition { topic, partition })
        };
        list.elements()
            .iter()
            .filter_map(|e| ours(e.topic(), e.partition()))
            .collect()
    }
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        client::log_line(level, fac, message);
    }
    fn stats_raw(&self, _: &[u8]) {}
    fn error(&self, error: KafkaError, reason: &str) {
        client::log_client_error(&error, reason);
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        if self.closing.load(Ordering::Acquire) {
            // While a consumer closes, librdkafka takes any answer for all partitions.
            let answer = consumer.incremental_unassign(&TopicPartitionList::new());
            if let Err(error) = answer {
                tracing::debug!(%error, "kafka consumer rejected the last unassign");
            }
            return;
        }
        let partitions = self.partitions(list);
        let change = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                GroupChange::Assigned(partitions)
            }
            _ => GroupChange::Revoked {
                partitions,
                lost: consumer.assignment_lost(),
            },
        };
        self.changes().push_back(change);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::info!(%error, "cannot commit offsets of kafka consumer group, only lag tools read them");
        }
    }
}
