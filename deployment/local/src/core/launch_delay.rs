//! The launch delay of an app: it grows with each failure and resets after a stable run.

use std::collections::BTreeMap;
use std::time::Duration;

use moodvane_marathon_api::{App, PathId, Timestamp};

/// A run of this length is stable; Marathon's default.
pub(super) const STABLE_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
struct LaunchDelay {
    delay: Duration,
    until: Timestamp,
}

/// The launch delays of all apps.
#[derive(Debug, Default)]
pub(super) struct LaunchDelays(BTreeMap<PathId, LaunchDelay>);

impl LaunchDelays {
    /// Records that a task of `app` ended by itself after running for `ran`.
    pub(super) fn record_failure(&mut self, app: &App, ran: Duration, now: Timestamp) {
        let first = Duration::from_secs(app.backoff_seconds.into());
        let max = Duration::from_secs(app.max_launch_delay_seconds.into());
        let previous = self.0.get(&app.id).filter(|_| ran < STABLE_AFTER);
        let delay = previous.map_or(first, |launch_delay| {
            Duration::from_secs_f64(
                (launch_delay.delay.as_secs_f64() * app.backoff_factor).min(max.as_secs_f64()),
            )
        });
        let delay = delay.min(max);
        self.0.insert(
            app.id.clone(),
            LaunchDelay {
                delay,
                until: now.after(delay),
            },
        );
    }

    /// Resets the delay.
    pub(super) fn reset(&mut self, app: &PathId) {
        self.0.remove(app);
    }

    /// The time until which launches of `app` wait.
    pub(super) fn delayed_until(&self, app: &PathId) -> Option<Timestamp> {
        self.0.get(app).map(|launch_delay| launch_delay.until)
    }
}
