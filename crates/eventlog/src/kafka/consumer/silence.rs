//! Partitions that are silent although the log has more of them, or less than was read.
//!
//! A topic that was deleted and made again is one: the library takes its leaders for older ones
//! than it knows, and never fetches from them. Such a partition is reported as assigned anew, so
//! that the caller looks at the log again. A partition counts as silent once it had nothing while
//! everything else that was fetched was handed over, twice in a row.

use std::time::{Duration, Instant};

use moodvane_model::Offset;

use super::KafkaConsumer;
use crate::{LogError, TopicPartition, Watermarks};

/// How long the question may hold up the others. A broker that is away is asked another time.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Looks without a record until a partition is asked about.
const QUIET_LOOKS: u8 = 2;

/// When it was last looked for silent partitions.
pub(super) struct Listening {
    every: Duration,
    looked: Instant,
    /// All that was fetched was handed over since then, at some moment.
    drained: bool,
}

/// What is known of a partition's silence.
#[derive(Debug, Default)]
pub(in super::super) struct Silence {
    /// A record came since the last look.
    pub(in super::super) heard: bool,
    looks: u8,
    /// Where it was to be read and where it ended when it was last begun anew for its silence. It
    /// is not begun anew twice for the same: what is missing may be no record at all.
    begun_anew: Option<(Offset, Offset)>,
}

impl Silence {
    /// A look; whether it has been quiet for long.
    fn look(&mut self) -> bool {
        if std::mem::take(&mut self.heard) {
            self.looks = 0;
            return false;
        }
        self.looks = self.looks.saturating_add(1);
        self.looks >= QUIET_LOOKS
    }

    /// Whether the partition must be begun anew, being read up to `next`.
    fn is_stuck(&mut self, next: Offset, marks: Watermarks) -> bool {
        self.looks = 0;
        let now = Some((next, marks.high));
        next != marks.high && std::mem::replace(&mut self.begun_anew, now) != now
    }
}

impl Listening {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            looked: Instant::now(),
            drained: false,
        }
    }

    /// All that was fetched is handed over.
    pub(super) fn drained(&mut self) {
        self.drained = true;
    }

    fn is_due(&mut self) -> bool {
        if !self.drained || self.looked.elapsed() < self.every {
            return false;
        }
        self.looked = Instant::now();
        std::mem::take(&mut self.drained)
    }
}

impl KafkaConsumer {
    /// Looks for silent partitions, now and then.
    pub(super) fn listen(&mut self) -> Result<(), LogError> {
        if !self.listening.is_due() || self.down.is_some() {
            return Ok(());
        }
        let begun = self.slots.iter_mut().filter(|slot| slot.fetched);
        let quiet: Vec<(TopicPartition, Offset)> = begun
            .filter_map(|slot| Some((slot.at, slot.next.filter(|_| slot.silence.look())?)))
            .collect();
        for (at, next) in quiet {
            let Ok(marks) = self.watermarks_within(at, ANSWER_WITHIN) else {
                // The others are likely to be as slow to answer.
                return Ok(());
            };
            let slot = self.slots.get_mut(at);
            if !slot.is_some_and(|slot| slot.silence.is_stuck(next, marks)) {
                continue;
            }
            tracing::warn!(
                topic = %at.topic, partition = at.partition.0, next = next.0, low = marks.low.0, high = marks.high.0,
                "kafka partition is silent although it does not end here, it begins anew"
            );
            self.slots.stop(at);
            self.unreported.push(at);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::{Partition, Topic};

    fn marks(high: u64) -> Watermarks {
        let at = TopicPartition {
            topic: Topic::Tweet,
            partition: Partition(0),
        };
        Watermarks {
            topic_partition: at,
            low: Offset(0),
            high: Offset(high),
        }
    }

    #[test]
    fn a_partition_is_asked_about_after_two_looks_without_a_record() {
        let mut silence = Silence::default();
        assert!(!silence.look() && silence.look());
        silence.heard = true;
        assert!(!silence.look() && !silence.look() && silence.look());
    }

    #[test]
    fn a_silent_partition_is_begun_anew_once_for_the_same_end() {
        let mut silence = Silence::default();
        for (next, high, stuck) in [
            (5, 5, false),
            (5, 7, true),
            (5, 7, false),
            (5, 8, true),
            (5, 2, true),
            (5, 5, false),
        ] {
            let found = silence.is_stuck(Offset(next), marks(high));
            assert_eq!(found, stuck, "{next} {high}");
        }
    }

    #[test]
    fn nobody_is_asked_about_before_all_that_was_fetched_is_handed_over() {
        let mut listening = Listening::new(Duration::ZERO);
        assert!(!listening.is_due());
        listening.drained();
        assert!(listening.is_due() && !listening.is_due());
    }
}
