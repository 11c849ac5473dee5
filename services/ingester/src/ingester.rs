//! The handle of a running ingester: its status, the end of its finite sources, and its drain.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Addr, WeakAddr};
use moodvane_runtime::Check;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::actors::{ActorStatus, ActorTree, MailboxStatus};
use crate::dispatcher::{Drain, DrainReport, FiniteSources, Supervisor};
use crate::error::IngestError;
use crate::formatter::WeakPool;
use crate::publisher::Publisher;
use crate::spool::Spool;
use crate::status::{SourceAccount, SourceStats, SourceStatus};

/// A running ingester. Clones refer to the same one; dropping them does not stop it.
#[derive(Clone)]
pub struct Ingester {
    pub(crate) supervisor: Addr<Supervisor>,
    pub(crate) sources: Arc<[Arc<SourceStats>]>,
    pub(crate) publisher: WeakAddr<Publisher>,
    pub(crate) pending_publishes: Arc<AtomicU64>,
    /// The number of pending publishes at which senders have to wait.
    pub(crate) publisher_mailbox: usize,
    pub(crate) batches_in_flight: usize,
    pub(crate) pool: WeakPool,
    pub(crate) finite: watch::Receiver<FiniteSources>,
    pub(crate) check: Check,
    pub(crate) spool: Option<Spool>,
    pub(crate) stop: CancellationToken,
    pub(crate) closed: CancellationToken,
}

impl Ingester {
    /// The status of every source. Cheap, and callable from any thread.
    #[must_use]
    pub fn status(&self) -> Vec<SourceStatus> {
        self.sources.iter().map(|stats| stats.snapshot()).collect()
    }

    /// What each source has read and acknowledged. Cheap, and callable from any thread.
    #[must_use]
    pub fn accounts(&self) -> Vec<SourceAccount> {
        self.sources.iter().map(|stats| stats.account()).collect()
    }

    /// The supervision tree. Cheap, and callable from any thread.
    #[must_use]
    pub fn actor_tree(&self) -> ActorTree {
        let mailbox = MailboxStatus {
            waiting: self.pending_publishes.load(Ordering::Relaxed),
            capacity: self.publisher_mailbox as u64,
        };
        let source = |status| ActorStatus::source(status, self.batches_in_flight);
        let mut actors = vec![ActorStatus::supervisor(self.supervisor.connected())];
        actors.extend(self.status().into_iter().map(source));
        actors.push(ActorStatus::formatters(self.pool.status()));
        let publisher = self.publisher.upgrade();
        let publisher_runs = publisher.is_some_and(|address| address.connected());
        actors.push(ActorStatus::publisher(publisher_runs, mailbox));
        ActorTree { actors }
    }

    /// Waits until all finite sources have finished and all their records are acknowledged; returns
    /// at once without finite sources.
    ///
    /// # Errors
    /// [`IngestError`] if a finite source fails permanently or the ingester is drained first.
    pub async fn finished(&self) -> Result<(), IngestError> {
        let mut finite = self.finite.clone();
        let ended = finite.wait_for(|finite| finite.unfinished == 0).await;
        match ended.map(|finite| finite.error.clone()) {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(error),
            Err(_) => Err(IngestError::Stopped),
        }
    }

    /// Stops the sources, waits for the records in flight, saves the cursors and ends the actors.
    /// Sources that do not stop within `grace` are abandoned and named in the report.
    pub async fn drain(&self, grace: Duration) -> DrainReport {
        self.stop.cancel();
        self.check.fail("draining");
        let deadline = Instant::now() + grace;
        let drained = self.supervisor.send(Drain(grace)).await;
        // The supervisor is gone after an earlier drain.
        let mut report = drained.unwrap_or_else(|_| DrainReport {
            abandoned: Vec::new(),
            spooled: 0,
        });
        if let Some(spool) = &self.spool {
            // Records that stay in the spool are durable; the next start publishes them.
            let _ = tokio::time::timeout_at(deadline, spool.wait_until_empty()).await;
            report.spooled = spool.pending();
        }
        self.closed.cancel();
        info!(
            abandoned = report.abandoned.len(),
            spooled = report.spooled,
            "ingester drained"
        );
        report
    }
}
