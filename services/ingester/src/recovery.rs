//! Decides when a failed source restarts.
//!
//! Terms: a *documented backoff* is the sequence of delays that a provider documents, one after
//! each consecutive failure of a kind; a *circuit* opens after a number of consecutive failures:
//! the source then pauses for the cooldown, gets one attempt, and either becomes stable or pauses
//! again.
//!
//! Guarantee: a source never waits less than its provider documents or requests. Jitter only
//! lengthens a documented delay. A spent budget, or the end of a stable connection, does not count
//! as a failure.

use std::time::Duration;

use moodvane_model::Timestamp;
use moodvane_retry::{Backoff, Growth};

use crate::error::SourceError;

const TOO_MANY_REQUESTS: u16 = 429;
/// The duration after which an X stream counts as stable: X promises a keep-alive every 20 s.
const STABLE_AFTER: Duration = Duration::from_secs(30);

/// Which delays follow a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// The configured exponential backoff, with jitter over the whole range.
    Standard,
    /// The backoffs that X documents for its streams, one for each kind of failure.
    X,
}

/// When a circuit opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitConfig {
    /// The number of consecutive failures that opens the circuit.
    pub failures: u32,
    /// How long a source pauses before each attempt while its circuit is open.
    pub cooldown: Duration,
}

/// When a failed source restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryDecision {
    pub(crate) delay: Duration,
    /// Whether the circuit is open.
    pub(crate) circuit_open: bool,
}

impl RetryDecision {
    pub(crate) fn delay_ms(&self) -> i64 {
        i64::try_from(self.delay.as_millis()).unwrap_or(i64::MAX)
    }
}

/// How a run went before it failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunOutcome {
    pub(crate) duration: Duration,
    /// Whether the source was connected or opened.
    pub(crate) connected: bool,
}

/// The consecutive failures of one source.
#[derive(Debug, Clone)]
pub(crate) struct Recovery {
    policy: RetryPolicy,
    backoff: Backoff,
    circuit: CircuitConfig,
    failures: u32,
    /// The kind of the last failure, and the number of consecutive failures of this kind.
    kind: Option<(Kind, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Network,
    Http,
    Rate,
    /// A failure that no provider documents a delay for.
    Internal,
}

impl Kind {
    fn of(error: &SourceError) -> Self {
        match error {
            SourceError::Status { status, .. } if *status == TOO_MANY_REQUESTS => Self::Rate,
            SourceError::Status { .. } | SourceError::Response(_) => Self::Http,
            SourceError::Connect { .. }
            | SourceError::Stream(_)
            | SourceError::Disconnected(_)
            | SourceError::Timeout(_)
            | SourceError::Closed
            | SourceError::Idle(_)
            | SourceError::Request(_) => Self::Network,
            _ => Self::Internal,
        }
    }

    /// docs.x.com/x-api/fundamentals/handling-disconnections. It documents no maximum for 429; the
    /// longest window in which X counts connections is 15 minutes.
    fn x_backoff(self) -> Option<Backoff> {
        let (first_ms, max_ms, growth) = match self {
            Self::Network => (250, 16_000, Growth::Linear),
            Self::Http => (5_000, 320_000, Growth::Doubling),
            Self::Rate => (60_000, 900_000, Growth::Doubling),
            Self::Internal => return None,
        };
        let (first, max) = (
            Duration::from_millis(first_ms),
            Duration::from_millis(max_ms),
        );
        Some(Backoff::documented(first, max, growth))
    }
}

impl Recovery {
    pub(crate) fn new(policy: RetryPolicy, backoff: Backoff, circuit: CircuitConfig) -> Self {
        Self {
            policy,
            backoff,
            circuit,
            failures: 0,
            kind: None,
        }
    }

    /// Decides the restart after `error` at `now`; `jitter` is a number from 0 to 1.
    pub(crate) fn decide(
        &mut self,
        error: &SourceError,
        outcome: RunOutcome,
        now: Timestamp,
        jitter: f64,
    ) -> RetryDecision {
        if let SourceError::Budget { until, .. } = error {
            self.reset();
            let left_ms = until.millis().saturating_sub(now.millis());
            return RetryDecision {
                delay: Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)),
                circuit_open: false,
            };
        }
        let stable_after = match self.policy {
            RetryPolicy::Standard => self.backoff.max(),
            RetryPolicy::X => STABLE_AFTER,
        };
        // A run that waited long for a refusal was not stable.
        if outcome.connected && outcome.duration >= stable_after {
            self.reset();
        }
        let delay = self.next_delay(Kind::of(error), outcome, jitter);
        let delay = delay.max(error.retry_after().unwrap_or_default());
        let circuit_open = self.failures >= self.circuit.failures;
        let cooldown = if circuit_open {
            self.circuit.cooldown
        } else {
            Duration::ZERO
        };
        RetryDecision {
            delay: ceil_millis(delay.max(cooldown)),
            circuit_open,
        }
    }

    fn reset(&mut self) {
        self.failures = 0;
        self.kind = None;
    }

    fn next_delay(&mut self, kind: Kind, outcome: RunOutcome, jitter: f64) -> Duration {
        let is_first = self.failures == 0;
        let (last, n) = self.kind.unwrap_or((kind, 0));
        let n = if last == kind { n.saturating_add(1) } else { 1 };
        self.kind = Some((kind, n));
        self.failures = self.failures.saturating_add(1);
        let documented = match self.policy {
            RetryPolicy::Standard => None,
            RetryPolicy::X => kind.x_backoff(),
        };
        let Some(backoff) = documented else {
            return self.backoff.delay(self.failures, jitter);
        };
        // "Once an established connection drops, attempt to reconnect immediately."
        if is_first && outcome.connected && kind == Kind::Network {
            return Duration::ZERO;
        }
        backoff.delay(n, jitter)
    }
}

