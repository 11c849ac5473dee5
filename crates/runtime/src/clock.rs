//! The clock, behind a trait so that tests control time and timers.

mod virtual_clock;

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use moodvane_model::Timestamp;

pub use self::virtual_clock::VirtualClock;

/// A timer.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time and timers.
pub trait Clock: Send + Sync {
    /// The wall clock. It may jump, as the machine's does when it is adjusted.
    fn now(&self) -> Timestamp;

    /// The time since a fixed moment. It is monotonic.
    fn uptime(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    /// Completes after `span` of the uptime. Requires tokio's runtime.
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

/// A clock that only moves when it is set. For tests and the simulator.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock at `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves the clock to `at`, forwards or backwards.
    pub fn set(&self, at: Timestamp) {
        *self.lock() = at;
    }

    /// Moves the clock forwards by `by`, in whole milliseconds, at most to the end of the year
    /// 9999.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let mut now = self.lock();
        *now = now
            .checked_add_millis(ms)
            .unwrap_or_else(|_| Timestamp::from(DateTime::<Utc>::MAX_UTC));
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        // Each change is one assignment, so a poisoned lock holds a consistent value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn manual_clock_moves_only_when_set() {
        let clock = ManualClock::new(at("2018-01-01T02:00:00Z"));
        assert_eq!(clock.now(), at("2018-01-01T02:00:00Z"));
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(clock.now(), at("2018-01-01T02:00:01.500Z"));
        clock.set(at("2017-12-31T00:00:00Z"));
        assert_eq!(clock.now(), at("2017-12-31T00:00:00Z"));
    }

    #[test]
    fn manual_clock_saturates_at_year_9999() {
        let clock = ManualClock::new(at("2018-01-01T02:00:00Z"));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), at("9999-12-31T23:59:59.999Z"));
    }

    #[test]
    fn system_clock_is_later_than_2024() {
        assert!(SystemClock.now() > at("2024-01-01T00:00:00Z"));
    }
}
