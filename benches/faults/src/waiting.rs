//! Waiting for a condition, within a bound.

use std::time::{Duration, Instant};

use anyhow::bail;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Asks `there` until it gives something. A question that fails is asked again; the last failure is
/// told where the time is over.
pub(crate) async fn until<T>(
    what: &str,
    within: Duration,
    mut there: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        let why = match there().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if Instant::now() >= deadline {
            match why {
                Some(error) => bail!("{what}: not within {} s: {error:#}", within.as_secs()),
                None => bail!("{what}: not within {} s", within.as_secs()),
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
