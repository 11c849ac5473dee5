//! A counter of consecutive failures.

use std::time::Duration;

use crate::Backoff;

/// Counts consecutive failures and computes the delay after each.
#[derive(Debug, Clone)]
pub struct Attempts {
    backoff: Backoff,
    failures: u32,
}

impl Attempts {
    /// A counter at zero.
    #[must_use]
    pub fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            failures: 0,
        }
    }

    /// Resets the counter after a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure; returns the delay before the next attempt, with random jitter.
    pub fn failed(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.backoff.delay(self.failures, rand::random())
    }

    /// The number of consecutive failures.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn spreads_delays() {
        let ms = Duration::from_millis(1);
        let mut attempts = Attempts::new(Backoff::new(ms, ms * 1_000_000).unwrap());
        let distinct: BTreeSet<Duration> = (0..15)
            .map(|_| {
                attempts.failures = 14;
                attempts.failed()
            })
            .collect();
        assert!(distinct.len() > 10, "{distinct:?}");
    }
}
