//! The pipeline of one source's batches: format, publish, acknowledge.
//!
//! Terms: a *position* is where the source resumes once a batch is acknowledged. Guarantee: batches
//! reach the publisher, and their positions come back, in the order of submission, though several
//! are in flight. A source that checks for room before it submits never has more than
//! `batches_in_flight` batches in flight, so it cannot outrun the log.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{FutureExt, LocalBoxFuture};
use futures::stream::FuturesOrdered;
use moodvane_model::{Account, Topic};

use crate::error::SourceError;
use crate::formatter::{Format, Formatted, RawBatch, RecordFormat};
use crate::source_context::{BatchTiming, SourceContext};

type Stage<T> = FuturesOrdered<LocalBoxFuture<'static, Result<T, SourceError>>>;

/// A batch whose records are durable.
pub(crate) struct Acknowledged<P> {
    pub(crate) position: P,
    /// The number of its records.
    pub(crate) records: usize,
    account: Account,
}

/// A submitted batch.
struct InFlight<P> {
    position: P,
    /// The uptime of its submission.
    read_at: Duration,
}

/// Batches in flight, each with its position.
pub(crate) struct Pipeline<P> {
    context: SourceContext,
    topic: Topic,
    format: Arc<dyn RecordFormat>,
    formatting: Stage<(Formatted, InFlight<P>)>,
    publishing: Stage<Acknowledged<P>>,
}

impl<P: 'static> Pipeline<P> {
    pub(crate) fn new(context: SourceContext, topic: Topic, format: Arc<dyn RecordFormat>) -> Self {
        Self {
            context,
            topic,
            format,
            formatting: Stage::new(),
            publishing: Stage::new(),
        }
    }

    pub(crate) fn context(&self) -> &SourceContext {
        &self.context
    }

    fn in_flight(&self) -> usize {
        self.formatting.len() + self.publishing.len()
    }

    /// Whether another batch may be submitted.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight() < self.context.shared.batches_in_flight
    }

    /// Submits a batch.
    pub(crate) fn submit(&mut self, batch: impl Into<RawBatch>, position: P) {
        let chunk = Format {
            batch: batch.into(),
            received_at: self.context.now(),
            format: Arc::clone(&self.format),
        };
        let pool = self.context.shared.pool.clone();
        let batch = InFlight {
            position,
            read_at: self.context.shared.clock.uptime(),
        };
        let formatted = async move {
            let formatted = pool.format(chunk).await;
            Ok((
                formatted.map_err(|_| SourceError::Gone("formatter"))?,
                batch,
            ))
        };
        self.formatting.push_back(formatted.boxed_local());
        self.context.stats.set_in_flight(self.in_flight());
    }

    fn publish(&mut self, formatted: Formatted, batch: InFlight<P>) {
        self.context.count(&formatted.account);
        let timing = BatchTiming {
            read_at: batch.read_at,
            last_event: formatted.last_event,
        };
        let acknowledged = Acknowledged {
            position: batch.position,
            records: formatted.records.len(),
            account: formatted.account,
        };
        let durable = self
            .context
            .publish(self.topic, formatted.records, timing, None);
        let published = async move { durable.await.map(|_| acknowledged) };
        self.publishing.push_back(published.boxed_local());
    }

    /// Waits for the next acknowledged batch; pends forever while none is in flight. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Acknowledged<P>, SourceError> {
        let next = self.advance().await;
        match &next {
            // Not earlier: a batch that fails is read again.
            Ok(batch) => self.context.stats.add_account(batch.account.clone()),
            Err(_) => self.abort(),
        }
        self.context.stats.set_in_flight(self.in_flight());
        next
    }

    async fn advance(&mut self) -> Result<Acknowledged<P>, SourceError> {
        loop {
            tokio::select! {
                biased;
                Some(acknowledged) = self.publishing.next(), if !self.publishing.is_empty() => {
                    return acknowledged;
                }
                Some(formatted) = self.formatting.next(), if !self.formatting.is_empty() => {
                    let (formatted, batch) = formatted?;
                    self.publish(formatted, batch);
                }
                else => std::future::pending().await,
            }
        }
    }

    /// Waits for the next acknowledged batch; `None` once none is in flight.
    pub(crate) async fn next_pending(&mut self) -> Result<Option<Acknowledged<P>>, SourceError> {
        match self.in_flight() {
            0 => Ok(None),
            _ => self.next().await.map(Some),
        }
    }

    /// Drops all batches after one that failed: acknowledging a later batch would move the cursor
    /// past the failed one.
    fn abort(&mut self) {
        self.formatting.clear();
        self.publishing.clear();
    }
}
