//! Detects stalled partitions: the log holds records that the client does not fetch, or ends before
//! the consumer's position.
//!
//! A topic that was deleted and created again stalls its partitions: librdkafka takes the new leader
//! epochs for stale ones and never fetches. A partition counts as stalled once it returned no record
//! in two consecutive checks while all fetched records were handed out.

use std::time::{Duration, Instant};

use moodvane_model::Offset;

use crate::Watermarks;

/// Consecutive checks without a record after which the watermarks of a partition are read.
const IDLE_CHECKS: u8 = 2;

/// When the next check is due.
pub(super) struct StallCheck {
    interval: Duration,
    last: Instant,
    /// All fetched records were handed out at some moment since the last check.
    drained: bool,
}

impl StallCheck {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: Instant::now(),
            drained: false,
        }
    }

    /// Records that all fetched records are handed out.
    pub(super) fn record_drained(&mut self) {
        self.drained = true;
    }

    /// Whether a check is due; starts the next interval where it is.
    pub(super) fn is_due(&mut self) -> bool {
        if !self.drained || self.last.elapsed() < self.interval {
            return false;
        }
        self.last = Instant::now();
        std::mem::take(&mut self.drained)
    }
}

/// Detects whether one partition is stalled.
#[derive(Debug, Default)]
pub(super) struct StallDetector {
    /// A record arrived since the last check.
    has_record: bool,
    idle_checks: u8,
    /// Position and high watermark at the last restart. The partition does not restart twice for
    /// the same pair: the missing offsets may hold no record.
    restarted_at: Option<(Offset, Offset)>,
}

impl StallDetector {
    pub(super) fn record_arrival(&mut self) {
        self.has_record = true;
    }

    /// Counts a check; whether the partition was idle in enough of them.
    pub(super) fn is_idle(&mut self) -> bool {
        if std::mem::take(&mut self.has_record) {
            self.idle_checks = 0;
            return false;
        }
        self.idle_checks = self.idle_checks.saturating_add(1);
        self.idle_checks >= IDLE_CHECKS
    }

    /// Whether the partition is stalled at `position` and has to restart.
    pub(super) fn is_stalled(&mut self, position: Offset, watermarks: Watermarks) -> bool {
        self.idle_checks = 0;
        let now = Some((position, watermarks.high));
        position != watermarks.high && std::mem::replace(&mut self.restarted_at, now) != now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TopicPartition;
    use moodvane_model::{Partition, Topic};

    fn watermarks(high: u64) -> Watermarks {
        Watermarks {
            topic_partition: TopicPartition {
                topic: Topic::Tweet,
                partition: Partition(0),
            },
            low: Offset(0),
            high: Offset(high),
        }
    }

    #[test]
    fn partition_is_idle_after_two_checks_without_record() {
        let mut detector = StallDetector::default();
        assert!(!detector.is_idle() && detector.is_idle());
        detector.record_arrival();
        assert!(!detector.is_idle() && !detector.is_idle() && detector.is_idle());
    }

    #[test]
    fn stalled_partition_restarts_once_per_high_watermark() {
        let mut detector = StallDetector::default();
        for (position, high, stalled) in [
            (5, 5, false),
            (5, 7, true),
            (5, 7, false),
            (5, 8, true),
            (5, 2, true),
            (5, 5, false),
        ] {
            let found = detector.is_stalled(Offset(position), watermarks(high));
            assert_eq!(found, stalled, "{position} {high}");
        }
    }

    #[test]
    fn check_is_due_only_after_fetched_records_are_drained() {
        let mut check = StallCheck::new(Duration::ZERO);
        assert!(!check.is_due());
        check.record_drained();
        assert!(check.is_due() && !check.is_due());
    }
}
