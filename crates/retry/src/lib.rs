//! Waiting and retrying.
//!
//! Terms: a *backoff* computes the delay after each consecutive failure; *jitter* spreads the delays of
//! clients that fail at the same moment. Guarantee: a delay stays within the bounds of its backoff, and
//! every wait ends when its cancellation token is cancelled.
//!
//! It must not know what is retried, or which errors are transient.
//!
//! The crate computes delays itself instead of using `backon`: its jitter is added on top of the maximum,
//! up to twice as long, and its delays are multiplied as `f32`, so a delay that a provider documents may
//! be cut short. Its retries have no cancellation either, and its blocking ones sleep on the thread.
//!
//! ```
//! use std::time::Duration;
//! use moodvane_retry::Backoff;
//!
//! let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5))?;
//! let longest: Vec<_> = (1..=7).map(|failures| backoff.delay(failures, 1.0).as_millis()).collect();
//! assert_eq!(longest, [200, 400, 800, 1600, 3200, 5000, 5000]);
//! # Ok::<(), moodvane_retry::BackoffError>(())
//! ```

mod attempts;
mod backoff;
mod retry;

pub use attempts::Attempts;
pub use backoff::{Backoff, BackoffError, Growth};
pub use retry::{Retry, wait, wait_blocking};
