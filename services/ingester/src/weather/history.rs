//! Fills the gaps between the cities' cursors and now from the provider's history.

use moodvane_model::{OutOfBounds, Timestamp};
use moodvane_upstream::open_meteo::history_calls;
use tracing::{info, warn};

use super::city::CityFeed;
use super::poller::GroupPoller;
use super::provider::Response;
use super::{DAY_MS, HOUR_MS, POLL_TIMEOUT};
use crate::error::SourceError;

/// After so many failures the live weather starts without the history.
const MAX_ATTEMPTS: usize = 5;

impl GroupPoller<'_> {
    /// Publishes the history since the cursors, the longest gaps first. Requests keep the pace of the
    /// provider.
    pub(super) async fn backfill(&mut self) -> Result<(), SourceError> {
        let now = self.context.now();
        let gaps = self.feeds.iter().enumerate();
        let gaps = gaps.filter_map(|(index, feed)| {
            Some((feed.days_to_fill(self.config.history_days, now)?, index))
        });
        let mut gaps: Vec<(u8, usize)> = gaps.collect();
        gaps.sort_by_key(|(days, index)| (std::cmp::Reverse(*days), *index));
        let stop = self.context.shared.stop.clone();
        let mut rest = gaps.as_slice();
        while let Some((days, _)) = rest.first() {
            let most = self.client.max_history_cities(*days).min(rest.len());
            let (batch, after) = rest.split_at(most);
            let cities = batch.iter().map(|(_, index)| *index).collect();
            self.fill(cities, *days, now).await?;
            rest = after;
            if rest.is_empty() || stop.is_cancelled() {
                break;
            }
            let pace = self.config.provider.call_pace() * self.group.count;
            let pause = pace.mul_f64(history_calls(*days) * most as f64);
            self.context.arm_watchdog(pause);
            stop.run_until_cancelled(self.context.shared.clock.sleep(pause))
                .await;
        }
        Ok(())
    }

    /// Publishes the last `days` days of some cities.
    async fn fill(
        &mut self,
        mut cities: Vec<usize>,
        days: u8,
        now: Timestamp,
    ) -> Result<(), SourceError> {
        let stop = self.context.shared.stop.clone();
        for _ in 0..MAX_ATTEMPTS {
            self.context.arm_watchdog(POLL_TIMEOUT);
            let fetch = self.client.fetch_history(&cities, days, now);
            let Some(fetched) = stop.run_until_cancelled(fetch).await else {
                return Ok(());
            };
            self.note_success(&fetched);
            let is_failed = fetched.is_failed();
            for (index, response) in fetched.responses.into_iter().enumerate() {
                if let Some(past) = response {
                    self.feeds[index].publish_history(past).await?;
                    cities.retain(|city| *city != index);
                }
            }
            if cities.is_empty() {
                return Ok(());
            }
            self.back_off(&fetched.errors, is_failed).await;
        }
        for index in cities {
            warn!(source = %self.context.id(), city = %self.group.cities[index].id, days, attempts = MAX_ATTEMPTS, "cannot read history, leaving gap");
        }
        Ok(())
    }
}

impl CityFeed<'_> {
    /// The days of history to read, at most `max`. The history has one value an hour: a shorter gap
    /// contains none.
    fn days_to_fill(&self, max: u8, now: Timestamp) -> Option<u8> {
        let gap_ms = self.last.map(|last| now.millis() - last.millis());
        if max == 0 || gap_ms.is_some_and(|gap| gap < HOUR_MS) {
            return None;
        }
        let gap_days = gap_ms.map_or(i64::MAX, |gap| gap / DAY_MS + 1);
        Some(u8::try_from(gap_days).map_or(max, |gap| gap.min(max)))
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
