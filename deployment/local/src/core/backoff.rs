//! The launch delay of an app: it grows with each failure and is forgotten after a stable run.

use std::collections::BTreeMap;
use std::time::Duration;

use moodvane_marathon_api::{App, PathId, Timestamp};

/// A task that ran for so long was a good one: Marathon's default too.
pub(super) const STABLE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
struct Backoff {
    delay: Duration,
    until: Timestamp,
}

/// The delays of all apps.
#[derive(Debug, Default)]
pub(super) struct Backoffs(BTreeMap<PathId, Backoff>);

impl Backoffs {
    /// A task of `app` failed, or ended by itself, after running for `ran`.
    pub(super) fn failed(&mut self, app: &App, ran: Duration, now: Timestamp) {
        let first = Duration::from_secs(app.backoff_seconds.into());
        let most = Duration::from_secs(app.max_launch_delay_seconds.into());
        let before = self.0.get(&app.id).filter(|_| ran < STABLE);
        let delay = before.map_or(first, |backoff| {
            Duration::from_secs_f64(
                (backoff.delay.as_secs_f64() * app.backoff_factor).min(most.as_secs_f64()),
            )
        });
        let delay = delay.min(most);
        self.0.insert(
            app.id.clone(),
            Backoff {
                delay,
                until: now.after(delay),
            },
        );
    }

    /// Forgets the delay.
    pub(super) fn reset(&mut self, app: &PathId) {
        self.0.remove(app);
    }

    /// Until when launches of `app` wait.
    pub(super) fn until(&self, app: &PathId) -> Option<Timestamp> {
        self.0.get(app).map(|backoff| backoff.until)
    }
}
