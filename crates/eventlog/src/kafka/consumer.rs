//! A member of a consumer group.
//!
//! The consumer carries out assignments itself: librdkafka reports a change and waits. A new
//! partition is accepted at once and fetched only after the caller starts it. A revoked partition
//! stays assigned until the caller releases it, for at most half of the maximum poll interval: then
//! the consumer gives it up without the release. Rebalancing is cooperative: partitions that stay
//! pause until the release and continue at their position.
//!
//! An offset out of range never moves the position silently: the partition is reported as assigned
//! again, with its watermarks, and the caller decides where to start. So is a stalled partition.

mod positions;
mod renewal;
mod stalls;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use moodvane_model::{Offset, Topic};
use rdkafka::ClientConfig;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::metadata::Metadata;

use super::KafkaConfig;
use super::assignment::Assignment;
use super::client::{close_with_timeout, log_error};
use super::context::GroupChange;
use super::group_client::{GroupClient, join};
use super::names::TopicNames;
use super::outage::Outage;
use super::stall::StallCheck;

use crate::{Batch, Consumer, ConsumerEvent, LogError, RecordRef, TopicPartition, timestamp};

/// How long the cluster may take to answer before it counts as unreachable.
const LIVENESS_TIMEOUT: Duration = Duration::from_secs(1);

/// Partitions that the group revoked and the caller has not released yet.
struct Revocation {
    partitions: Vec<TopicPartition>,
    unreleased: Vec<TopicPartition>,
    deadline: Instant,
}

pub(super) struct KafkaConsumer {
    /// `None` only while the consumer is dropped.
    client: Option<GroupClient>,
    config: ClientConfig,
    names: TopicNames,
    /// The subscribed topics.
    topics: Vec<String>,
    assignment: Assignment,
    /// Assigned partitions that are not yet reported with their watermarks.
    unreported: Vec<TopicPartition>,
    revocation: Option<Revocation>,
    committed: BTreeMap<TopicPartition, Offset>,
    /// A position is out of range; librdkafka does not report of which partition.
    offset_out_of_range: bool,
    /// Why the cluster or a topic is unreachable, while it is.
    unreachable: Option<String>,
    outage: Outage,
    /// Partitions of a replaced client, not yet reported as revoked.
    lost: Vec<TopicPartition>,
    stall_check: StallCheck,
    release_timeout: Duration,
    request_timeout: Duration,
}

impl KafkaConsumer {
    pub(super) fn join(
        config: &KafkaConfig,
        names: &TopicNames,
        group: &str,
        topics: &[Topic],
    ) -> Result<Self, LogError> {
        let member = config.member(&names.group(group));
        let topics = topics.iter().map(|topic| names.live(*topic).to_owned());
        let topics: Vec<String> = topics.collect();
        let client = join(&member, names, &topics)?;
        Ok(Self {
            client: Some(client),
            config: member,
            names: names.clone(),
            topics,
            assignment: Assignment::default(),
            unreported: Vec::new(),
            revocation: None,
            committed: BTreeMap::new(),
            offset_out_of_range: false,
            unreachable: None,
            outage: Outage::with_threshold(config.session_timeout),
            lost: Vec::new(),
            stall_check: StallCheck::new(config.session_timeout / 2),
            // The other half remains for the call that releases them.
            release_timeout: config.max_poll_interval / 2,
            request_timeout: config.request_timeout,
        })
    }

    fn client(&self) -> Result<&GroupClient, LogError> {
        let closed = || LogError::Unavailable("kafka consumer is closed".into());
        self.client.as_ref().ok_or_else(closed)
    }

    /// Carries out changes of the assignment, and returns the first that the caller must act on.
    fn next_group_event(&mut self) -> Result<Option<ConsumerEvent>, LogError> {
        if !self.lost.is_empty() {
            let lost = std::mem::take(&mut self.lost);
            return Ok(Some(ConsumerEvent::Revoked(lost)));
        }
        while let Some(change) = self.client()?.context().next_change() {
            match change {
                GroupChange::Assigned(partitions) => self.accept_assignment(&partitions)?,
                GroupChange::Revoked { partitions, lost } => {
                    self.begin_revocation(&partitions, lost)?;
                    if !partitions.is_empty() {
                        return Ok(Some(ConsumerEvent::Revoked(partitions)));
                    }
                }
            }
        }
        self.give_up_overdue()?;
        if self.offset_out_of_range {
            self.restart_out_of_range()?;
        }
        self.check_stalls()?;
        if self.unreported.is_empty() {
            return Ok(None);
        }
        let watermarks = self.watermarks(&self.unreported)?;
        self.unreported.clear();
        Ok(Some(ConsumerEvent::Assigned(watermarks)))
    }

