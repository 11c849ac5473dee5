//! Where a source stands, saved in the log.
//!
//! Guarantee: only what was noted is saved, and it is noted only after its acknowledgement. A
//! cursor lags behind the log by a bounded number of records, so that what a crash makes a source
//! send again lies within the readers' duplicate window.

use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::{EventLog, LogError};
use tokio::time::Instant;

/// The longest a noted cursor stays unsaved.
const EVERY: Duration = Duration::from_secs(1);
/// The most records that may be noted and unsaved: with those in flight well below the readers'
/// window of 65,536.
pub(crate) const EVERY_RECORDS: usize = 16_384;

/// Saves a cursor now and then.
pub(crate) struct CursorKeeper {
    log: Arc<dyn EventLog>,
    name: String,
    unsaved: Option<String>,
    records: usize,
    next: Instant,
}

impl CursorKeeper {
    pub(crate) fn new(log: Arc<dyn EventLog>, name: String) -> Self {
        Self {
            log,
            name,
            unsaved: None,
            records: 0,
            next: Instant::now() + EVERY,
        }
    }

    /// All up to `cursor` is acknowledged: `records` more than when it was last noted.
    pub(crate) fn note(&mut self, cursor: String, records: usize) {
        self.unsaved = Some(cursor);
        self.records += records;
    }

    /// Waits until there is something to save and it is time; for ever where there is nothing.
    pub(crate) async fn due(&self) {
        match self.unsaved {
            Some(_) if self.records >= EVERY_RECORDS => {}
            Some(_) => tokio::time::sleep_until(self.next).await,
            None => std::future::pending().await,
        }
    }

    /// Saves what was noted. What could not be saved stays noted, and is tried again later.
    pub(crate) async fn save(&mut self) -> Result<(), LogError> {
        let Some(cursor) = &self.unsaved else {
            return Ok(());
        };
        self.next = Instant::now() + EVERY;
        self.records = 0;
        self.log.save_cursor(&self.name, cursor).await?;
        self.unsaved = None;
        Ok(())
    }
}
