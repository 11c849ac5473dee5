//! A clock whose waits are over when a test says so.
//!
//! Guarantee: a wait ends when the clock was moved on by its span, and not before; a jump of the
//! clock's hand ends none.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moodvane_model::Timestamp;
use tokio::sync::oneshot;

use super::{Clock, Sleep};

/// A clock that stands still until it is moved, with all waits on it.
#[derive(Debug)]
pub struct VirtualClock(Mutex<State>);

#[derive(Debug)]
struct State {
    hand: Timestamp,
    uptime: Duration,
    waits: Vec<(Duration, oneshot::Sender<()>)>,
}

impl VirtualClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new(State {
            hand: at,
            uptime: Duration::ZERO,
            waits: Vec::new(),
        }))
    }

    /// Lets time pass: the hand moves, and the waits that are over end.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.uptime += by;
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        state.hand = state.hand.checked_add_millis(ms).unwrap_or(state.hand);
        let uptime = state.uptime;
        let over = state.waits.extract_if(.., |(until, _)| *until <= uptime);
        for (_, wait) in over {
            // Nobody waits any more where the wait was dropped.
            let _ = wait.send(());
        }
    }

    /// Sets the hand, forwards or backwards, though no time passes.
    pub fn set(&self, to: Timestamp) {
        self.state().hand = to;
    }

    /// How much longer each wait lasts, the shortest first.
    #[must_use]
    pub fn pending_sleeps(&self) -> Vec<Duration> {
        let mut state = self.state();
        state.waits.retain(|(_, wait)| !wait.is_closed());
        let uptime = state.uptime;
        let left = state.waits.iter().map(|(until, _)| *until - uptime);
        let mut left: Vec<_> = left.collect();
        left.sort_unstable();
        left
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one step, so a panic elsewhere cannot have left half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.state().hand
    }

    fn uptime(&self) -> Duration {
        self.state().uptime
    }

    fn sleep(&self, span: Duration) -> Sleep {
        if span.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        let (wait, over) = oneshot::channel();
        let mut state = self.state();
        let until = state.uptime + span;
        state.waits.push((until, wait));
        Box::pin(async move {
            // A clock that is gone ends no wait early.
            if over.await.is_err() {
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
    async fn a_wait_ends_when_its_time_has_passed_and_a_jump_ends_none() {
        let at = Timestamp::from_millis(1_000).unwrap();
        let clock = VirtualClock::new(at);
        let (mut short, long) = (clock.sleep(2 * S), clock.sleep(5 * S));
        clock.set(Timestamp::from_millis(9_000_000).unwrap());
        assert_eq!(clock.pending_sleeps(), [2 * S, 5 * S]);
        clock.advance(S);
        assert!(futures_now(&mut short).await.is_none());
        clock.advance(S);
        assert!(futures_now(&mut short).await.is_some());
        assert_eq!(clock.pending_sleeps(), [3 * S]);
        drop(long);
        assert!(clock.pending_sleeps().is_empty());
        assert_eq!(clock.uptime(), 2 * S);
        assert_eq!(clock.now().millis(), 9_002_000);
        clock.sleep(Duration::ZERO).await;
    }

    /// What a future comes to without any wait.
    async fn futures_now(sleep: &mut Sleep) -> Option<()> {
        tokio::select! {
            biased;
            () = sleep => Some(()),
            () = std::future::ready(()) => None,
        }
    }
}
