//! What a source is given to work with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::Addr;
use futures::future::LocalBoxFuture;
use moodvane_eventlog::{EventLog, NewRecord};
use moodvane_model::{SourceId, Timestamp, Topic};
use moodvane_runtime::Clock;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::error::SourceError;
use crate::formatter::{Formatted, FormatterPool};
use crate::metrics::IngesterMetrics;
use crate::publisher::{Publish, PublishOutcome, Publisher};
use crate::recovery::CircuitConfig;
use crate::status::{SourceState, SourceStats};

/// How one life of a source ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceExit {
    /// There is nothing more, and all of it is acknowledged.
    Finished,
    /// It was told to stop taking; what it took is acknowledged.
    Stopped,
}

/// One life of a source: runs until it ends, fails, or is dropped.
pub(crate) type SourceFuture = LocalBoxFuture<'static, Result<SourceExit, SourceError>>;

/// What all sources share.
#[derive(Clone)]
pub(crate) struct SharedDeps {
    pub(crate) pool: FormatterPool,
    pub(crate) publisher: Addr<Publisher>,
    /// Publishes that are not answered yet.
    pub(crate) pending_publishes: Arc<AtomicU64>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: IngesterMetrics,
    /// Cancelled when sources are to stop taking.
    pub(crate) stop: CancellationToken,
    pub(crate) backoff: Backoff,
    pub(crate) circuit: CircuitConfig,
    /// How much later than announced a source's sign of life may come.
    pub(crate) watchdog_grace: Duration,
    pub(crate) batch_posts: usize,
    pub(crate) batches_in_flight: usize,
}

/// When records came, by two clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchTiming {
    /// The uptime at which their messages were read.
    pub(crate) read_at: Duration,
    /// The latest own time among them.
    pub(crate) last_event: Option<Timestamp>,
}

/// What one source works with.
#[derive(Clone)]
pub(crate) struct SourceContext {
    pub(crate) shared: SharedDeps,
    pub(crate) stats: Arc<SourceStats>,
    /// Whether the source can be asked again for what it said.
    pub(crate) replayable: bool,
}

impl SourceContext {
    pub(crate) fn id(&self) -> SourceId {
        self.stats.id()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// The next sign of life comes within `span`, or the source hangs.
    pub(crate) fn arm_watchdog(&self, span: Duration) {
        let due = self.shared.clock.uptime() + span + self.shared.watchdog_grace;
        self.stats.set_due(Some(due));
    }

    /// The next sign of life may take any time: the log is away, or somebody else is.
    pub(crate) fn disarm_watchdog(&self) {
        self.stats.set_due(None);
    }

    /// What `work` comes to, where that takes no longer than `span`.
    pub(crate) async fn with_timeout<T>(
        &self,
        span: Duration,
        work: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let late = self.shared.clock.sleep(span);
        tokio::select! {
            biased;
            done = work => done,
            () = late => {
                let ms = span.as_millis();
                Err(SourceError::Request(format!("no answer within {ms} ms")))
            }
        }
    }

    /// The source is connected or opened.
    pub(crate) fn set_running(&self) {
        self.stats.set_state(SourceState::Running);
    }

    /// Notes a failure that the source itself lives through.
    pub(crate) fn report_error(&self, error: &SourceError) {
        self.shared.metrics.failed(self.id(), error.reason());
        self.stats.set_error(error);
        tracing::warn!(source = %self.id(), error = format!("{error:#}"), "source met an error");
    }

    /// Counts a message that was dropped before it could be formatted.
    pub(crate) fn count_dropped(&self, reason: &'static str) {
        self.shared.metrics.seen(self.id(), 1);
        self.shared.metrics.dropped(self.id(), reason, 1);
    }

    pub(crate) fn count_formatted(&self, done: &Formatted) {
        let metrics = &self.shared.metrics;
        metrics.seen(self.id(), done.seen);
        metrics.kept(self.id(), done.kept());
        for (reason, n) in &done.dropped {
            metrics.dropped(self.id(), reason, *n);
        }
    }

    /// Publishes; returns once the records are durable, or dropped, and counts them. The request is
    /// under way when this returns, so that batches enter the mailbox in the order of the calls.
    /// `cursor` is name and value of what may be saved then.
    pub(crate) fn publish(
        &self,
        topic: Topic,
        records: Vec<NewRecord>,
        timing: BatchTiming,
        cursor: Option<(String, String)>,
    ) -> impl Future<Output = Result<PublishOutcome, SourceError>> + 'static {
        let (n, context) = (records.len(), self.clone());
        let publish = Publish {
            source: self.id(),
            topic,
            records,
            non_replayable: !self.replayable,
            cursor,
        };
        let request = (n > 0).then(|| {
            let waiting = Waiting::begin(&self.shared.pending_publishes);
            (self.shared.publisher.send(publish), waiting)
        });
        async move {
            let Some((request, _waiting)) = request else {
                return Ok(PublishOutcome::Logged);
            };
            let outcome = request
                .await
                .map_err(|_| SourceError::Gone("publisher"))??;
            if outcome != PublishOutcome::Dropped {
                context
                    .stats
                    .count_records(n, timing.last_event, context.now());
                let took = context.shared.clock.uptime().saturating_sub(timing.read_at);
                context.shared.metrics.acknowledged(context.id(), n, took);
            }
            if outcome == PublishOutcome::Logged {
                // What is in the spool is counted when the log has it.
                context
                    .shared
                    .metrics
                    .published(context.id(), topic, n as u64);
            }
            Ok(outcome)
        }
    }
}

/// A publish that is not answered yet.
struct Waiting(Arc<AtomicU64>);

impl Waiting {
    fn begin(pending_publishes: &Arc<AtomicU64>) -> Self {
        pending_publishes.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(pending_publishes))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
