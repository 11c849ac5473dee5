//! A clock that may run faster than the machine's clock.

use std::num::NonZeroU32;
use std::sync::Arc;

use moodvane_model::Timestamp;
use moodvane_runtime::Clock;

/// A clock that shows `start` when the machine's clock shows `began`, and runs `speed` times as fast.
/// Before `began` it shows `start`.
pub struct PacedClock {
    /// The machine's clock.
    pub machine: Arc<dyn Clock>,
    /// The machine's time at which this clock shows `start`.
    pub began: Timestamp,
    /// The first time of this clock.
    pub start: Timestamp,
    /// Seconds of this clock per second of the machine's.
    pub speed: NonZeroU32,
}

impl Clock for PacedClock {
    fn now(&self) -> Timestamp {
        let passed_ms = (self.machine.now().millis() - self.began.millis()).max(0);
        let paced_ms = passed_ms.saturating_mul(i64::from(self.speed.get()));
        // Fails only at the end of the calendar, where the clock returns to `start`.
        self.start
            .checked_add_millis(paced_ms)
            .unwrap_or(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_runtime::ManualClock;
    use std::time::Duration;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn runs_at_speed_from_start() {
        let machine = Arc::new(ManualClock::new(at("2026-01-01T00:00:00Z")));
        let clock = PacedClock {
            machine: machine.clone(),
            began: machine.now(),
            start: at("2018-01-01T00:30:00Z"),
            speed: NonZeroU32::new(360).unwrap(),
        };
        assert_eq!(clock.now(), at("2018-01-01T00:30:00Z"));
        machine.advance(Duration::from_millis(10_001));
        assert_eq!(clock.now(), at("2018-01-01T01:30:00.360Z"));
        machine.set(at("2025-12-31T00:00:00Z"));
        assert_eq!(clock.now(), at("2018-01-01T00:30:00Z"));
    }
}