/// The duration rounded up to milliseconds, so that nothing happens before the reported moment.
fn ceil_millis(duration: Duration) -> Duration {
    let ms = duration.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const REFUSED: RunOutcome = RunOutcome {
        duration: Duration::ZERO,
        connected: false,
    };

    fn recovery(policy: RetryPolicy) -> Recovery {
        let backoff = Backoff::new(MS * 10, MS * 1000).unwrap();
        let circuit = CircuitConfig {
            failures: 100,
            cooldown: Duration::ZERO,
        };
        Recovery::new(policy, backoff, circuit)
    }

    fn now() -> Timestamp {
        Timestamp::from_millis(1_000_000).unwrap()
    }

    fn status(status: u16, retry_after_s: Option<u64>) -> SourceError {
        SourceError::Status {
            status,
            retry_after: retry_after_s.map(Duration::from_secs),
        }
    }

    fn delays(recovery: &mut Recovery, error: &SourceError, n: usize) -> Vec<u128> {
        let mut delay = || {
            recovery
                .decide(error, REFUSED, now(), 0.0)
                .delay
                .as_millis()
        };
        (0..n).map(|_| delay()).collect()
    }

    #[test]
    fn follows_delays_documented_by_x() {
        let network = SourceError::Request("refused".into());
        let found = delays(&mut recovery(RetryPolicy::X), &network, 70);
        let expected: Vec<u128> = (1..=70).map(|n| (n * 250).min(16_000)).collect();
        assert_eq!(found, expected);
        let found = delays(&mut recovery(RetryPolicy::X), &status(503, None), 8);
        let expected = [5, 10, 20, 40, 80, 160, 320, 320].map(|s| s * 1000);
        assert_eq!(found, expected);
        let found = delays(&mut recovery(RetryPolicy::X), &status(429, None), 6);
        assert_eq!(found, [60, 120, 240, 480, 900, 900].map(|s| s * 1000));
        let found = delays(&mut recovery(RetryPolicy::X), &status(429, Some(500)), 2);
        assert_eq!(found, [500_000, 500_000], "as requested by the server");
    }

    #[test]
    fn starts_new_backoff_for_other_kind_of_failure() {
        let mut recovery = recovery(RetryPolicy::X);
        assert_eq!(
            delays(&mut recovery, &status(503, None), 2),
            [5_000, 10_000]
        );
        assert_eq!(delays(&mut recovery, &SourceError::Closed, 2), [250, 500]);
        assert_eq!(delays(&mut recovery, &status(401, None), 1), [5_000]);
    }

    #[test]
    fn reconnects_dropped_stream_at_once_only_after_first_failure() {
        let mut recovery = recovery(RetryPolicy::X);
        let mut dropped = |span_s: u64| {
            let outcome = RunOutcome {
                duration: Duration::from_secs(span_s),
                connected: true,
            };
            let next = recovery.decide(&SourceError::Closed, outcome, now(), 0.0);
            next.delay.as_millis()
        };
        assert_eq!([1, 1, 1].map(&mut dropped), [0, 500, 750]);
        assert_eq!([29, 30, 31].map(dropped), [1000, 0, 0], "after stable runs");
    }

    #[test]
    fn jitter_lengthens_documented_delay_by_up_to_tenth() {
        for (jitter, expected) in [(0.0, 5_000), (0.5, 5_250), (1.0, 5_500)] {
            let next = recovery(RetryPolicy::X).decide(&status(500, None), REFUSED, now(), jitter);
            assert_eq!(next.delay.as_millis(), expected);
        }
    }

    #[test]
    fn spent_budget_waits_for_next_day_without_counting_as_failure() {
        let mut recovery = recovery(RetryPolicy::X);
        let spent = SourceError::Budget {
            posts: 5,
            until: now().checked_add_millis(7_000).unwrap(),
        };
        assert_eq!(
            delays(&mut recovery, &SourceError::Closed, 3),
            [250, 500, 750]
        );
        assert_eq!(delays(&mut recovery, &spent, 2), [7_000, 7_000]);
        assert_eq!(delays(&mut recovery, &SourceError::Closed, 1), [250]);
        let late = now().checked_add_millis(60_000).unwrap();
        assert_eq!(
            recovery.decide(&spent, REFUSED, late, 0.0).delay,
            Duration::ZERO
        );
    }

    #[test]
    fn opens_circuit_after_consecutive_failures_and_closes_it_after_stable_run() {
        let backoff = Backoff::new(MS * 10, MS * 1000).unwrap();
        let circuit = CircuitConfig {
            failures: 3,
            cooldown: MS * 5_000,
        };
        let mut recovery = Recovery::new(RetryPolicy::Standard, backoff, circuit);
        let mut failed = |connected: bool, duration: Duration| {
            let outcome = RunOutcome {
                duration,
                connected,
            };
            let next = recovery.decide(&SourceError::Lost, outcome, now(), 0.0);
            (next.delay.as_millis(), next.circuit_open)
        };
        let short = MS * 999;
        let found = [short; 4].map(|span| failed(true, span));
        assert_eq!(
            found,
            [(10, false), (10, false), (5_000, true), (5_000, true)]
        );
        assert_eq!(failed(false, MS * 9_000), (5_000, true), "a late refusal");
        assert_eq!(failed(true, MS * 1000), (10, false), "after a stable run");
    }
}
