//! The clock, behind a trait so that tests decide what time it is, and when a wait is over.

mod virtual_clock;

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use moodvane_model::Timestamp;

pub use self::virtual_clock::VirtualClock;

/// A wait.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present moment. It may jump, as the machine's does when somebody sets it.
    fn now(&self) -> Timestamp;

    /// How long it is since a moment that stays the same. It never jumps.
    fn uptime(&self) -> Duration {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        BEGAN.get_or_init(Instant::now).elapsed()
    }

    /// A wait of `span` of the uptime. Must be called within tokio's runtime.
    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from(Utc::now())
    }
}

/// A clock that stands still until it is moved. For tests and the simulator.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves the clock to `at`, forwards or backwards.
    pub fn set(&self, at: Timestamp) {
        *self.hand() = at;
    }

    /// Moves the clock forwards by `by`, in whole milliseconds, at most to the end of the year
    /// 9999.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let mut hand = self.hand();
        *hand = hand
            .checked_add_millis(ms)
            .unwrap_or_else(|_| Timestamp::from(DateTime::<Utc>::MAX_UTC));
    }

    fn hand(&self) -> MutexGuard<'_, Timestamp> {
        // A moment is always whole, so a panic elsewhere cannot have left half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.hand()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = ManualClock::new(at("2018-01-01T02:00:00Z"));
        assert_eq!(clock.now(), at("2018-01-01T02:00:00Z"));
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(clock.now(), at("2018-01-01T02:00:01.500Z"));
        clock.set(at("2017-12-31T00:00:00Z"));
        assert_eq!(clock.now(), at("2017-12-31T00:00:00Z"));
    }

    #[test]
    fn a_manual_clock_stops_at_the_end_of_time() {
        let clock = ManualClock::new(at("2018-01-01T02:00:00Z"));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), at("9999-12-31T23:59:59.999Z"));
    }

    #[test]
    fn the_system_clock_is_past_the_writing_of_this_test() {
        assert!(SystemClock.now() > at("2024-01-01T00:00:00Z"));
    }
}
