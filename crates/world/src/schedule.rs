//! The times of events as a closed-form sequence.
//!
//! Terms: an event's *slot* is its share of the hour, `3600 s / per_hour` wide; its *time* is a random
//! one within its slot.
//!
//! Guarantees: times are distinct and increase with the index. The index of any time is computed
//! directly, so that a stream can start anywhere.

use moodvane_model::Timestamp;

use crate::rng::{KeyedRng, Purpose};

const HOUR_US: u64 = 3_600_000_000;

/// The times of all events, in microseconds since 1970-01-01 UTC.
#[derive(Debug, Clone)]
pub struct Schedule {
    seed: u64,
    start_us: i64,
    per_hour: u64,
}

impl Schedule {
    /// Events from `start` on, `per_hour` of them in each hour after it; at least one.
    #[must_use]
    pub fn new(seed: u64, start: Timestamp, per_hour: u32) -> Self {
        Self {
            seed,
            start_us: start.millis() * 1_000,
            per_hour: u64::from(per_hour.max(1)),
        }
    }

    /// The time of event `index`, in microseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn time_of(&self, index: u64) -> i64 {
        let slot = self.slot_start(index);
        let width = self.slot_start(index + 1) - slot;
        let jitter = KeyedRng::new(self.seed, Purpose::Jitter, index).below(width);
        self.start_us.saturating_add_unsigned(slot + jitter)
    }

    /// The first event at or after a time, in microseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn first_at(&self, time_us: i64) -> u64 {
        if time_us <= self.start_us {
            return 0;
        }
        let index = self.slot_of(time_us.abs_diff(self.start_us));
        if self.time_of(index) >= time_us {
            index
        } else {
            index + 1
        }
    }

    /// The start of a slot, in microseconds after the start.
    fn slot_start(&self, index: u64) -> u64 {
        // Splits off whole hours: the product of index and HOUR_US would overflow within a few years.
        let (hours, rest) = (index / self.per_hour, index % self.per_hour);
        hours * HOUR_US + rest * HOUR_US / self.per_hour
    }

    /// The slot that contains a time, in microseconds after the start.
    fn slot_of(&self, offset_us: u64) -> u64 {
        let (hours, rest) = (offset_us / HOUR_US, offset_us % HOUR_US);
        let guess = hours * self.per_hour + rest * self.per_hour / HOUR_US;
        // A slot's start is rounded down, so the guess can be one too low, never too high.
        if self.slot_start(guess + 1) <= offset_us {
            guess + 1
        } else {
            guess
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedule() -> impl Strategy<Value = Schedule> {
        let start = 0i64..4_000_000_000_000;
        (any::<u64>(), start, 1u32..=3_600_000).prop_map(|(seed, ms, per_hour)| {
            Schedule::new(seed, Timestamp::from_millis(ms).unwrap(), per_hour)
        })
    }

    proptest! {
        #[test]
        fn times_increase_with_index(s in schedule(), index in 0u64..1_000_000_000) {
            prop_assert!(s.time_of(index) < s.time_of(index + 1));
            prop_assert!(s.time_of(index) >= s.start_us);
        }

        #[test]
        fn finds_index_of_time(s in schedule(), index in 0u64..1_000_000_000) {
            let time = s.time_of(index);
            prop_assert_eq!(s.first_at(time), index);
            prop_assert_eq!(s.first_at(time + 1), index + 1);
        }

        #[test]
        fn first_at_returns_first_event_from_time(s in schedule(), after in 0i64..400_000_000_000_000) {
            let time = s.start_us + after;
            let index = s.first_at(time);
            prop_assert!(s.time_of(index) >= time);
            prop_assert!(index == 0 || s.time_of(index - 1) < time);
        }

        #[test]
        fn every_hour_has_configured_count(s in schedule(), hour in 0i64..50_000) {
            let hour_us = HOUR_US as i64;
            let first = s.first_at(s.start_us + hour * hour_us);
            let next = s.first_at(s.start_us + (hour + 1) * hour_us);
            prop_assert_eq!(next - first, s.per_hour);
        }
    }
}
