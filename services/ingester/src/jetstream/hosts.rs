//! Which of several hosts is listened to.
//!
//! Guarantee: a host that refuses, is silent, or breaks off before it has held is left for the next one;
//! after the last comes the first. One that held is tried again first: it is the one whose cursor we
//! have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tracing::info;
use url::Url;

use crate::config::BlueskyConfig;
use crate::error::SourceError;

/// A stream that has lived so long has held.
const HELD: Duration = Duration::from_secs(60);

/// The hosts of one source. Whose turn it is outlives a life.
#[derive(Debug)]
pub(super) struct Hosts {
    urls: Vec<Url>,
    turn: Arc<AtomicUsize>,
}

impl Hosts {
    pub(super) fn new(config: &BlueskyConfig, turn: Arc<AtomicUsize>) -> Self {
        let urls = std::iter::once(&config.base_url).chain(&config.other_urls);
        Self {
            urls: urls.cloned().collect(),
            turn,
        }
    }

    /// The host whose turn it is.
    pub(super) fn current(&self) -> Url {
        let turn = self.turn.load(Ordering::Relaxed) % self.urls.len();
        self.urls[turn].clone()
    }

    /// A life with the current host ended so, after `lived`.
    pub(super) fn failed(&self, error: &SourceError, lived: Duration) {
        let is_the_hosts = matches!(
            error,
            SourceError::Connect { .. }
                | SourceError::Status { .. }
                | SourceError::Stream(_)
                | SourceError::Closed
                | SourceError::Idle(_)
        );
        // However long it held before: who is silent is silent.
        let is_silent = matches!(error, SourceError::Idle(_));
        if self.urls.len() == 1 || !is_the_hosts || (lived >= HELD && !is_silent) {
            return;
        }
        self.turn.fetch_add(1, Ordering::Relaxed);
        let next = self.current();
        info!(host = next.host_str(), "the next host is listened to");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_fails_is_left_for_the_next_and_one_that_held_is_not() {
        let url = |name: &str| format!("ws://{name}.example/").parse::<Url>().unwrap();
        let hosts = |names: &[&str]| Hosts {
            urls: names.iter().map(|name| url(name)).collect(),
            turn: Arc::default(),
        };
        let alone = hosts(&["a"]);
        let hosts = hosts(&["a", "b", "c"]);
        let short = Duration::from_secs(1);
        for (error, lived, expected) in [
            (SourceError::Closed, HELD, "a"),
            (SourceError::Lost, short, "a"),
            (SourceError::Closed, short, "b"),
            (SourceError::Idle(short), HELD, "c"),
            (SourceError::Stream(String::new()), short, "a"),
        ] {
            hosts.failed(&error, lived);
            assert_eq!(hosts.current(), url(expected), "{error}");
        }
        alone.failed(&SourceError::Closed, short);
        assert_eq!(alone.current(), url("a"));
    }
}
