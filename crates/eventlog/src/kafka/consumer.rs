//! A member of a consumer group.
//!
//! The assignment is ours to carry out: the library reports a change and waits. A new partition is
//! taken over at once but not fetched before the caller said where to begin. A revoked one stays
//! ours until the caller released it, within the longest poll interval: then the cluster, or this
//! member itself, takes it away all the same. Rebalancing is cooperative: partitions that stay are
//! not begun anew, they only pause until the release.
//!
//! A position that the log does not hold any more, or not yet, is never moved silently: the
//! partition is reported as assigned anew, with its watermarks, and the caller decides. So is one
//! that is silent although the log does not end there.

mod positions;
mod renewal;
mod silence;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use moodvane_model::{Offset, Topic};
use rdkafka::ClientConfig;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::metadata::Metadata;

use super::KafkaConfig;
use super::client::{close, log_error};
use super::context::{Change, GroupContext};
use super::names::Names;
use super::outage::Outage;
use super::slots::Slots;
use renewal::connect;
use silence::Listening;
pub(super) use silence::Silence;

use crate::{Batch, Consumer, ConsumerEvent, LogError, RecordRef, TopicPartition, timestamp};

/// How long the cluster may take to show that it is back.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

type Client = BaseConsumer<GroupContext>;

/// Partitions that the group took away and the caller has not released yet.
struct Revocation {
    partitions: Vec<TopicPartition>,
    waiting: Vec<TopicPartition>,
    deadline: Instant,
}

pub(super) struct KafkaConsumer {
    /// `None` only while it is dropped.
    client: Option<Client>,
    config: ClientConfig,
    names: Names,
    /// The topics that are subscribed to.
    topics: Vec<String>,
    slots: Slots,
    /// Partitions that are ours, but not yet reported with their watermarks.
    unreported: Vec<TopicPartition>,
    revocation: Option<Revocation>,
    committed: BTreeMap<TopicPartition, Offset>,
    /// Some position is not in the log; the library does not say which.
    astray: bool,
    /// Why the cluster or a topic cannot be reached, while it cannot.
    down: Option<String>,
    outage: Outage,
    /// Partitions of a client that was given up, not yet reported as revoked.
    lost: Vec<TopicPartition>,
    listening: Listening,
    release_within: Duration,
    request_timeout: Duration,
}

impl KafkaConsumer {
    pub(super) fn join(
        config: &KafkaConfig,
        names: &Names,
        group: &str,
        topics: &[Topic],
    ) -> Result<Self, LogError> {
        let member = config.member(&names.group(group));
        let topics = topics.iter().map(|topic| names.live(*topic).to_owned());
        let topics: Vec<String> = topics.collect();
        let client = connect(&member, names, &topics)?;
        Ok(Self {
            client: Some(client),
            config: member,
            names: names.clone(),
            topics,
            slots: Slots::default(),
            unreported: Vec::new(),
            revocation: None,
            committed: BTreeMap::new(),
            astray: false,
            down: None,
            outage: Outage::longer_than(config.session_timeout),
            lost: Vec::new(),
            listening: Listening::new(config.session_timeout / 2),
            // Half of it is left for the call that was to release them.
            release_within: config.max_poll_interval / 2,
            request_timeout: config.request_timeout,
        })
    }

    fn client(&self) -> Result<&Client, LogError> {
        let closed = || LogError::Unavailable("the kafka consumer is closed".into());
        self.client.as_ref().ok_or_else(closed)
    }

    /// Acts on what the group changed, and tells the caller of one change.
    fn change(&mut self) -> Result<Option<ConsumerEvent>, LogError> {
        if !self.lost.is_empty() {
            return Ok(Some(ConsumerEvent::Revoked(std::mem::take(&mut self.lost))));
        }
        while let Some(change) = self.client()?.context().next_change() {
            match change {
                Change::Assigned(partitions) => self.take_over(&partitions)?,
                Change::Revoked { partitions, lost } => {
                    self.revoke(&partitions, lost)?;
                    if !partitions.is_empty() {
                        return Ok(Some(ConsumerEvent::Revoked(partitions)));
                    }
                }
            }
        }
        self.give_up_overdue()?;
        if self.astray {
            self.find_astray()?;
        }
        self.listen()?;
        if self.unreported.is_empty() {
            return Ok(None);
        }
        let marks = self.watermarks(&self.unreported)?;
        self.unreported.clear();
        Ok(Some(ConsumerEvent::Assigned(marks)))
    }

