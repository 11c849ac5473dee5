//! The delay after each consecutive failure.

use std::time::Duration;

use thiserror::Error;

/// The fraction by which jitter may lengthen a documented delay.
const DOCUMENTED_JITTER: f64 = 0.1;

/// A delay that grows with consecutive failures, within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Jitter over the whole range, whose upper end doubles.
    FullJitter,
    /// Exact delays, which jitter only lengthens.
    Documented(Growth),
}

/// How a documented delay grows with each failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// The delay doubles.
    Doubling,
    /// The delay grows by the first one.
    Linear,
}

/// Why two durations are not valid bounds of a [`Backoff`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BackoffError {
    /// A minimum of zero would retry without a pause.
    #[error("minimum backoff must be above 0 ms")]
    Zero,
    /// The maximum is below the minimum.
    #[error("maximum backoff of {max_ms} ms must not be below the minimum of {min_ms} ms")]
    Order {
        /// The minimum in milliseconds.
        min_ms: u128,
        /// The maximum in milliseconds.
        max_ms: u128,
    },
}

impl Backoff {
    /// The backoff of a service that waits for its event log or its store.
    pub const BACKEND: Self = Self {
        min: Duration::from_millis(100),
        max: Duration::from_secs(5),
        kind: Kind::FullJitter,
    };

    /// An exponential backoff: a delay is spread between `min` and an upper end that doubles with each
    /// failure, up to `max`.
    ///
    /// # Errors
    /// [`BackoffError`] if `min` is zero or above `max`.
    pub const fn new(min: Duration, max: Duration) -> Result<Self, BackoffError> {
        if min.is_zero() {
            return Err(BackoffError::Zero);
        }
        if max.as_nanos() < min.as_nanos() {
            return Err(BackoffError::Order {
                min_ms: min.as_millis(),
                max_ms: max.as_millis(),
            });
        }
        Ok(Self {
            min,
            max,
            kind: Kind::FullJitter,
        })
    }

    /// Delays as a provider documents them: `first`, growing up to `max`. Jitter lengthens a delay by
    /// up to a tenth and never shortens it.
    #[must_use]
    pub const fn documented(first: Duration, max: Duration, growth: Growth) -> Self {
        Self {
            min: first,
            max,
            kind: Kind::Documented(growth),
        }
    }

    /// The maximum delay without jitter.
    #[must_use]
    pub fn max(self) -> Duration {
        self.max
    }

    /// The delay after the given number of consecutive failures, counted from 1; `jitter` is a number
    /// from 0 to 1.
    #[must_use]
    pub fn delay(self, failures: u32, jitter: f64) -> Duration {
        let jitter = jitter.clamp(0.0, 1.0);
        match self.kind {
            Kind::FullJitter => {
                let range = self.times(doubled(failures)).saturating_sub(self.min);
                self.min + range.mul_f64(jitter)
            }
            Kind::Documented(growth) => {
                let factor = match growth {
                    Growth::Doubling => doubled(failures.saturating_sub(1)),
                    Growth::Linear => failures,
                };
                self.times(factor).mul_f64(1.0 + DOCUMENTED_JITTER * jitter)
            }
        }
    }

    fn times(self, factor: u32) -> Duration {
        self.min.saturating_mul(factor).min(self.max)
    }
}

fn doubled(times: u32) -> u32 {
    1_u32.checked_shl(times).unwrap_or(u32::MAX)
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
    fn rejects_zero_and_reversed_bounds() {
        assert_eq!(Backoff::new(Duration::ZERO, MS), Err(BackoffError::Zero));
        let order = Backoff::new(MS * 2, MS).unwrap_err().to_string();
        assert!(order.contains("1 ms") && order.contains("2 ms"), "{order}");
        assert!(Backoff::new(MS, MS).is_ok());
    }

    #[test]
    fn upper_end_doubles_up_to_maximum() {
        let backoff = bounds(250, 60_000);
        let ends: Vec<u128> = (1..=9).map(|n| backoff.delay(n, 1.0).as_millis()).collect();
        assert_eq!(
            ends,
            [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
        );
        assert_eq!(backoff.delay(40, 1.0), MS * 60_000);
    }

    #[test]
    fn jitter_lengthens_documented_delay_by_up_to_tenth() {
        let delays = |growth, jitter| {
            let backoff = Backoff::documented(MS * 100, MS * 450, growth);
            [1, 2, 3, 4, 99].map(|failures| backoff.delay(failures, jitter).as_millis())
        };
        assert_eq!(delays(Growth::Doubling, 0.0), [100, 200, 400, 450, 450]);
        assert_eq!(delays(Growth::Linear, 0.0), [100, 200, 300, 400, 450]);
        assert_eq!(delays(Growth::Linear, 1.0), [110, 220, 330, 440, 495]);
    }

    proptest! {
        #[test]
        fn delay_stays_within_bounds(
            min in 1_u32..10_000, more in 0_u32..100_000, failures in 0_u32..200, jitter in 0.0..=1.0_f64,
        ) {
            let backoff = bounds(min, min + more);
            let delay = backoff.delay(failures, jitter);
            prop_assert!(delay >= backoff.min && delay <= backoff.max, "{delay:?}");
        }
    }
}
