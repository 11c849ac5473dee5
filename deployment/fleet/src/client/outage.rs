//! Outages of Marathon: how long the client retries, and what it reports.
//!
//! Terms: an *outage* lasts from the first attempt without an answer to the next answer, over all
//! calls.
//!
//! Guarantee: an outage is reported once when it begins, then at a slow rate, and once when it
//! ends.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moodvane_retry::Backoff;
use tokio::time::Instant;

use super::ClientError;
use super::error::error_chain;

/// The time between two reports of the same outage.
const REPORT_INTERVAL: Duration = Duration::from_secs(15);

/// Receives lines about outages, for people.
pub type OutageReporter = Arc<dyn Fn(&str) + Send + Sync>;

/// How long and how often the client retries while Marathon is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOptions {
    /// The longest outage; zero for no retries.
    pub outage: Duration,
    /// The delay between attempts.
    pub backoff: Backoff,
}

/// The outages of one client.
pub(super) struct Outages {
    options: RetryOptions,
    reporter: Option<OutageReporter>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Outage>,
    /// The duration of all earlier outages.
    past: Duration,
}

struct Outage {
    since: Instant,
    reported: Instant,
}

impl Outages {
    pub(super) fn new(options: RetryOptions, reporter: Option<OutageReporter>) -> Self {
        Self {
            options,
            reporter,
            state: Mutex::default(),
        }
    }

    pub(super) fn backoff(&self) -> Backoff {
        self.options.backoff
    }

    /// The duration of all outages so far.
    pub(super) fn total(&self) -> Duration {
        let state = self.lock();
        let current = state.current.as_ref();
        state.past + current.map_or(Duration::ZERO, |outage| outage.since.elapsed())
    }

    /// Records an attempt without an answer. Returns the error if the outage is too long for
    /// another attempt.
    pub(super) fn record_failure(&self, error: ClientError) -> Result<(), ClientError> {
        let now = Instant::now();
        let mut state = self.lock();
        let is_new = state.current.is_none();
        let outage = state.current.get_or_insert(Outage {
            since: now,
            reported: now,
        });
        let lasted = now - outage.since;
        let limit = self.options.outage;
        if lasted >= limit {
            return Err(match limit.is_zero() {
                true => error,
                false => ClientError::Unavailable {
                    after_s: lasted.as_secs(),
                    source: Box::new(error),
                },
            });
        }
        if is_new {
            let limit = limit.as_secs_f64();
            self.report(&format!(
                "{}; retrying for up to {limit:.0} s",
                describe(&error)
            ));
        } else if now - outage.reported >= REPORT_INTERVAL {
            outage.reported = now;
            let lasted = lasted.as_secs_f64();
            self.report(&format!("{}, for {lasted:.0} s now", describe(&error)));
        }
        Ok(())
    }

    /// Records an answer, which ends an outage.
    pub(super) fn record_answer(&self) {
        let mut state = self.lock();
        let Some(outage) = state.current.take() else {
            return;
        };
        let lasted = outage.since.elapsed();
        state.past += lasted;
        if !self.options.outage.is_zero() {
            self.report(&format!(
                "Marathon responds again after {:.1} s",
                lasted.as_secs_f64()
            ));
        }
    }

    fn report(&self, line: &str) {
        if let Some(reporter) = &self.reporter {
            reporter(line);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics between two changes of the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(error: &ClientError) -> String {
    match error {
        ClientError::Unreachable(failures) => {
            format!("Marathon is unavailable: {}", failures.join("; "))
        }
        ClientError::ConnectionLost { .. } => {
            format!("Marathon is unavailable: {}", error_chain(error))
        }
        _ => format!("Marathon fails: {}", error_chain(error)),
    }
}

impl fmt::Debug for Outages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outages")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
