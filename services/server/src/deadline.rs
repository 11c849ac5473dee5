//! The time by which a request must be answered.

use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

/// The end of a request's time-out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    timeout: Duration,
}

impl Deadline {
    /// The deadline `timeout` from now.
    pub(crate) fn after(timeout: Duration) -> Self {
        Self {
            at: Instant::now() + timeout,
            timeout,
        }
    }

    /// Runs `work` until the deadline.
    pub(crate) async fn run<T>(self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        timeout_at(self.at, work).await
    }

    /// The whole time-out, for messages.
    pub(crate) fn timeout_ms(self) -> u128 {
        self.timeout.as_millis()
    }
}
