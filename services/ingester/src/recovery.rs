//! How long a source that failed is left alone.
//!
//! Terms: a *ladder* is a row of waits that a provider documents, one after each failure of a kind; a
//! *circuit* is open when a source has failed so often in a row that trying soon again helps nobody:
//! then it rests for long, is tried once, and either holds or rests again.
//!
//! Guarantee: a source never waits less than its provider documents or asks for. Jitter only lengthens
//! a documented wait. A budget that is spent, or a stream that ends after it held, is no failure.

use std::time::Duration;

use moodvane_model::Timestamp;

use crate::backoff::Backoff;
use crate::error::SourceError;

const TOO_MANY_REQUESTS: u16 = 429;
/// The part of a documented wait by which jitter may lengthen it.
const JITTER: f64 = 0.1;
/// A stream that has lived so long has held: X promises a sign of life each 20 s.
const HELD: Duration = Duration::from_secs(30);

/// Whose waits hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Ours: doubling, with jitter over the whole range.
    Standard,
    /// Those that X documents for its streams.
    X,
}

/// When a circuit opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitConfig {
    /// After so many failures in a row.
    pub failures: u32,
    /// How long a source rests while it is open.
    pub cooldown: Duration,
}

/// What follows upon a failure.
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

/// How a life of a source went, up to its failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunOutcome {
    pub(crate) duration: Duration,
    /// Whether it was ever connected or opened.
    pub(crate) connected: bool,
}

/// Failures of one source in a row.
#[derive(Debug, Clone)]
pub(crate) struct Recovery {
    policy: RetryPolicy,
    backoff: Backoff,
    circuit: CircuitConfig,
    failures: u32,
    /// The last kind of failure, and how many of it came in a row.
    kind: Option<(Kind, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Network,
    Http,
    Rate,
    /// Nothing that a provider has rules for.
    Own,
}

impl Kind {
    fn of(error: &SourceError) -> Self {
        match error {
            SourceError::Status { status, .. } if *status == TOO_MANY_REQUESTS => Self::Rate,
            SourceError::Status { .. } | SourceError::Answer(_) => Self::Http,
            SourceError::Connect { .. }
            | SourceError::Stream(_)
            | SourceError::Closed
            | SourceError::Idle(_)
            | SourceError::Request(_) => Self::Network,
            _ => Self::Own,
        }
    }

    /// docs.x.com/x-api/fundamentals/handling-disconnections. It names no longest wait for 429; the
    /// longest window in which connections are counted is a quarter of an hour.
    fn ladder(self) -> Option<Ladder> {
        let (first_ms, most_ms, doubling) = match self {
            Self::Network => (250, 16_000, false),
            Self::Http => (5_000, 320_000, true),
            Self::Rate => (60_000, 900_000, true),
            Self::Own => return None,
        };
        Some(Ladder {
            first: Duration::from_millis(first_ms),
            most: Duration::from_millis(most_ms),
            doubling,
        })
    }
}

struct Ladder {
    first: Duration,
    most: Duration,
    doubling: bool,
}

impl Ladder {
    /// The wait after the nth failure in a row.
    fn delay_for(&self, n: u32) -> Duration {
        let factor = match self.doubling {
            true => 1_u32.checked_shl(n.saturating_sub(1)).unwrap_or(u32::MAX),
            false => n,
        };
        self.first.saturating_mul(factor).min(self.most)
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

    /// What follows upon `error`, at `now`; `jitter` is a number in 0 to 1.
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
        let long = match self.policy {
            RetryPolicy::Standard => self.backoff.max(),
            RetryPolicy::X => HELD,
        };
        // To wait long for a refusal is not to hold.
        if outcome.connected && outcome.duration >= long {
            self.reset();
        }
        let delay = self.count(Kind::of(error), outcome, jitter);
        let delay = delay.max(error.asks_for().unwrap_or_default());
        let open = self.failures >= self.circuit.failures;
        let rest = if open {
            self.circuit.cooldown
        } else {
            Duration::ZERO
        };
        RetryDecision {
            delay: whole_millis(delay.max(rest)),
            circuit_open: open,
        }
    }

    fn reset(&mut self) {
        self.failures = 0;
        self.kind = None;
    }

