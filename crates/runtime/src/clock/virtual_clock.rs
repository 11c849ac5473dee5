//! A clock whose timers a test controls.
//!
//! Guarantee: a timer fires when the clock has advanced by its span, and not before; setting the
//! wall clock fires none.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moodvane_model::Timestamp;
use tokio::sync::oneshot;

use super::{Clock, Sleep};

/// A clock that only moves when a test moves it, with its timers.
#[derive(Debug)]
pub struct VirtualClock(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    uptime: Duration,
    /// The uptime at which each timer fires.
    timers: Vec<(Duration, oneshot::Sender<()>)>,
}

impl VirtualClock {
    /// A clock at `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new(State {
            now: at,
            uptime: Duration::ZERO,
            timers: Vec::new(),
        }))
    }

    /// Advances the wall clock and the uptime, and fires the timers that are due.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.uptime += by;
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        state.now = state.now.checked_add_millis(ms).unwrap_or(state.now);
        let uptime = state.uptime;
        let due = state.timers.extract_if(.., |(at, _)| *at <= uptime);
        for (_, timer) in due {
            // Fails if the sleeping future was dropped.
            let _ = timer.send(());
        }
    }

    /// Sets the wall clock, forwards or backwards; the uptime stays.
    pub fn set(&self, to: Timestamp) {
        self.state().now = to;
    }

    /// The remaining time of each pending timer, shortest first.
    #[must_use]
    pub fn pending_sleeps(&self) -> Vec<Duration> {
        let mut state = self.state();
        state.timers.retain(|(_, timer)| !timer.is_closed());
        let uptime = state.uptime;
        let left = state.timers.iter().map(|(at, _)| *at - uptime);
        let mut left: Vec<_> = left.collect();
        left.sort_unstable();
        left
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change can panic halfway, so a poisoned lock holds a consistent value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn uptime(&self) -> Duration {
        self.state().uptime
    }

    fn sleep(&self, span: Duration) -> Sleep {
        if span.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        let (timer, fired) = oneshot::channel();
        let mut state = self.state();
        let at = state.uptime + span;
        state.timers.push((at, timer));
        Box::pin(async move {
            // Dropping the clock fires no timer early.
            if fired.await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn timer_fires_after_its_span_and_not_on_set() {
        let at = Timestamp::from_millis(1_000).unwrap();
        let clock = VirtualClock::new(at);
        let (mut short, long) = (clock.sleep(2 * S), clock.sleep(5 * S));
        clock.set(Timestamp::from_millis(9_000_000).unwrap());
        assert_eq!(clock.pending_sleeps(), [2 * S, 5 * S]);
        clock.advance(S);
        assert!(poll_once(&mut short).await.is_none());
        clock.advance(S);
        assert!(poll_once(&mut short).await.is_some());
        assert_eq!(clock.pending_sleeps(), [3 * S]);
        drop(long);
        assert!(clock.pending_sleeps().is_empty());
        assert_eq!(clock.uptime(), 2 * S);
        assert_eq!(clock.now().millis(), 9_002_000);
        clock.sleep(Duration::ZERO).await;
    }

    /// The output of a timer that has fired.
    async fn poll_once(sleep: &mut Sleep) -> Option<()> {
        tokio::select! {
            biased;
            () = sleep => Some(()),
            () = std::future::ready(()) => None,
        }
    }
}
