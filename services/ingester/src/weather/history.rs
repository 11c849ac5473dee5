//! Fills the gap between a city's cursor and now from the provider's history.

use moodvane_model::{OutOfBounds, Timestamp};
use tracing::{info, warn};

use super::city::CityPoller;
use super::provider::Response;
use super::{DAY_MS, HOUR_MS, POLL_TIMEOUT};
use crate::error::SourceError;

/// After so many failures the live weather starts without the history.
const MAX_ATTEMPTS: usize = 5;

impl CityPoller<'_> {
    /// Publishes the history since the cursor. The history has one value an hour: a shorter gap
    /// contains none.
    pub(super) async fn backfill(&mut self) -> Result<(), SourceError> {
        let now = self.context.now();
        let gap_ms = self.last.map(|last| now.millis() - last.millis());
        if self.config.history_days == 0 || gap_ms.is_some_and(|gap| gap < HOUR_MS) {
            return Ok(());
        }
        let gap_days = gap_ms.map_or(i64::MAX, |gap| gap / DAY_MS + 1);
        let days = u8::try_from(gap_days).map_or(self.config.history_days, |gap| {
            gap.min(self.config.history_days)
        });
        let stop = self.context.shared.stop.clone();
        for _ in 0..MAX_ATTEMPTS {
            self.context.arm_watchdog(POLL_TIMEOUT);
            let fetch = self.provider.fetch_history(days, now);
            match stop.run_until_cancelled(fetch).await {
                None => return Ok(()),
                Some(Ok(past)) => return self.publish_history(past).await,
                Some(Err(error)) => self.back_off(&error).await,
            }
        }
        warn!(source = %self.context.id(), city = %self.city.id, days, attempts = MAX_ATTEMPTS, "cannot read history, leaving gap");
        Ok(())
    }

    /// Publishes past hours as received when they were observed, so that no hour is too old to
    /// count.
    async fn publish_history(&mut self, past: Response) -> Result<(), SourceError> {
        let (now, bounds) = (self.context.now(), self.context.shared.bounds);
        let is_future = |at| bounds.observation_time(at, now) == Err(OutOfBounds::Future);
        let hours = self.select_new(past, |at| {
            is_future(at).then_some(OutOfBounds::Future.label())
        });
        let received_at = |observed_at: Timestamp| observed_at;
        for chunk in hours.chunks(self.context.shared.batch_posts.max(1)) {
            if let Some(last) = chunk.last() {
                self.publish(chunk, received_at, last.observed_at).await?;
            }
        }
        info!(source = %self.context.id(), city = %self.city.id, hours = hours.len(), "history published");
        Ok(())
    }
}
