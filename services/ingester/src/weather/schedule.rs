//! When to poll a provider.
//!
//! Guarantee: with a budget, requests for a city are an even interval apart, also across a restart.
//! The log stores the time of the last request, as a cursor of its own, before the request: a crash
//! costs one poll, never the budget.

use std::sync::Arc;
use std::time::Duration;

use moodvane_model::Timestamp;
use moodvane_runtime::Clock;

use super::load_cursor;
use crate::config::WeatherConfig;
use crate::error::SourceError;
use crate::source_context::SourceContext;

/// The interval between requests for a city or a list of cities, and the cursor of the last request.
pub(super) struct PollSchedule {
    interval: Duration,
    /// Name of the cursor with the time of the last request; `None` without a budget.
    cursor: Option<String>,
}

impl PollSchedule {
    /// `city_cursor` is the name of the observation cursor of the first city of a request.
    pub(super) fn new(config: &WeatherConfig, city_cursor: &str) -> Self {
        Self {
            interval: config.interval(),
            cursor: config.calls_per_day.map(|_| format!("{city_cursor}:asked")),
        }
    }

    /// A timer whose first tick is one interval after the last request of an earlier run, and not before
    /// `delay`.
    pub(super) async fn timer(
        &self,
        context: &SourceContext,
        delay: Duration,
    ) -> Result<PollTimer, SourceError> {
        let last_request = match &self.cursor {
            Some(cursor) => load_cursor(context, cursor).await?,
            None => None,
        };
        let first = last_request.map_or(Duration::ZERO, |at| {
            remaining(at, context.now(), self.interval)
        });
        let first = first.max(delay);
        let clock = Arc::clone(&context.shared.clock);
        Ok(PollTimer {
            next: clock.uptime() + first,
            interval: self.interval,
            clock,
        })
    }

    /// Stores the time of a request. If the log is unavailable, the request is made nevertheless: a
    /// missed observation is lost, while one request over the budget does little harm.
    pub(super) async fn record_request(&self, context: &SourceContext) {
        let Some(cursor) = &self.cursor else {
            return;
        };
        let now = context.now().millis().to_string();
        if let Err(error) = context.shared.log.save_cursor(cursor, &now).await {
            context.report_error(&error.into());
        }
    }
}

/// Ticks at least one interval apart. A late tick delays all later ones.
pub(super) struct PollTimer {
    clock: Arc<dyn Clock>,
    /// Uptime of the next tick.
    next: Duration,
    interval: Duration,
}

impl PollTimer {
    /// Waits for the next tick. Cancel-safe.
    pub(super) async fn tick(&mut self) {
        let left = self.next.saturating_sub(self.clock.uptime());
        self.clock.sleep(left).await;
        self.next = self.clock.uptime() + self.interval;
    }
}

/// The rest of `interval` since `start`; at most all of it, also if the clock went back.
fn remaining(start: Timestamp, now: Timestamp, interval: Duration) -> Duration {
    let elapsed_ms = now.millis().saturating_sub(start.millis());
    let elapsed = Duration::from_millis(u64::try_from(elapsed_ms).unwrap_or(0));
    interval.saturating_sub(elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_rest_of_interval_after_restart() {
        let at = |s: i64| Timestamp::from_millis(s * 1000).unwrap();
        for (now_s, expected_s) in [
            (1000, 1728),
            (1028, 1700),
            (2727, 1),
            (2728, 0),
            (9999, 0),
            (5, 1728),
        ] {
            let wait = remaining(at(1000), at(now_s), Duration::from_secs(1728));
            assert_eq!(wait, Duration::from_secs(expected_s), "{now_s}");
        }
    }
}
