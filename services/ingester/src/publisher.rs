//! The publisher: the one actor that owns the way into the log.
//!
//! Guarantee: a [`Publish`] is answered when its records are durable, or refused for good. At most
//! so many publishes are in flight; while all places are taken the mailbox is not read, so that
//! senders wait, and so do the sockets behind them.

use std::sync::Arc;

use actix::prelude::*;
use moodvane_eventlog::{EventLog, LogError, NewRecord};
use moodvane_model::Topic;
use moodvane_runtime::Check;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::backoff::{Attempts, Backoff};

/// Records for one topic, in order.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), LogError>")]
pub(crate) struct Publish {
    pub(crate) topic: Topic,
    pub(crate) records: Vec<NewRecord>,
}

/// What a publisher needs.
pub(crate) struct PublisherParts {
    pub(crate) log: Arc<dyn EventLog>,
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
    slots: Arc<Semaphore>,
    mailbox: usize,
}

impl Publisher {
    pub(crate) fn new(parts: PublisherParts) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(parts.slots.max(1))),
            mailbox: parts.mailbox.max(1),
            writer: Arc::new(Writer {
                log: parts.log,
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
    type Result = ResponseFuture<Result<(), LogError>>;

    fn handle(&mut self, publish: Publish, ctx: &mut Self::Context) -> Self::Result {
        // There is a place: while there is none the context waits and hands over no message.
        let place = Arc::clone(&self.slots).try_acquire_owned();
        if self.slots.available_permits() == 0 {
            let slots = Arc::clone(&self.slots);
            let freed = async move { drop(slots.acquire().await) };
            ctx.wait(freed.into_actor(self));
        }
        let writer = Arc::clone(&self.writer);
        Box::pin(async move {
            let _place = place;
            writer.write(publish).await
        })
    }
}

struct Writer {
    log: Arc<dyn EventLog>,
    backoff: Backoff,
    check: Check,
    stop: CancellationToken,
    closed: CancellationToken,
}

impl Writer {
    async fn write(&self, Publish { topic, records }: Publish) -> Result<(), LogError> {
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
