//! Saves the cursor of a source to the log.
//!
//! Guarantee: a cursor is saved only after the acknowledgement of everything before it. It lags
//! behind the log by a bounded number of records, so that the records that a source reads again
//! after a crash lie within the readers' duplicate window.

use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::{EventLog, LogError};
use tokio::time::Instant;

/// Longest time that an acknowledged cursor stays unsaved.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// Number of acknowledged records after which the cursor is saved early. With the records in flight
/// it must stay well below the readers' window of 65,536.
const SAVE_RECORDS: usize = 16_384;

/// Saves the latest cursor at intervals.
pub(crate) struct CursorSaver {
    log: Arc<dyn EventLog>,
    name: String,
    unsaved: Option<String>,
    records: usize,
    next: Instant,
}

impl CursorSaver {
    pub(crate) fn new(log: Arc<dyn EventLog>, name: String) -> Self {
        Self {
            log,
            name,
            unsaved: None,
            records: 0,
            next: Instant::now() + SAVE_INTERVAL,
        }
    }

    /// Moves the cursor after the acknowledgement of `records` more records.
    pub(crate) fn advance(&mut self, cursor: String, records: usize) {
        self.unsaved = Some(cursor);
        self.records += records;
    }

    /// Waits until the cursor should be saved; for ever if there is nothing to save.
    pub(crate) async fn due(&self) {
        match self.unsaved {
            Some(_) if self.records >= SAVE_RECORDS => {}
            Some(_) => tokio::time::sleep_until(self.next).await,
            None => std::future::pending().await,
        }
    }

    /// Saves the cursor. After a failure the cursor stays unsaved and is due again one interval
    /// later.
    pub(crate) async fn save(&mut self) -> Result<(), LogError> {
        let Some(cursor) = &self.unsaved else {
            return Ok(());
        };
        self.next = Instant::now() + SAVE_INTERVAL;
        self.records = 0;
        self.log.save_cursor(&self.name, cursor).await?;
        self.unsaved = None;
        Ok(())
    }
}
