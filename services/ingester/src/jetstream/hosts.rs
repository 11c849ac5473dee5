//! The choice among several Jetstream hosts.
//!
//! Guarantee: after a host that refuses, is silent, or breaks off early, the next one is used; the
//! first follows the last. After a long connection the same host is tried first, since the cursor
//! is its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tracing::info;
use url::Url;

use crate::config::BlueskyConfig;
use crate::error::SourceError;

/// The duration after which a connection counts as stable.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// The hosts of one source. The index of the current host outlives a run.
#[derive(Debug)]
pub(super) struct Hosts {
    urls: Vec<Url>,
    index: Arc<AtomicUsize>,
}

impl Hosts {
    pub(super) fn new(config: &BlueskyConfig, index: Arc<AtomicUsize>) -> Self {
        let urls = std::iter::once(&config.base_url).chain(&config.other_urls);
        Self {
            urls: urls.cloned().collect(),
            index,
        }
    }

    /// The current host.
    pub(super) fn current(&self) -> Url {
        let index = self.index.load(Ordering::Relaxed) % self.urls.len();
        self.urls[index].clone()
    }

    /// Reports that a run with the current host failed after `duration`. Moves on to the next host
    /// if the host is the cause.
    pub(super) fn report_failure(&self, error: &SourceError, duration: Duration) {
        let host_failed = matches!(
            error,
            SourceError::Connect { .. }
                | SourceError::Status { .. }
                | SourceError::Stream(_)
                | SourceError::Closed
                | SourceError::Idle(_)
        );
        // A silent host may be dead, however long it was stable.
        let is_silent = matches!(error, SourceError::Idle(_));
        if self.urls.len() == 1 || !host_failed || (duration >= STABLE_AFTER && !is_silent) {
            return;
        }
        self.index.fetch_add(1, Ordering::Relaxed);
        let next = self.current();
        info!(host = next.host_str(), "switching to next host");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_host_after_failure_unless_connection_was_stable() {
        let url = |name: &str| format!("ws://{name}.example/").parse::<Url>().unwrap();
        let hosts = |names: &[&str]| Hosts {
            urls: names.iter().map(|name| url(name)).collect(),
            index: Arc::default(),
        };
        let alone = hosts(&["a"]);
        let hosts = hosts(&["a", "b", "c"]);
        let short = Duration::from_secs(1);
        for (error, duration, expected) in [
            (SourceError::Closed, STABLE_AFTER, "a"),
            (SourceError::Lost, short, "a"),
            (SourceError::Closed, short, "b"),
            (SourceError::Idle(short), STABLE_AFTER, "c"),
            (SourceError::Stream("reset".into()), short, "a"),
        ] {
            hosts.report_failure(&error, duration);
            assert_eq!(hosts.current(), url(expected), "{error}");
        }
        alone.report_failure(&SourceError::Closed, short);
        assert_eq!(alone.current(), url("a"));
    }
}
