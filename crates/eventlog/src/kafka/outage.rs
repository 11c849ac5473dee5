//! How long the cluster has not been there, as one client sees it.
//!
//! The library forgets all brokers where one that is just starting says that there are none, and
//! then connects to nobody for ever (librdkafka 2.10 to 2.13; the symptoms are those of its issue
//! 5301). From outside this looks as an outage does. So a client that sees an outage for long is
//! replaced by a new one, which begins at the addresses of the configuration.

use std::time::{Duration, Instant};

/// An outage, or none.
#[derive(Debug)]
pub(super) struct Outage {
    long: Duration,
    since: Option<Instant>,
}

impl Outage {
    pub(super) fn longer_than(long: Duration) -> Self {
        Self { long, since: None }
    }

    pub(super) fn ended(&mut self) {
        self.since = None;
    }

    /// A look at a cluster that is away; whether it has been so for long since the last time that
    /// this was answered with yes.
    pub(super) fn is_long(&mut self) -> bool {
        self.is_long_since(Instant::now())
    }

    /// The same of a look that began at `began` and found nobody until now.
    pub(super) fn is_long_since(&mut self, began: Instant) -> bool {
        let is_long = self.since.get_or_insert(began).elapsed() >= self.long;
        if is_long {
            self.since = None;
        }
        is_long
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_long_from_its_first_look_on_and_counts_anew_after_each_renewal() {
        let mut never = Outage::longer_than(Duration::MAX);
        assert!(!never.is_long() && !never.is_long());
        let mut at_once = Outage::longer_than(Duration::ZERO);
        assert!(at_once.is_long() && at_once.since.is_none());
        never.ended();
        assert!(never.since.is_none());
    }

    #[test]
    fn a_look_that_takes_long_is_a_long_outage_by_itself() {
        let long = Duration::from_millis(1);
        let began = Instant::now() - 2 * long;
        assert!(Outage::longer_than(long).is_long_since(began));
    }
}
