//! The publisher: the one actor that owns the way into the log.
//!
//! Guarantee: a [`Publish`] is answered when its records are durable, or refused for good. At most
//! so many publishes are in flight; while all places are taken the mailbox is not read, so that
//! senders wait, and so do the sockets behind them. Fleeting records, where there is a spool, do not
//! wait for the log: they are durable in the spool. Only where the spool takes nothing, and the log
//! neither, are they dropped, and counted.

use std::sync::Arc;

use actix::prelude::*;
use moodvane_eventlog::{EventLog, LogError, NewRecord};
use moodvane_model::{SourceId, Topic};
use moodvane_runtime::Check;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::backoff::{Attempts, Backoff};
use crate::metrics::IngesterMetrics;
use crate::spool::{Item, Refused, Spool};

/// Records for one topic, in order.
#[derive(Debug, Message)]
#[rtype(result = "Result<PublishOutcome, LogError>")]
pub(crate) struct Publish {
    pub(crate) source: SourceId,
    pub(crate) topic: Topic,
    pub(crate) records: Vec<NewRecord>,
    /// Whether the source cannot say them again.
    pub(crate) non_replayable: bool,
    /// Name and value of a cursor that holds once the log has the records. Whoever is told that
    /// they are [`PublishOutcome::Logged`] saves it by itself.
    pub(crate) cursor: Option<(String, String)>,
}

/// What became of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishOutcome {
    /// The log has them.
    Logged,
    /// The spool has them, and their cursor.
    Spooled,
    /// Nobody has them; they are counted.
    Dropped,
}

/// What a publisher needs.
pub(crate) struct PublisherParts {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) spool: Option<Spool>,
    pub(crate) metrics: IngesterMetrics,
    /// The most publishes in flight.
    pub(crate) slots: usize,
    pub(crate) mailbox: usize,
    pub(crate) backoff: Backoff,
    pub(crate) check: Check,
    /// Cancelled when sources stop taking: readiness is then no longer ours to give.
    pub(crate) stop: CancellationToken,
    /// Cancelled when nobody waits for the log any more.
    pub(crate) closed: CancellationToken,
}

/// The actor.
pub(crate) struct Publisher {
    writer: Arc<Writer>,
    spool: Option<Spool>,
    slots: Arc<Semaphore>,
    mailbox: usize,
}

impl Publisher {
    pub(crate) fn new(parts: PublisherParts) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(parts.slots.max(1))),
            mailbox: parts.mailbox.max(1),
            spool: parts.spool,
            writer: Arc::new(Writer {
                log: parts.log,
                metrics: parts.metrics,
                backoff: parts.backoff,
                check: parts.check,
                stop: parts.stop,
                closed: parts.closed,
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
        // There is a place: while there is none the context waits and hands over no message.
        let place = Arc::clone(&self.slots).try_acquire_owned();
        if self.slots.available_permits() == 0 {
            let slots = Arc::clone(&self.slots);
            let freed = async move { drop(slots.acquire().await) };
            ctx.wait(freed.into_actor(self));
        }
        let writer = Arc::clone(&self.writer);
        let spool = self.spool.clone().filter(|_| publish.non_replayable);
        let Some(spool) = spool else {
            return Box::pin(async move {
                let _place = place;
                writer.write(publish).await.map(|()| PublishOutcome::Logged)
            });
        };
        if let Err(error) = publish.records.iter().try_for_each(NewRecord::check_size) {
            return Box::pin(std::future::ready(Err(error)));
        }
        let (source, topic) = (publish.source, publish.topic);
        // Handed over here and now, in the order of the mailbox.
        let appended = spool.append(items(publish));
        Box::pin(async move {
            let _place = place;
            match appended.await {
                Ok(()) => Ok(PublishOutcome::Spooled),
                Err(refused) => writer.save_or_drop((source, topic), refused, &spool).await,
            }
        })
    }
}

fn items(publish: Publish) -> Vec<Item> {
    let Publish { source, topic, .. } = publish;
    let record = |record| Item::Record {
        topic,
        source,
        record,
    };
    let cursor = publish.cursor.map(|(name, cursor)| Item::Cursor {
        source,
        name,
        cursor,
    });
    publish
        .records
        .into_iter()
        .map(record)
        .chain(cursor)
        .collect()
}

fn records(items: Vec<Item>) -> Vec<NewRecord> {
    let record = |item| match item {
        Item::Record { record, .. } => Some(record),
        Item::Cursor { .. } => None,
    };
    items.into_iter().filter_map(record).collect()
}

struct Writer {
    log: Arc<dyn EventLog>,
    metrics: IngesterMetrics,
    backoff: Backoff,
    check: Check,
    stop: CancellationToken,
    closed: CancellationToken,
}

impl Writer {
    /// What the spool refused goes to the log, where that takes it and nothing lies before it.
    async fn save_or_drop(
        &self,
        (source, topic): (SourceId, Topic),
        refused: Refused,
        spool: &Spool,
    ) -> Result<PublishOutcome, LogError> {
        let reason = if refused.full {
            "spool_full"
        } else {
            "spool_disk"
        };
        let records = records(refused.items);
        let dropped = records.len() as u64;
        if !refused.full && spool.waiting() == 0 {
            match self.log.publish(topic, records).await {
                Err(LogError::Unavailable(_)) => {}
                done => return done.map(|()| PublishOutcome::Logged),
            }
        }
        self.metrics.dropped(source, reason, dropped);
        Ok(PublishOutcome::Dropped)
    }

    async fn write(&self, publish: Publish) -> Result<(), LogError> {
        let Publish { topic, records, .. } = publish;
        let mut attempts = Attempts::new(self.backoff);
        let mut failed = false;
        loop {
            let reason = match self.log.publish(topic, records.clone()).await {
                Err(LogError::Unavailable(reason)) => reason,
                done => {
                    self.recovered(failed);
                    return done;
                }
            };
            let delay = attempts.failed();
            failed = true;
            warn!(%topic, records = records.len(), delay_ms = delay.as_millis() as u64, reason, "log unavailable, publishing again later");
            self.check.fail(format!("log unavailable: {reason}"));
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.closed.cancelled() => return Err(LogError::Unavailable(reason)),
            }
        }
    }

    fn recovered(&self, failed: bool) {
        if !failed {
            return;
        }
        info!("log available again");
        if !self.stop.is_cancelled() {
            self.check.ok();
        }
    }
}