    fn count(&mut self, kind: Kind, outcome: RunOutcome, jitter: f64) -> Duration {
        let first = self.failures == 0;
        let (last, n) = self.kind.unwrap_or((kind, 0));
        let n = if last == kind { n.saturating_add(1) } else { 1 };
        self.kind = Some((kind, n));
        self.failures = self.failures.saturating_add(1);
        let ladder = match self.policy {
            RetryPolicy::Standard => None,
            RetryPolicy::X => kind.ladder(),
        };
        let Some(ladder) = ladder else {
            return self.backoff.delay(self.failures, jitter);
        };
        // "Once an established connection drops, attempt to reconnect immediately."
        if first && outcome.connected && kind == Kind::Network {
            return Duration::ZERO;
        }
        ladder
            .delay_for(n)
            .mul_f64(1.0 + JITTER * jitter.clamp(0.0, 1.0))
    }
}

/// The same, or up to a millisecond more: so that who is told when it ends does not come too early.
fn whole_millis(duration: Duration) -> Duration {
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

    fn waits(recovery: &mut Recovery, error: &SourceError, n: usize) -> Vec<u128> {
        let mut wait = || {
            recovery
                .decide(error, REFUSED, now(), 0.0)
                .delay
                .as_millis()
        };
        (0..n).map(|_| wait()).collect()
    }

    #[test]
    fn xs_waits_are_those_that_it_documents() {
        let network = SourceError::Request("refused".to_owned());
        let found = waits(&mut recovery(RetryPolicy::X), &network, 70);
        let expected: Vec<u128> = (1..=70).map(|n| (n * 250).min(16_000)).collect();
        assert_eq!(found, expected);
        let found = waits(&mut recovery(RetryPolicy::X), &status(503, None), 8);
        let expected = [5, 10, 20, 40, 80, 160, 320, 320].map(|s| s * 1000);
        assert_eq!(found, expected);
        let found = waits(&mut recovery(RetryPolicy::X), &status(429, None), 6);
        assert_eq!(found, [60, 120, 240, 480, 900, 900].map(|s| s * 1000));
        let found = waits(&mut recovery(RetryPolicy::X), &status(429, Some(500)), 2);
        assert_eq!(found, [500_000, 500_000], "as long as it asks for");
    }

    #[test]
    fn another_kind_of_failure_begins_its_own_ladder() {
        let mut recovery = recovery(RetryPolicy::X);
        assert_eq!(waits(&mut recovery, &status(503, None), 2), [5_000, 10_000]);
        assert_eq!(waits(&mut recovery, &SourceError::Closed, 2), [250, 500]);
        assert_eq!(waits(&mut recovery, &status(401, None), 1), [5_000]);
    }

    #[test]
    fn a_stream_that_drops_is_taken_up_at_once_but_only_once_in_a_row() {
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
        assert_eq!([29, 30, 31].map(dropped), [1000, 0, 0], "having held");
    }

    #[test]
    fn jitter_only_lengthens_and_by_a_tenth_at_most() {
        for (jitter, expected) in [(0.0, 5_000), (0.5, 5_250), (1.0, 5_500)] {
            let next = recovery(RetryPolicy::X).decide(&status(500, None), REFUSED, now(), jitter);
            assert_eq!(next.delay.as_millis(), expected);
        }
    }

    #[test]
    fn a_spent_budget_waits_for_its_next_day_and_is_no_failure() {
        let mut recovery = recovery(RetryPolicy::X);
        let spent = SourceError::Budget {
            posts: 5,
            until: now().checked_add_millis(7_000).unwrap(),
        };
        assert_eq!(
            waits(&mut recovery, &SourceError::Closed, 3),
            [250, 500, 750]
        );
        assert_eq!(waits(&mut recovery, &spent, 2), [7_000, 7_000]);
        assert_eq!(waits(&mut recovery, &SourceError::Closed, 1), [250]);
        let late = now().checked_add_millis(60_000).unwrap();
        assert_eq!(
            recovery.decide(&spent, REFUSED, late, 0.0).delay,
            Duration::ZERO
        );
    }

    #[test]
    fn a_circuit_opens_after_failures_in_a_row_and_closes_when_the_source_holds() {
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
        assert_eq!(failed(true, MS * 1000), (10, false), "it had held");
    }
}