    fn take_over(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        // The library goes on once it has an answer; each partition is added when it is started.
        self.client()?
            .incremental_assign(&TopicPartitionList::new())
            .map_err(|e| log_error("cannot take an assignment", e))?;
        for at in partitions {
            self.slots.add(*at);
        }
        self.unreported.retain(|at| !partitions.contains(at));
        self.unreported.extend(partitions);
        tracing::info!(partitions = partitions.len(), "kafka partitions assigned");
        Ok(())
    }

    fn revoke(&mut self, partitions: &[TopicPartition], lost: bool) -> Result<(), LogError> {
        if lost {
            tracing::warn!(
                partitions = partitions.len(),
                "kafka partitions lost: others may have them already"
            );
        } else {
            tracing::info!(partitions = partitions.len(), "kafka partitions revoked");
        }
        self.unreported.retain(|at| !partitions.contains(at));
        for at in partitions {
            self.slots.stop(*at);
            self.committed.remove(at);
        }
        self.revocation = Some(Revocation {
            partitions: partitions.to_vec(),
            waiting: partitions.to_vec(),
            deadline: Instant::now() + self.release_within,
        });
        if partitions.is_empty() {
            self.give_up()?;
        }
        Ok(())
    }

    fn give_up_overdue(&mut self) -> Result<(), LogError> {
        let overdue = |r: &Revocation| Instant::now() >= r.deadline;
        if !self.revocation.as_ref().is_some_and(overdue) {
            return Ok(());
        }
        let within_ms = self.release_within.as_millis() as u64;
        tracing::warn!(
            within_ms,
            "revoked kafka partitions were not released in time, giving them up"
        );
        self.give_up()
    }

    /// Answers the revocation: the partitions are others' from now on.
    fn give_up(&mut self) -> Result<(), LogError> {
        let Some(revocation) = self.revocation.take() else {
            return Ok(());
        };
        let list = self.fetched(&revocation.partitions);
        self.slots.remove(&revocation.partitions);
        self.client()?
            .incremental_unassign(&list)
            .map_err(|e| log_error("cannot give up partitions", e))
    }