    fn accept_assignment(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        // librdkafka waits for an answer; each partition is added when the caller starts it.
        self.client()?
            .incremental_assign(&TopicPartitionList::new())
            .map_err(|e| log_error("cannot accept kafka assignment", e))?;
        for at in partitions {
            self.assignment.add(*at);
        }
        self.unreported.retain(|at| !partitions.contains(at));
        self.unreported.extend(partitions);
        tracing::info!(partitions = partitions.len(), "kafka partitions assigned");
        Ok(())
    }

    fn begin_revocation(
        &mut self,
        partitions: &[TopicPartition],
        lost: bool,
    ) -> Result<(), LogError> {
        if lost {
            tracing::warn!(
                partitions = partitions.len(),
                "kafka partitions lost, other members may own them"
            );
        } else {
            tracing::info!(partitions = partitions.len(), "kafka partitions revoked");
        }
        self.unreported.retain(|at| !partitions.contains(at));
        for at in partitions {
            self.assignment.reset(*at);
            self.committed.remove(at);
        }
        self.revocation = Some(Revocation {
            partitions: partitions.to_vec(),
            unreleased: partitions.to_vec(),
            deadline: Instant::now() + self.release_timeout,
        });
        if partitions.is_empty() {
            self.complete_revocation()?;
        }
        Ok(())
    }

    fn give_up_overdue(&mut self) -> Result<(), LogError> {
        let overdue = |r: &Revocation| Instant::now() >= r.deadline;
        if !self.revocation.as_ref().is_some_and(overdue) {
            return Ok(());
        }
        let timeout_ms = self.release_timeout.as_millis() as u64;
        tracing::warn!(
            timeout_ms,
            "revoked kafka partitions not released in time, giving them up"
        );
        self.complete_revocation()
    }

    /// Acknowledges the revocation: other members may own the partitions from now on.
    fn complete_revocation(&mut self) -> Result<(), LogError> {
        let Some(revocation) = self.revocation.take() else {
            return Ok(());
        };
        let list = self.fetching(&revocation.partitions);
        self.assignment.remove(&revocation.partitions);
        self.client()?
            .incremental_unassign(&list)
            .map_err(|e| log_error("cannot give up kafka partitions", e))
    }

