//! The publisher: the one actor that writes records to the log or the spool.
//!
//! Guarantee: a [`Publish`] completes when its records are durable, or rejected for good. The
//! number of publishes in flight is limited; at the limit the actor stops reading its mailbox, so
//! that the back-pressure reaches the senders and their sockets. With a spool, records of
//! non-replayable sources do not wait for the log: they are durable in the spool. They are dropped,
//! and counted, only if neither the spool nor the log accepts them.

use std::sync::Arc;

use actix::prelude::*;
use moodvane_eventlog::{EventLog, LogError, NewRecord};
use moodvane_model::{ErrorChain, SourceId, Topic};
use moodvane_retry::{Attempts, Backoff};
use moodvane_runtime::Check;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::metrics::IngesterMetrics;
use crate::spool::{AppendError, Rejected, Spool, SpoolEntry};

/// Records for one topic, in order.
#[derive(Debug, Message)]
#[rtype(result = "Result<PublishOutcome, LogError>")]
pub(crate) struct Publish {
    pub(crate) source: SourceId,
    pub(crate) topic: Topic,
    pub(crate) records: Vec<NewRecord>,
    /// Whether the upstream cannot send the messages again.
    pub(crate) non_replayable: bool,
    /// Name and value of a cursor to save behind the records. The publisher saves it only through
    /// the spool; after [`PublishOutcome::Logged`] the sender saves it.
    pub(crate) cursor: Option<(String, String)>,
}

/// Where records are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishOutcome {
    /// In the log.
    Logged,
    /// In the spool, with their cursor.
    Spooled,
    /// Dropped and counted.
    Dropped,
}

/// Dependencies and limits of a publisher.
pub(crate) struct PublisherDeps {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) spool: Option<Spool>,
    pub(crate) metrics: IngesterMetrics,
    /// Limit of publishes in flight.
    pub(crate) slots: usize,
    pub(crate) mailbox: usize,
    pub(crate) backoff: Backoff,
    pub(crate) check: Check,
    /// Cancelled when sources stop reading: the publisher then no longer reports readiness.
    pub(crate) stop: CancellationToken,
    /// Cancelled when the ingester no longer waits for the log.
    pub(crate) closed: CancellationToken,
}

/// The actor.
pub(crate) struct Publisher {
    writer: Arc<LogWriter>,
    spool: Option<Spool>,
    slots: Arc<Semaphore>,
    mailbox: usize,
}

impl Publisher {
    pub(crate) fn new(deps: PublisherDeps) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(deps.slots.max(1))),
            mailbox: deps.mailbox.max(1),
            spool: deps.spool,
            writer: Arc::new(LogWriter {
                log: deps.log,
                metrics: deps.metrics,
                backoff: deps.backoff,
                check: deps.check,
                stop: deps.stop,
                closed: deps.closed,
            }),
        }
    }
}

impl Actor for Publisher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.mailbox);
    }
}

impl Handler<Publish> for Publisher {
    type Result = ResponseFuture<Result<PublishOutcome, LogError>>;

    fn handle(&mut self, publish: Publish, ctx: &mut Self::Context) -> Self::Result {
        // A permit is available: without one the context waits and delivers no message.
        let permit = Arc::clone(&self.slots).try_acquire_owned();
        if self.slots.available_permits() == 0 {
            let slots = Arc::clone(&self.slots);
            let available = async move { drop(slots.acquire().await) };
            ctx.wait(available.into_actor(self));
        }
        let writer = Arc::clone(&self.writer);
        let spool = self.spool.clone().filter(|_| publish.non_replayable);
        let Some(spool) = spool else {
            return Box::pin(async move {
                let _permit = permit;
                writer.write(publish).await.map(|()| PublishOutcome::Logged)
            });
        };
        if let Err(error) = publish.records.iter().try_for_each(NewRecord::check_size) {
            return Box::pin(std::future::ready(Err(error)));
        }
        // Queues the append now, to keep the order of the mailbox.
        let appended = spool.append(spool_entries(&publish));
        let (source, topic) = (publish.source, publish.topic);
        Box::pin(async move {
            let _permit = permit;
            match appended.await {
                Ok(()) => Ok(PublishOutcome::Spooled),
                Err(rejected) => {
                    let records = (source, topic, rejected);
                    writer.write_or_drop(records, &spool).await
                }
            }
        })
    }
}

fn spool_entries(publish: &Publish) -> Vec<Vec<u8>> {
    let (source, topic) = (publish.source, publish.topic);
    let records = publish.records.iter();
    let records = records.map(|record| SpoolEntry::record(source, topic, record));
    let cursor = publish.cursor.as_ref();
    let cursor = cursor.map(|(name, value)| SpoolEntry::Cursor {
        source,
        name,
        value,
    });
    let entries = records.chain(cursor);
    entries.map(|entry| entry.encode()).collect()
}

fn rejected_records(rejected: &Rejected) -> Vec<NewRecord> {
    let decoded = rejected.entries.iter();
    let decoded = decoded.filter_map(|bytes| SpoolEntry::decode(bytes)?.to_record());
    decoded.map(|(.., record)| record).collect()
}

struct LogWriter {
    log: Arc<dyn EventLog>,
    metrics: IngesterMetrics,
    backoff: Backoff,
    check: Check,
    stop: CancellationToken,
    closed: CancellationToken,
}

impl LogWriter {
    /// Writes records that the spool rejected to the log, if that keeps their order, and drops them
    /// otherwise.
    async fn write_or_drop(
        &self,
        (source, topic, rejected): (SourceId, Topic, Rejected),
        spool: &Spool,
    ) -> Result<PublishOutcome, LogError> {
        let records = rejected_records(&rejected);
        let count = records.len() as u64;
        let is_full = matches!(rejected.error, AppendError::Full);
        if !is_full && spool.pending() == 0 {
            match self.log.publish(topic, records).await {
                Err(LogError::Unavailable(_)) => {}
                result => return result.map(|()| PublishOutcome::Logged),
            }
        }
        let reason = match is_full {
            true => "spool_full",
            false => "spool_disk",
        };
        self.metrics.dropped(source, reason, count);
        Ok(PublishOutcome::Dropped)
    }

    /// Writes records to the log; retries while the log is unavailable.
    async fn write(&self, publish: Publish) -> Result<(), LogError> {
        let Publish { topic, records, .. } = publish;
        let mut attempts = Attempts::new(self.backoff);
        let mut failed = false;
        loop {
            let error = match self.log.publish(topic, records.clone()).await {
                Err(error @ LogError::Unavailable(_)) => error,
                result => {
                    self.report_recovery(failed);
                    return result;
                }
            };
            let delay = attempts.failed();
            failed = true;
            let reason = ErrorChain(&error).to_string();
            warn!(%topic, records = records.len(), delay_ms = delay.as_millis() as u64, error = reason, "log unavailable, retrying publish");
            self.check.fail(format!("log unavailable: {reason}"));
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.closed.cancelled() => return Err(error),
            }
        }
    }

    fn report_recovery(&self, failed: bool) {
        if !failed {
            return;
        }
        info!("log available again");
        if !self.stop.is_cancelled() {
            self.check.ok();
        }
    }
}