    /// Collects what has arrived until a batch is full, waiting at most until `deadline` for the
    /// first. Ends early where the group changes something.
    fn collect(&mut self, capacity: usize, deadline: Instant) -> Result<(), LogError> {
        while !self.slots.is_full(capacity) {
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = if self.slots.is_empty() {
                left
            } else {
                Duration::ZERO
            };
            let client = self.client.as_ref();
            match client.and_then(|client| client.poll(wait)) {
                Some(Ok(message)) => {
                    self.down = None;
                    self.outage.ended();
                    let Some(topic) = self.names.topic(message.topic()) else {
                        continue;
                    };
                    let partition = moodvane_model::Partition(message.partition() as u32);
                    self.slots
                        .keep(TopicPartition { topic, partition }, record_of(&message)?);
                }
                Some(Err(error)) => return self.note(&error),
                None => {
                    self.listening.drained();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Most errors are news of what the library retries by itself.
    fn note(&mut self, error: &KafkaError) -> Result<(), LogError> {
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::LogTruncation) => self.astray = true,
            Some(Code::AllBrokersDown) => self.down = Some(error.to_string()),
            Some(Code::PollExceeded) => {
                tracing::warn!("no poll for too long: the group takes the kafka partitions away")
            }
            // One comes for each partition; the next idle poll looks whether it is still so.
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                self.down = Some(format!("a topic is gone: {error}"));
            }
            _ => match log_error("cannot consume from kafka", error.clone()) {
                LogError::Unavailable(reason) => {
                    tracing::debug!(
                        error = format!("{reason:#}"),
                        "kafka consumer is in difficulty"
                    );
                }
                permanent => return Err(permanent),
            },
        }
        Ok(())
    }

    /// What an idle poll answers. Silence of a cluster that was away is not taken for health.
    fn idle(&mut self) -> Result<ConsumerEvent, LogError> {
        let Some(reason) = self.down.take() else {
            return Ok(ConsumerEvent::Idle);
        };
        let there = self.client()?.fetch_metadata(None, SIGN_OF_LIFE);
        let has = |there: &Metadata, name: &String| {
            let topic = there.topics().iter().find(|topic| topic.name() == name);
            topic.is_some_and(|topic| !topic.partitions().is_empty())
        };
        if there.is_ok_and(|there| self.topics.iter().all(|name| has(&there, name))) {
            self.outage.ended();
            return Ok(ConsumerEvent::Idle);
        }
        self.down = Some(reason.clone());
        if self.outage.is_long() {
            self.renew()?;
        }
        Err(LogError::Unavailable(format!("kafka: {reason}").into()))
    }
}

/// A message as a record. One without a time is of a topic that is not as ours are.
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
            if let Some(event) = self.change()? {
                return Ok(event);
            }
            self.collect(batch.capacity(), deadline)?;
            if self.client()?.context().has_changes() || self.astray {
                continue;
            }
            if self.slots.hand_out(batch) {
                return Ok(ConsumerEvent::Records);
            }
            if Instant::now() >= deadline {
                return self.idle();
            }
        }
    }

    fn start(&mut self, at: TopicPartition, from: Offset) -> Result<(), LogError> {
        let revoked = self.revocation.as_ref();
        if revoked.is_some_and(|r| r.partitions.contains(&at)) {
            return Ok(());
        }
        self.slots.stop(at);
        let Some(slot) = self.slots.get_mut(at) else {
            // It was taken away between the report and the answer.
            return Ok(());
        };
        slot.next = Some(from);
        self.fetch(at, from)
    }

    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        if let Some(revocation) = &mut self.revocation {
            revocation.waiting.retain(|at| !partitions.contains(at));
            if revocation.waiting.is_empty() {
                self.give_up()?;
            }
        }
        // What is left of them was not revoked: it stays ours, but unread.
        let revoked = self.revocation.as_ref().map(|r| r.partitions.clone());
        let kept = |at: &&TopicPartition| revoked.as_ref().is_none_or(|all| !all.contains(at));
        for at in partitions.iter().filter(kept) {
            self.slots.stop(*at);
            let fetched = self.slots.get_mut(*at).filter(|slot| slot.fetched);
            if let Some(slot) = fetched {
                slot.fetched = false;
                self.client()?
                    .incremental_unassign(&self.names.list([*at]))
                    .map_err(|e| log_error("cannot stop a kafka partition", e))?;
            }
        }
        Ok(())
    }

    fn commit(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        let news = |(at, next): &&(TopicPartition, Offset)| self.committed.get(at) != Some(next);
        let news: Vec<(TopicPartition, Offset)> = positions.iter().filter(news).copied().collect();
        if news.is_empty() {
            return Ok(());
        }
        self.client()?
            .commit(
                &self.names.list_at(news.iter().copied())?,
                CommitMode::Async,
            )
            .map_err(|e| log_error("cannot commit the group's offsets", e))?;
        self.committed.extend(news);
        Ok(())
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else {
            return;
        };
        client.context().close();
        let list = self.revocation.take().map(|r| self.fetched(&r.partitions));
        // The library commits what was handed to it before it leaves the group.
        close("consumer", move || {
            if let Some(list) = list
                && let Err(error) = client.incremental_unassign(&list)
            {
                tracing::debug!(%error, "kafka consumer does not take the last answer");
            }
            drop(client);
        });
    }
}
