//! How long to wait before a failed thing is tried again.
//!
//! Terms: an *attempt* is one failure in a row; *jitter* spreads the waits of many that failed at
//! once. Guarantee: a delay lies between `min` and `max`, and its upper end doubles with each
//! failure in a row.

use std::time::Duration;

use thiserror::Error;

/// Bounds of a wait that doubles with each failure and is spread over its whole range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    min: Duration,
    max: Duration,
}

/// Why two durations are no [`Backoff`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BackoffError {
    /// A wait of nothing would retry without pause.
    #[error("the shortest back-off must be above 0 ms")]
    Zero,
    /// The bounds are the wrong way round.
    #[error("the longest back-off, {max_ms} ms, must not be below the shortest, {min_ms} ms")]
    Order {
        /// The shortest wait in milliseconds.
        min_ms: u128,
        /// The longest wait in milliseconds.
        max_ms: u128,
    },
}

impl Backoff {
    /// A back-off between `min` and `max`.
    ///
    /// # Errors
    /// [`BackoffError`] where `min` is zero or above `max`.
    pub fn new(min: Duration, max: Duration) -> Result<Self, BackoffError> {
        if min.is_zero() {
            return Err(BackoffError::Zero);
        }
        if max < min {
            return Err(BackoffError::Order {
                min_ms: min.as_millis(),
                max_ms: max.as_millis(),
            });
        }
        Ok(Self { min, max })
    }

    /// The longest wait, which is also how long a thing must have run to count as healthy again.
    #[must_use]
    pub fn max(self) -> Duration {
        self.max
    }

    /// The longest wait after `failures` failures in a row (counted from 1).
    fn ceiling(self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        self.min.saturating_mul(factor).min(self.max)
    }

    /// The wait after `failures` failures in a row; `jitter` is a number in 0 to 1.
    pub(crate) fn delay(self, failures: u32, jitter: f64) -> Duration {
        let room = self.ceiling(failures).saturating_sub(self.min);
        self.min + room.mul_f64(jitter.clamp(0.0, 1.0))
    }
}

/// Counts failures in a row and says how long to wait after each.
#[derive(Debug, Clone)]
pub(crate) struct Attempts {
    backoff: Backoff,
    failures: u32,
}

impl Attempts {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            failures: 0,
        }
    }

    /// It went well: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed at once; the wait before the next attempt.
    pub(crate) fn failed(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.backoff.delay(self.failures, rand::random())
    }

    /// How often it failed in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn bounds(min_ms: u32, max_ms: u32) -> Backoff {
        Backoff::new(MS * min_ms, MS * max_ms).unwrap()
    }

    #[test]
    fn refuses_bounds_that_would_spin_or_are_the_wrong_way_round() {
        assert_eq!(Backoff::new(Duration::ZERO, MS), Err(BackoffError::Zero));
        let order = Backoff::new(MS * 2, MS).unwrap_err().to_string();
        assert!(order.contains("1 ms") && order.contains("2 ms"), "{order}");
        assert!(Backoff::new(MS, MS).is_ok());
    }

    #[test]
    fn the_ceiling_doubles_until_the_longest_wait() {
        let backoff = bounds(250, 60_000);
        let ceilings: Vec<u128> = (1..=9).map(|n| backoff.delay(n, 1.0).as_millis()).collect();
        assert_eq!(
            ceilings,
            [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
        );
        assert_eq!(backoff.delay(40, 1.0), MS * 60_000);
    }

    #[test]
    fn delays_are_spread() {
        let mut attempts = Attempts::new(bounds(1, 1_000_000));
        let distinct: std::collections::BTreeSet<Duration> = (0..15)
            .map(|_| {
                attempts.failures = 14;
                attempts.failed()
            })
            .collect();
        assert!(distinct.len() > 10, "{distinct:?}");
    }

    proptest! {
        #[test]
        fn a_delay_lies_within_its_bounds(
            min in 1_u32..10_000, more in 0_u32..100_000, failures in 0_u32..200, jitter in 0.0..=1.0_f64,
        ) {
            let backoff = bounds(min, min + more);
            let delay = backoff.delay(failures, jitter);
            prop_assert!(delay >= backoff.min && delay <= backoff.max, "{delay:?}");
        }
    }
}
