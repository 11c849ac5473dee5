//! Saves the cursor of a source to the log.
//!
//! Terms: a cursor's *lag* is the number of records that the process published since the position
//! that the saved cursor describes. After a crash they lie between a record behind the cursor and
//! its repeat. Guarantee: a cursor is saved only after the acknowledgement of everything before it.
//! It is saved as soon as its lag reaches [`MAX_UNSAVED`], whichever source published the records;
//! while saving fails, [`CursorSaver::is_behind`] keeps the source from reading further. So the
//! repeats lie within the readers' duplicate window (see [`moodvane_model::ResendBudget`]).

use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::{EventLog, LogError};
use tokio::sync::watch;
use tokio::time::Instant;

/// Longest time that an acknowledged cursor stays unsaved.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// The lag at which a cursor is saved early, in records.
pub(crate) const MAX_UNSAVED: u64 = 16_384;

/// The number of records that this process has published.
#[derive(Debug, Clone, Default)]
pub(crate) struct PublishedRecords(Arc<watch::Sender<u64>>);

impl PublishedRecords {
    /// Counts records that the log has acknowledged.
    pub(crate) fn add(&self, records: usize) {
        self.0.send_modify(|total| *total += records as u64);
    }

    fn total(&self) -> u64 {
        *self.0.borrow()
    }

    /// Waits until the total reaches `total`.
    async fn reach(&self, total: u64) {
        let mut counter = self.0.subscribe();
        // Fails only without the sender, which `self` holds.
        let _ = counter.wait_for(|now| *now >= total).await;
    }
}

/// A cursor that is not saved yet.
struct Unsaved {
    cursor: String,
    /// The total of published records up to which the saved cursor is current.
    since: u64,
}

/// Saves the latest cursor at intervals.
pub(crate) struct CursorSaver {
    log: Arc<dyn EventLog>,
    name: String,
    published: PublishedRecords,
    unsaved: Option<Unsaved>,
    /// Whether the last save failed.
    failed: bool,
    next: Instant,
}

impl CursorSaver {
    pub(crate) fn new(log: Arc<dyn EventLog>, name: String, published: PublishedRecords) -> Self {
        Self {
            log,
            name,
            published,
            unsaved: None,
            failed: false,
            next: Instant::now() + SAVE_INTERVAL,
        }
    }

    /// Moves the cursor after the acknowledgement of `records` more records.
    pub(crate) fn advance(&mut self, cursor: String, records: usize) {
        let total = self.published.total();
        let unsaved = self.unsaved.as_ref().map(|unsaved| unsaved.since);
        let since = unsaved.unwrap_or_else(|| total.saturating_sub(records as u64));
        self.unsaved = Some(Unsaved { cursor, since });
    }

    /// Whether the saved cursor lags so far behind that the source must not read on.
    pub(crate) fn is_behind(&self) -> bool {
        let unsaved = self.unsaved.as_ref();
        unsaved.is_some_and(|unsaved| self.published.total() >= unsaved.since + MAX_UNSAVED)
    }

    /// Waits until the cursor should be saved; for ever if there is nothing to save.
    pub(crate) async fn due(&self) {
        let Some(unsaved) = &self.unsaved else {
            return std::future::pending().await;
        };
        let interval = tokio::time::sleep_until(self.next);
        if self.failed {
            return interval.await;
        }
        tokio::select! {
            () = self.published.reach(unsaved.since + MAX_UNSAVED) => {}
            () = interval => {}
        }
    }

    /// Saves the cursor. After a failure the cursor stays unsaved and is due again one interval
    /// later.
    pub(crate) async fn save(&mut self) -> Result<(), LogError> {
        let Some(unsaved) = &self.unsaved else {
            return Ok(());
        };
        self.next = Instant::now() + SAVE_INTERVAL;
        let saved = self.log.save_cursor(&self.name, &unsaved.cursor).await;
        self.failed = saved.is_err();
        if saved.is_ok() {
            self.unsaved = None;
        }
        saved
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use moodvane_eventlog::LogError;

    use super::*;
    use crate::testing::FakeLog;

    fn saver(log: &Arc<FakeLog>, published: &PublishedRecords) -> CursorSaver {
        CursorSaver::new(Arc::clone(log) as _, "source".to_owned(), published.clone())
    }

    #[tokio::test(start_paused = true)]
    async fn cursor_is_due_after_interval_or_at_maximum_lag() {
        let (log, published) = (FakeLog::new(), PublishedRecords::default());
        let mut saver = saver(&log, &published);
        assert!(saver.due().now_or_never().is_none(), "nothing to save");
        published.add(10);
        saver.advance("a".to_owned(), 10);
        assert!(
            saver.due().now_or_never().is_none(),
            "the interval is not over"
        );
        saver.due().await;
        saver.save().await.unwrap();
        assert_eq!(log.cursor_of("source").as_deref(), Some("a"));

        published.add(1);
        saver.advance("b".to_owned(), 1);
        // Another source publishes.
        published.add(MAX_UNSAVED as usize - 2);
        assert!(!saver.is_behind() && saver.due().now_or_never().is_none());
        published.add(1);
        assert!(saver.is_behind());
        saver
            .due()
            .now_or_never()
            .expect("the lag is at its maximum");
    }

    #[tokio::test(start_paused = true)]
    async fn source_stays_behind_until_cursor_is_saved() {
        let (log, published) = (FakeLog::new(), PublishedRecords::default());
        let mut saver = saver(&log, &published);
        published.add(MAX_UNSAVED as usize);
        saver.advance("a".to_owned(), MAX_UNSAVED as usize);
        log.set_unavailable(true);
        assert!(matches!(saver.save().await, Err(LogError::Unavailable(_))));
        assert!(saver.is_behind());
        assert!(
            saver.due().now_or_never().is_none(),
            "the retry waits for the interval"
        );
        log.set_unavailable(false);
        saver.due().await;
        saver.save().await.unwrap();
        assert!(!saver.is_behind());
    }
}
