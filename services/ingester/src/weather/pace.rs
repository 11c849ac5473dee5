//! When a provider is asked next.
//!
//! Guarantee: with a budget, requests for a city lie an even interval apart, also those before and
//! after a restart. When the last one was made is remembered in the log, as a cursor of its own, before
//! it is made: a crash costs a turn rather than the budget.

use std::sync::Arc;
use std::time::Duration;

use moodvane_model::Timestamp;
use moodvane_runtime::Clock;

use super::stored;
use crate::config::WeatherConfig;
use crate::error::SourceError;
use crate::source_context::SourceContext;

/// The pace at which a provider is asked for a city.
pub(super) struct Pace {
    interval: Duration,
    /// The cursor that says when it was asked; none where there is no budget.
    cursor: Option<String>,
}

impl Pace {
    /// `name` is that of the city's own cursor.
    pub(super) fn new(config: &WeatherConfig, name: &str) -> Self {
        Self {
            interval: config.interval(),
            cursor: config.calls_per_day.map(|_| format!("{name}:asked")),
        }
    }

    /// The moments at which to ask.
    pub(super) async fn ticks(&self, context: &SourceContext) -> Result<Ticks, SourceError> {
        let asked = match &self.cursor {
            Some(cursor) => stored(context, cursor).await?,
            None => None,
        };
        let first = asked.map_or(Duration::ZERO, |asked| {
            left(asked, context.now(), self.interval)
        });
        let clock = Arc::clone(&context.shared.clock);
        Ok(Ticks {
            next: clock.uptime() + first,
            interval: self.interval,
            clock,
        })
    }

    /// Remembers that it is asked now. While the log is away that cannot be; an observation that is
    /// not asked for is lost, a request too many is not as bad.
    pub(super) async fn note(&self, context: &SourceContext) {
        let Some(cursor) = &self.cursor else {
            return;
        };
        let now = context.now().millis().to_string();
        if let Err(error) = context.shared.log.save_cursor(cursor, &now).await {
            context.report_error(&error.into());
        }
    }
}

/// Moments that lie an interval apart at least. One that is late delays those behind it.
pub(super) struct Ticks {
    clock: Arc<dyn Clock>,
    /// The uptime of the next moment.
    next: Duration,
    interval: Duration,
}

impl Ticks {
    /// Waits for the next moment. Loses nothing where it is dropped before it is ready.
    pub(super) async fn tick(&mut self) {
        let left = self.next.saturating_sub(self.clock.uptime());
        self.clock.sleep(left).await;
        self.next = self.clock.uptime() + self.interval;
    }
}

/// What is left of `interval` since `asked`: at most all of it, also where the clock went back.
fn left(asked: Timestamp, now: Timestamp, interval: Duration) -> Duration {
    let since_ms = now.millis().saturating_sub(asked.millis());
    let since = Duration::from_millis(u64::try_from(since_ms).unwrap_or(0));
    interval.saturating_sub(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_restart_the_rest_of_the_interval_is_waited_for() {
        let at = |s: i64| Timestamp::from_millis(s * 1000).unwrap();
        for (now_s, left_s) in [
            (1000, 1728),
            (1028, 1700),
            (2727, 1),
            (2728, 0),
            (9999, 0),
            (5, 1728),
        ] {
            let waits = left(at(1000), at(now_s), Duration::from_secs(1728));
            assert_eq!(waits, Duration::from_secs(left_s), "{now_s}");
        }
    }
}