    /// Buffers arriving records until a batch is full. Waits until `deadline` for the first of them,
    /// and returns early where the assignment changes.
    fn fill_buffers(&mut self, capacity: usize, deadline: Instant) -> Result<(), LogError> {
        while !self.assignment.is_full(capacity) {
            let remaining = deadline.saturating_duration_since(Instant::now());
            let wait = if self.assignment.is_drained() {
                remaining
            } else {
                Duration::ZERO
            };
            let client = self.client.as_ref();
            match client.and_then(|client| client.poll(wait)) {
                Some(Ok(message)) => {
                    self.unreachable = None;
                    self.outage.record_success();
                    let Some(topic) = self.names.topic(message.topic()) else {
                        continue;
                    };
                    let partition = moodvane_model::Partition(message.partition() as u32);
                    self.assignment
                        .buffer(TopicPartition { topic, partition }, record_of(&message)?);
                }
                Some(Err(error)) => return self.handle_client_error(error),
                None => {
                    self.stall_check.record_drained();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Most client errors only report what librdkafka retries by itself.
    fn handle_client_error(&mut self, error: KafkaError) -> Result<(), LogError> {
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::LogTruncation) => self.offset_out_of_range = true,
            Some(Code::AllBrokersDown) => self.unreachable = Some(error.to_string()),
            Some(Code::PollExceeded) => {
                tracing::warn!("maximum poll interval exceeded, kafka partitions revoked")
            }
            // It is reported per partition; the next idle poll checks whether it still holds.
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                self.unreachable = Some(format!("topic does not exist: {error}"));
            }
            _ => match log_error("cannot consume from kafka", error) {
                LogError::Unavailable(error) => {
                    tracing::debug!(error = format!("{error:#}"), "kafka consumer error");
                }
                permanent => return Err(permanent),
            },
        }
        Ok(())
    }

    /// The result of an idle poll: an error while the cluster is unreachable.
    fn idle_event(&mut self) -> Result<ConsumerEvent, LogError> {
        let Some(reason) = self.unreachable.take() else {
            return Ok(ConsumerEvent::Idle);
        };
        let metadata = self.client()?.fetch_metadata(None, LIVENESS_TIMEOUT);
        let exists = |metadata: &Metadata, name: &String| {
            let topic = metadata.topics().iter().find(|topic| topic.name() == name);
            topic.is_some_and(|topic| !topic.partitions().is_empty())
        };
        if metadata.is_ok_and(|metadata| self.topics.iter().all(|name| exists(&metadata, name))) {
            self.outage.record_success();
            return Ok(ConsumerEvent::Idle);
        }
        self.unreachable = Some(reason.clone());
        if self.outage.record_failure() {
            self.replace_client()?;
        }
        Err(LogError::Unavailable(
            format!("kafka unreachable: {reason}").into(),
        ))
    }
}

/// A message as a record. A message without a timestamp has 0; only foreign topics have such.
fn record_of<'m>(message: &'m BorrowedMessage<'_>) -> Result<RecordRef<'m>, LogError> {
    Ok(RecordRef {
        offset: Offset(u64::try_from(message.offset()).unwrap_or_default()),
        written_at: timestamp(message.timestamp().to_millis().unwrap_or_default())?,
        key: message.key().unwrap_or_default(),
        value: message.payload().unwrap_or_default(),
    })
}

impl Consumer for KafkaConsumer {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<ConsumerEvent, LogError> {
        batch.reset(batch.topic_partition());
        let deadline = Instant::now() + wait;
        loop {
            if let Some(event) = self.next_group_event()? {
                return Ok(event);
            }
            self.fill_buffers(batch.capacity(), deadline)?;
            if self.client()?.context().has_changes() || self.offset_out_of_range {
                continue;
            }
            if self.assignment.fill_batch(batch) {
                return Ok(ConsumerEvent::Records);
            }
            if Instant::now() >= deadline {
                return self.idle_event();
            }
        }
    }

    fn start(&mut self, at: TopicPartition, from: Offset) -> Result<(), LogError> {
        let revoked = self.revocation.as_ref();
        if revoked.is_some_and(|r| r.partitions.contains(&at)) {
            return Ok(());
        }
        self.assignment.reset(at);
        let Some(partition) = self.assignment.get_mut(at) else {
            // The group revoked it between the report and this call.
            return Ok(());
        };
        partition.position = Some(from);
        self.fetch_from(at, from)
    }

    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        if let Some(revocation) = &mut self.revocation {
            revocation.unreleased.retain(|at| !partitions.contains(at));
            if revocation.unreleased.is_empty() {
                self.complete_revocation()?;
            }
        }
        // The remaining partitions are not revoked: they stay assigned, but are not read.
        let revoked = self.revocation.as_ref().map(|r| r.partitions.clone());
        let kept = |at: &&TopicPartition| revoked.as_ref().is_none_or(|all| !all.contains(at));
        for at in partitions.iter().filter(kept) {
            self.assignment.reset(*at);
            let fetching = self.assignment.get_mut(*at).filter(|p| p.is_fetching);
            if let Some(partition) = fetching {
                partition.is_fetching = false;
                self.client()?
                    .incremental_unassign(&self.names.partition_list([*at]))
                    .map_err(|e| log_error("cannot stop kafka partition", e))?;
            }
        }
        Ok(())
    }

    fn commit(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        let is_new = |(at, next): &&(TopicPartition, Offset)| self.committed.get(at) != Some(next);
        let new: Vec<(TopicPartition, Offset)> = positions.iter().filter(is_new).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        self.client()?
            .commit(
                &self.names.offset_list(new.iter().copied())?,
                CommitMode::Async,
            )
            .map_err(|e| log_error("cannot commit offsets of kafka consumer group", e))?;
        self.committed.extend(new);
        Ok(())
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else {
            return;
        };
        client.context().close();
        let list = self.revocation.take().map(|r| self.fetching(&r.partitions));
        // librdkafka sends the queued commits before it leaves the group.
        close_with_timeout("consumer", move || {
            if let Some(list) = list
                && let Err(error) = client.incremental_unassign(&list)
            {
                tracing::debug!(%error, "kafka consumer rejected the last unassign");
            }
            drop(client);
        });
    }
}
