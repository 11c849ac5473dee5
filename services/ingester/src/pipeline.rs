//! The way of one source's batches: format, publish, acknowledge.
//!
//! Terms: a *mark* says where the source stands once a batch is acknowledged. Guarantee: batches
//! are handed to the publisher, and their marks come back, in the order in which they were taken,
//! though several are in flight; at most `batches_in_flight` are, so that a source that asks for
//! room first cannot outrun the log.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{FutureExt, LocalBoxFuture};
use futures::stream::FuturesOrdered;
use moodvane_model::Topic;
use moodvane_upstream::RawMessage;

use crate::error::SourceError;
use crate::formatter::{Format, Formatted, RecordFormat};
use crate::source_context::{BatchTiming, SourceContext};

type Stage<T> = FuturesOrdered<LocalBoxFuture<'static, Result<T, SourceError>>>;

/// A batch whose records are durable.
pub(crate) struct Acknowledged<M> {
    pub(crate) position: M,
    /// How many records it came to.
    pub(crate) records: usize,
}

/// A batch that was taken.
struct InFlight<M> {
    position: M,
    /// The uptime at which it was.
    at: Duration,
}

/// Batches in flight, each with its mark.
pub(crate) struct Pipeline<M> {
    context: SourceContext,
    topic: Topic,
    by: Arc<dyn RecordFormat>,
    formatting: Stage<(Formatted, InFlight<M>)>,
    publishing: Stage<Acknowledged<M>>,
}

impl<M: 'static> Pipeline<M> {
    pub(crate) fn new(context: SourceContext, topic: Topic, by: Arc<dyn RecordFormat>) -> Self {
        Self {
            context,
            topic,
            by,
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

    /// Whether another batch may be taken.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight() < self.context.shared.batches_in_flight
    }

    /// Takes a batch.
    pub(crate) fn submit(&mut self, raws: Vec<RawMessage>, position: M) {
        let chunk = Format {
            raws,
            received_at: self.context.now(),
            by: Arc::clone(&self.by),
        };
        let pool = self.context.shared.pool.clone();
        let begun = InFlight {
            position,
            at: self.context.shared.clock.uptime(),
        };
        let formatted = async move {
            let done = pool.format(chunk).await;
            Ok((done.map_err(|_| SourceError::Gone("formatter"))?, begun))
        };
        self.formatting.push_back(formatted.boxed_local());
        self.context.stats.set_in_flight(self.in_flight());
    }

    fn publish(&mut self, done: Formatted, begun: InFlight<M>) {
        self.context.count_formatted(&done);
        let timing = BatchTiming {
            read_at: begun.at,
            last_event: done.last_event,
        };
        let count = done.records.len();
        let durable = self.context.publish(self.topic, done.records, timing, None);
        let acknowledged = Acknowledged {
            position: begun.position,
            records: count,
        };
        let marked = async move { durable.await.map(|_| acknowledged) };
        self.publishing.push_back(marked.boxed_local());
    }

    /// The next batch that is acknowledged; waits for ever while none is in flight. Loses nothing
    /// where it is dropped before it is ready.
    pub(crate) async fn next(&mut self) -> Result<Acknowledged<M>, SourceError> {
        let next = self.advance().await;
        if next.is_err() {
            self.abort();
        }
        self.context.stats.set_in_flight(self.in_flight());
        next
    }

    async fn advance(&mut self) -> Result<Acknowledged<M>, SourceError> {
        loop {
            tokio::select! {
                biased;
                Some(acknowledged) = self.publishing.next(), if !self.publishing.is_empty() => {
                    return acknowledged;
                }
                Some(formatted) = self.formatting.next(), if !self.formatting.is_empty() => {
                    let (done, begun) = formatted?;
                    self.publish(done, begun);
                }
                else => std::future::pending().await,
            }
        }
    }

    /// The next batch in flight that is acknowledged, or `None` once none is left.
    pub(crate) async fn next_pending(&mut self) -> Result<Option<Acknowledged<M>>, SourceError> {
        match self.in_flight() {
            0 => Ok(None),
            _ => self.next().await.map(Some),
        }
    }

    /// After a batch that failed no later one may be acknowledged: the cursor would pass it.
    fn abort(&mut self) {
        self.formatting.clear();
        self.publishing.clear();
    }
}
