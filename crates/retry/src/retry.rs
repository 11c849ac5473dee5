//! Retries of an operation, and waits that end at cancellation.

use std::time::Duration;

use moodvane_runtime::Clock;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{Attempts, Backoff};

/// How an operation is retried.
#[derive(Clone, Copy)]
pub struct Retry<'a> {
    /// The delays between attempts.
    pub backoff: Backoff,
    /// The clock of the delays.
    pub clock: &'a dyn Clock,
    /// Ends the wait before the next attempt, and the retries.
    pub cancellation: &'a CancellationToken,
}

impl Retry<'_> {
    /// Runs `operation` until it succeeds. Calls `before_wait` with the error and the delay before each
    /// wait. Cancellation ends a wait at once, but does not interrupt the operation itself.
    ///
    /// # Errors
    /// The error of the last attempt, if it is not transient or the retries are cancelled.
    pub async fn run<T, E>(
        &self,
        mut operation: impl AsyncFnMut() -> Result<T, E>,
        is_transient: impl Fn(&E) -> bool,
        mut before_wait: impl FnMut(&E, Duration),
    ) -> Result<T, E> {
        let mut attempts = Attempts::new(self.backoff);
        loop {
            let error = match operation().await {
                Err(error) if is_transient(&error) => error,
                result => return result,
            };
            let delay = attempts.failed();
            before_wait(&error, delay);
            if !wait(self.clock, delay, self.cancellation).await {
                return Err(error);
            }
        }
    }
}

/// Waits for `delay`. Returns false, at once, if cancelled before.
pub async fn wait(clock: &dyn Clock, delay: Duration, cancellation: &CancellationToken) -> bool {
    let elapsed = clock.sleep(delay);
    cancellation.run_until_cancelled(elapsed).await.is_some()
}

/// Like [`wait`], blocking the calling thread, which must not belong to the runtime.
pub fn wait_blocking(
    runtime: &Handle,
    clock: &dyn Clock,
    delay: Duration,
    cancellation: &CancellationToken,
) -> bool {
    runtime.block_on(async { wait(clock, delay, cancellation).await })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use moodvane_model::Timestamp;
    use moodvane_runtime::VirtualClock;

    use super::*;

    const S: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn clock() -> Arc<VirtualClock> {
        Arc::new(VirtualClock::new(Timestamp::from_millis(0).unwrap()))
    }

    #[tokio::test]
    async fn retries_transient_errors_after_backoff() {
        let (clock, cancellation) = (clock(), CancellationToken::new());
        let retry = Retry {
            backoff: Backoff::new(S, S * 2).unwrap(),
            clock: &*clock,
            cancellation: &cancellation,
        };
        let (mut attempts, mut delays) = (0, Vec::new());
        let operation = async || {
            attempts += 1;
            if attempts < 4 {
                Err("busy")
            } else {
                Ok(attempts)
            }
        };
        let before_wait = |error: &&str, delay: Duration| {
            assert_eq!(*error, "busy");
            delays.push(delay);
        };
        let run = retry.run(operation, |error| *error == "busy", before_wait);
        let advance = async {
            for _ in 0..3 {
                while clock.pending_sleeps().is_empty() {
                    tokio::task::yield_now().await;
                }
                clock.advance(S * 2);
                tokio::task::yield_now().await;
            }
        };
        let (result, ()) = tokio::join!(run, advance);
        assert_eq!(result, Ok(4));
        assert!(delays.len() == 3 && delays.iter().all(|delay| (S..=S * 2).contains(delay)));
    }

    #[tokio::test]
    async fn returns_permanent_error_at_once_and_last_error_after_cancellation() {
        let (clock, cancellation) = (clock(), CancellationToken::new());
        let retry = Retry {
            backoff: Backoff::new(HOUR, HOUR).unwrap(),
            clock: &*clock,
            cancellation: &cancellation,
        };
        let fail = async || Err::<(), _>("corrupt");
        let result = retry.run(fail, |_| false, |_, _| unreachable!()).await;
        assert_eq!(result, Err("corrupt"));
        let cancel = |_: &&str, _: Duration| cancellation.cancel();
        assert_eq!(retry.run(fail, |_| true, cancel).await, Err("corrupt"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn blocking_wait_ends_at_cancellation() {
        let (clock, cancellation) = (clock(), CancellationToken::new());
        let (handle, token, waiting) = (Handle::current(), cancellation.clone(), clock.clone());
        let thread = std::thread::spawn(move || wait_blocking(&handle, &*waiting, HOUR, &token));
        while clock.pending_sleeps().is_empty() {
            tokio::task::yield_now().await;
        }
        cancellation.cancel();
        let elapsed = tokio::task::spawn_blocking(move || thread.join().unwrap()).await;
        assert!(!elapsed.unwrap());
    }
}
