//! The drainer: carries what waits in the spool into the log, oldest first.

use std::collections::BTreeMap;
use std::sync::Arc;

use moodvane_eventlog::{EventLog, LogError, NewRecord};
use moodvane_model::{SourceId, Topic};
use tokio_util::sync::CancellationToken;

use super::{Health, Item, Spool};
use crate::backoff::{Attempts, Backoff};
use crate::metrics::IngesterMetrics;

/// What a drainer needs.
pub(crate) struct Drainer {
    pub(crate) spool: Spool,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) backoff: Backoff,
    pub(crate) health: Health,
    pub(crate) metrics: IngesterMetrics,
    /// Cancelled when nobody waits for the log any more.
    pub(crate) closed: CancellationToken,
}

impl Drainer {
    /// Drains until it is closed. A log that refuses is asked again for ever: an operator can mend
    /// what is wrong there, and nothing can be put in the place of what waits here.
    pub(crate) async fn run(self) {
        let closed = self.closed.clone();
        // Dropped in the middle of a chunk, it has moved no mark: the chunk is sent again.
        closed.run_until_cancelled(self.drain()).await;
    }

    async fn drain(&self) {
        let mut attempts = Attempts::new(self.backoff);
        loop {
            self.spool.filled().await;
            let Err(reason) = self.step().await else {
                attempts.reset();
                self.health.log_is(None);
                continue;
            };
            let delay = attempts.failed();
            tracing::warn!(
                waiting = self.spool.waiting(),
                delay_ms = delay.as_millis() as u64,
                reason,
                "cannot drain the spool, trying again later"
            );
            self.health.log_is(Some(reason));
            tokio::time::sleep(delay).await;
        }
    }

    async fn step(&self) -> Result<(), String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let chunk = self.spool.read().await.map_err(|e| text(&e))?;
        let records: Vec<_> = chunk.items.iter().filter_map(record).collect();
        for run in records.chunk_by(|a, b| a.0 == b.0) {
            self.publish(run).await.map_err(|e| text(&e))?;
        }
        // Of a source's cursors the last one holds, now that the log has all before it.
        let cursors: BTreeMap<_, _> = chunk.items.iter().filter_map(cursor).collect();
        for (name, cursor) in cursors {
            let saved = self.log.save_cursor(name, cursor).await;
            saved.map_err(|e| text(&e))?;
        }
        self.spool.drained(chunk).await.map_err(|e| text(&e))
    }

    /// Publishes records of one topic.
    async fn publish(&self, run: &[(Topic, SourceId, &NewRecord)]) -> Result<(), LogError> {
        let Some((topic, ..)) = run.first() else {
            return Ok(());
        };
        let records = run.iter().map(|(.., record)| (*record).clone());
        self.log.publish(*topic, records.collect()).await?;
        for (topic, source, _) in run {
            self.metrics.published(*source, *topic, 1);
        }
        Ok(())
    }
}

fn record(item: &Item) -> Option<(Topic, SourceId, &NewRecord)> {
    match item {
        Item::Record {
            topic,
            source,
            record,
        } => Some((*topic, *source, record)),
        Item::Cursor { .. } => None,
    }
}

fn cursor(item: &Item) -> Option<(&str, &str)> {
    match item {
        Item::Record { .. } => None,
        Item::Cursor { name, cursor, .. } => Some((name, cursor)),
    }
}
