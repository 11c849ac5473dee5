//! What the library tells a group's member: changes of its assignment, committed offsets.
//!
//! The callback only notes a change; the member acts on it in its own poll, so that nothing blocks
//! here and nothing here holds the consumer. The library waits for the answer meanwhile.

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
use super::names::Names;
use crate::TopicPartition;

/// A change of the assignment that the member has not acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Assigned(Vec<TopicPartition>),
    Revoked {
        partitions: Vec<TopicPartition>,
        /// Others may have them already.
        lost: bool,
    },
}

pub(super) struct GroupContext {
    names: Names,
    changes: Mutex<VecDeque<Change>>,
    closing: AtomicBool,
}

impl GroupContext {
    pub(super) fn new(names: Names) -> Self {
        Self {
            names,
            changes: Mutex::new(VecDeque::new()),
            closing: AtomicBool::new(false),
        }
    }

    fn changes(&self) -> MutexGuard<'_, VecDeque<Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next_change(&self) -> Option<Change> {
        self.changes().pop_front()
    }

    pub(super) fn has_changes(&self) -> bool {
        !self.changes().is_empty()
    }

    /// From now on nobody acts on changes: the callback answers them itself.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// The list itself must not be kept: a consumer does not close while one is alive.
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
        client::log(level, fac, message);
    }
    fn stats_raw(&self, _: &[u8]) {}
    fn error(&self, error: KafkaError, reason: &str) {
        client::client_error(&error, reason);
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
            // While a consumer closes, the library takes any answer for "all of them".
            let answer = consumer.incremental_unassign(&TopicPartitionList::new());
            if let Err(error) = answer {
                tracing::debug!(%error, "kafka consumer does not take the last answer");
            }
            return;
        }
        let partitions = self.partitions(list);
        let change = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Change::Assigned(partitions),
            _ => Change::Revoked {
                partitions,
                lost: consumer.assignment_lost(),
            },
        };
        self.changes().push_back(change);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::info!(%error, "group offsets are not committed; only lag tools miss them");
        }
    }
}
