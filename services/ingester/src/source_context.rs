//! The context of a source: its dependencies, its watchdog and the way to the publisher.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::Addr;
use futures::future::LocalBoxFuture;
use moodvane_eventlog::{EventLog, NewRecord};
use moodvane_model::{Account, ErrorChain, EventTimeBounds, Example, SourceId, Timestamp, Topic};
use moodvane_retry::Backoff;
use moodvane_runtime::Clock;
use tokio_util::sync::CancellationToken;

use crate::cursor::PublishedRecords;
use crate::error::SourceError;
use crate::formatter::FormatterPool;
use crate::metrics::IngesterMetrics;
use crate::publisher::{Publish, PublishOutcome, Publisher};
use crate::recovery::CircuitConfig;
use crate::status::{SourceState, SourceStats};

/// The drop reason of a row of a file with an event time before `since`.
const BEFORE_SINCE: &str = "before_since";

/// How a run of a source ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceExit {
    /// The source has no more records, and all of them are acknowledged.
    Finished,
    /// The source was stopped; the records that it read are acknowledged.
    Stopped,
}

/// One run of a source.
pub(crate) type SourceFuture = LocalBoxFuture<'static, Result<SourceExit, SourceError>>;

/// The dependencies that all sources share.
#[derive(Clone)]
pub(crate) struct SharedDeps {
    pub(crate) pool: FormatterPool,
    pub(crate) publisher: Addr<Publisher>,
    /// The number of publish requests without a reply.
    pub(crate) pending_publishes: Arc<AtomicU64>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: IngesterMetrics,
    /// Records that this process has published, which bounds the lag of every cursor.
    pub(crate) published: PublishedRecords,
    /// Cancelled when sources have to stop.
    pub(crate) stop: CancellationToken,
    pub(crate) backoff: Backoff,
    pub(crate) circuit: CircuitConfig,
    /// How long a watchdog deadline may be overdue before the source counts as hung.
    pub(crate) watchdog_grace: Duration,
    /// Which observations are too old or in the future.
    pub(crate) bounds: EventTimeBounds,
    pub(crate) batch_posts: usize,
    pub(crate) batches_in_flight: usize,
}

/// The times of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchTiming {
    /// The uptime at which its messages were read.
    pub(crate) read_at: Duration,
    /// The latest event time of its records.
    pub(crate) last_event: Option<Timestamp>,
}

/// The context of one source.
#[derive(Clone)]
pub(crate) struct SourceContext {
    pub(crate) shared: SharedDeps,
    pub(crate) stats: Arc<SourceStats>,
    /// Whether the source can resend earlier messages.
    pub(crate) replayable: bool,
}

impl SourceContext {
    pub(crate) fn id(&self) -> SourceId {
        self.stats.id()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Arms the watchdog: the source counts as hung unless it arms or disarms the watchdog again
    /// within `timeout` and the grace period.
    pub(crate) fn arm_watchdog(&self, timeout: Duration) {
        let due = self.shared.clock.uptime() + timeout + self.shared.watchdog_grace;
        self.stats.set_due(Some(due));
    }

    /// Disarms the watchdog while the source waits without a time limit, for example for the log.
    pub(crate) fn disarm_watchdog(&self) {
        self.stats.set_due(None);
    }

    /// The result of `work`, or an error if it takes longer than `timeout` on the source's clock.
    pub(crate) async fn with_timeout<T>(
        &self,
        timeout: Duration,
        work: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let elapsed = self.shared.clock.sleep(timeout);
        tokio::select! {
            biased;
            done = work => done,
            () = elapsed => Err(SourceError::Timeout(timeout)),
        }
    }

    /// Reports that the source is connected or opened.
    pub(crate) fn set_running(&self) {
        self.stats.set_state(SourceState::Running);
    }

    /// Reports an error that does not end the run.
    pub(crate) fn report_error(&self, error: &SourceError) {
        self.shared.metrics.failed(self.id(), error.reason());
        self.stats.set_error(error);
        tracing::warn!(source = %self.id(), error = %ErrorChain(error), "source reported an error");
    }

    /// Counts a message that was dropped before it could be formatted.
    pub(crate) fn count_dropped(&self, reason: &'static str) {
        let mut account = Account::default();
        account.leave_out(reason, || Example::new("it cannot be read as a message"));
        self.count(&account);
    }

    /// Counts a message that the source does not want.
    pub(crate) fn count_unselected(&self, reason: &'static str) {
        let mut account = Account::default();
        account.skip_unselected(reason);
        self.count(&account);
    }

    /// Counts what a source read: in metrics, and in the log of drops.
    pub(crate) fn count(&self, account: &Account) {
        let (metrics, source) = (&self.shared.metrics, self.id());
        metrics.seen(source, account.records_read());
        metrics.kept(source, account.records_kept());
        for (reason, n) in account.not_selected() {
            metrics.dropped(source, reason, *n);
        }
        for (reason, left_out) in account.left_out() {
            metrics.dropped(source, reason, left_out.count);
        }
        if account.out_of_range() > 0 {
            metrics.dropped(source, BEFORE_SINCE, account.out_of_range());
        }
        self.stats.log_drops(account, self.shared.clock.uptime());
    }

    /// Publishes records; the future completes once they are durable or dropped, and counts them.
    /// The request is sent before this returns, so batches enter the mailbox in the order of the
    /// calls. `cursor` is the name and value of the cursor that may be saved then.
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
            let pending = PendingPublish::new(&self.shared.pending_publishes);
            (self.shared.publisher.send(publish), pending)
        });
        async move {
            let Some((request, _pending)) = request else {
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
                context.shared.published.add(n);
                // Spooled records are counted when the log acknowledges them.
                context
                    .shared
                    .metrics
                    .published(context.id(), topic, n as u64);
            }
            Ok(outcome)
        }
    }
}

/// A publish request without a reply.
struct PendingPublish(Arc<AtomicU64>);

impl PendingPublish {
    fn new(pending_publishes: &Arc<AtomicU64>) -> Self {
        pending_publishes.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(pending_publishes))
    }
}

impl Drop for PendingPublish {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
