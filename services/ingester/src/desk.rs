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
use crate::publisher::{Publish, Publisher, Taken};
use crate::recovery::CircuitConfig;
use crate::status::{SourceCell, SourceState};

/// How one life of a source ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// There is nothing more, and all of it is acknowledged.
    Finished,
    /// It was told to stop taking; what it took is acknowledged.
    Stopped,
}

/// One life of a source: runs until it ends, fails, or is dropped.
pub(crate) type Life = LocalBoxFuture<'static, Result<End, SourceError>>;

/// What all sources share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) pool: FormatterPool,
    pub(crate) publisher: Addr<Publisher>,
    /// Publishes that are not answered yet.
    pub(crate) publishing: Arc<AtomicU64>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: IngesterMetrics,
    /// Cancelled when sources are to stop taking.
    pub(crate) stop: CancellationToken,
    pub(crate) backoff: Backoff,
    pub(crate) circuit: CircuitConfig,
    /// How much later than announced a source's sign of life may come.
    pub(crate) deadline: Duration,
    pub(crate) batch_posts: usize,
    pub(crate) batches_in_flight: usize,
}

/// When records came, by two clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    /// The uptime at which their messages were read.
    pub(crate) at: Duration,
    /// The latest own time among them.
    pub(crate) last_event: Option<Timestamp>,
}

/// What one source works with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) shared: Shared,
    pub(crate) cell: Arc<SourceCell>,
    /// Whether the source can be asked again for what it said.
    pub(crate) resumes: bool,
}

impl Desk {
    pub(crate) fn id(&self) -> SourceId {
        self.cell.id()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// The next sign of life comes within `span`, or the source hangs.
    pub(crate) fn expects(&self, span: Duration) {
        let due = self.shared.clock.uptime() + span + self.shared.deadline;
        self.cell.set_due(Some(due));
    }

    /// The next sign of life may take any time: the log is away, or somebody else is.
    pub(crate) fn waits(&self) {
        self.cell.set_due(None);
    }

    /// What `work` comes to, where that takes no longer than `span`.
    pub(crate) async fn within<T>(
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
    pub(crate) fn running(&self) {
        self.cell.set_state(SourceState::Running);
    }

    /// Notes a failure that the source itself lives through.
    pub(crate) fn note(&self, error: &SourceError) {
        self.shared.metrics.failed(self.id(), error.reason());
        self.cell.set_error(error);
        tracing::warn!(source = %self.id(), %error, "source met an error");
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
        came: Came,
        cursor: Option<(String, String)>,
    ) -> impl Future<Output = Result<Taken, SourceError>> + 'static {
        let (n, desk) = (records.len(), self.clone());
        let publish = Publish {
            source: self.id(),
            topic,
            records,
            fleeting: !self.resumes,
            cursor,
        };
        let request = (n > 0).then(|| {
            let waiting = Waiting::begin(&self.shared.publishing);
            (self.shared.publisher.send(publish), waiting)
        });
        async move {
            let Some((request, _waiting)) = request else {
                return Ok(Taken::Logged);
            };
            let taken = request
                .await
                .map_err(|_| SourceError::Gone("publisher"))??;
            if taken != Taken::Dropped {
                desk.cell.count_records(n, came.last_event, desk.now());
                let took = desk.shared.clock.uptime().saturating_sub(came.at);
                desk.shared.metrics.acknowledged(desk.id(), n, took);
            }
            if taken == Taken::Logged {
                // What is in the spool is counted when the log has it.
                desk.shared.metrics.published(desk.id(), topic, n as u64);
            }
            Ok(taken)
        }
    }
}

/// A publish that is not answered yet.
struct Waiting(Arc<AtomicU64>);

impl Waiting {
    fn begin(publishing: &Arc<AtomicU64>) -> Self {
        publishing.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(publishing))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
