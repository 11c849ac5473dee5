//! Publishes the spool's entries to the log, oldest first.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use moodvane_eventlog::{EventLog, LogError, NewRecord};
use moodvane_model::{ErrorChain, SourceId, Topic};
use moodvane_retry::{Attempts, Backoff};
use moodvane_spool::{ReadLimits, Spool};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::{SpoolEntry, SpoolHealth};
use crate::cursor::PublishedRecords;
use crate::metrics::IngesterMetrics;

/// A crash between the log's acknowledgement and the commit repeats one chunk: it must fit into the
/// readers' duplicate window.
pub(crate) const DRAIN_CHUNK: ReadLimits = ReadLimits {
    entries: 2_000,
    bytes: 4 << 20,
};

/// Publishes and commits chunk after chunk.
pub(crate) struct Drainer {
    pub(crate) spool: Spool,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) backoff: Backoff,
    pub(crate) health: SpoolHealth,
    pub(crate) metrics: IngesterMetrics,
    pub(crate) published: PublishedRecords,
    /// Cancelled when the ingester no longer waits for the log.
    pub(crate) closed: CancellationToken,
}

#[derive(Debug, Error)]
enum DrainError {
    #[error("cannot read or commit spool")]
    Spool(#[from] io::Error),
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Drainer {
    /// Drains until `closed` is cancelled. It retries every error for ever, also a permanent one of
    /// the log: an operator can repair the log, and nothing can replace the spooled records.
    pub(crate) async fn run(self) {
        let closed = self.closed.clone();
        // Dropping it within a chunk commits nothing: the chunk is published again.
        closed.run_until_cancelled(self.drain()).await;
    }

    async fn drain(&self) {
        let mut attempts = Attempts::new(self.backoff);
        loop {
            self.spool.wait_until_pending().await;
            let Err(error) = self.drain_chunk().await else {
                attempts.reset();
                self.health.set_log_error(None);
                continue;
            };
            let delay = attempts.failed();
            let reason = ErrorChain(&error).to_string();
            tracing::warn!(
                pending = self.spool.pending(),
                delay_ms = delay.as_millis() as u64,
                error = reason,
                "cannot drain spool, retrying"
            );
            self.health.set_log_error(Some(reason));
            tokio::time::sleep(delay).await;
        }
    }

    async fn drain_chunk(&self) -> Result<(), DrainError> {
        let chunk = self.spool.read(DRAIN_CHUNK).await?;
        let entries = chunk.entries.iter();
        let entries: Vec<_> = entries
            .filter_map(|bytes| SpoolEntry::decode(bytes))
            .collect();
        let records: Vec<_> = entries
            .iter()
            .filter_map(|entry| entry.to_record())
            .collect();
        for run in records.chunk_by(|(_, a, _), (_, b, _)| a == b) {
            self.publish(run).await?;
        }
        // The log has all records: the last value of each cursor holds.
        let cursors: BTreeMap<_, _> = entries.iter().filter_map(cursor).collect();
        for (name, value) in cursors {
            self.log.save_cursor(name, value).await?;
        }
        Ok(self.spool.commit(chunk).await?)
    }

    /// Publishes records of one topic.
    async fn publish(&self, run: &[(SourceId, Topic, NewRecord)]) -> Result<(), LogError> {
        let Some((_, topic, _)) = run.first() else {
            return Ok(());
        };
        let records = run.iter().map(|(.., record)| record.clone());
        self.log.publish(*topic, records.collect()).await?;
        self.published.add(run.len());
        for (source, topic, _) in run {
            self.metrics.published(*source, *topic, 1);
        }
        Ok(())
    }
}

fn cursor<'a>(entry: &SpoolEntry<'a>) -> Option<(&'a str, &'a str)> {
    match entry {
        SpoolEntry::Record { .. } => None,
        SpoolEntry::Cursor { name, value, .. } => Some((name, value)),
    }
}
