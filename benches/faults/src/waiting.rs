//! Waiting for a condition, within a bound.

use std::time::{Duration, Instant};

use anyhow::bail;

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Polls `condition` until it returns a value, or fails after `within`. Errors of `condition` are
/// retried; the last one is the cause of the failure.
pub(crate) async fn wait_until<T>(
    what: &str,
    within: Duration,
    mut condition: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        let cause = match condition().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if Instant::now() >= deadline {
            match cause {
                Some(error) => {
                    return Err(error.context(format!("{what}: not within {} s", within.as_secs())));
                }
                None => bail!("{what}: not within {} s", within.as_secs()),
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
