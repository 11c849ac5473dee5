//! How long one client has not reached the cluster.
//!
//! librdkafka drops all brokers where a broker that is starting reports an empty list, and never
//! connects again (2.10 to 2.13; its issue 5301 shows the symptoms). Its callers cannot tell this
//! from an outage. So a client whose outage exceeds a threshold is replaced by a new one, which
//! starts from the configured addresses.

use std::time::{Duration, Instant};

/// The outage of one client, where there is one.
#[derive(Debug)]
pub(super) struct Outage {
    threshold: Duration,
    since: Option<Instant>,
}

impl Outage {
    pub(super) fn with_threshold(threshold: Duration) -> Self {
        Self {
            threshold,
            since: None,
        }
    }

    pub(super) fn record_success(&mut self) {
        self.since = None;
    }

    /// Records a failed request. Returns true, and starts over, where the outage has exceeded the
    /// threshold.
    pub(super) fn record_failure(&mut self) -> bool {
        self.record_failure_since(Instant::now())
    }

    /// Records a failed request that started at `began`.
    pub(super) fn record_failure_since(&mut self, began: Instant) -> bool {
        let exceeded = self.since.get_or_insert(began).elapsed() >= self.threshold;
        if exceeded {
            self.since = None;
        }
        exceeded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outage_starts_at_first_failure_and_again_after_each_replacement() {
        let mut never = Outage::with_threshold(Duration::MAX);
        assert!(!never.record_failure() && !never.record_failure());
        let mut at_once = Outage::with_threshold(Duration::ZERO);
        assert!(at_once.record_failure() && at_once.since.is_none());
        never.record_success();
        assert!(never.since.is_none());
    }

    #[test]
    fn single_request_may_exceed_threshold() {
        let threshold = Duration::from_millis(1);
        let began = Instant::now() - 2 * threshold;
        assert!(Outage::with_threshold(threshold).record_failure_since(began));
    }
}
