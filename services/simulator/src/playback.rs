//! The order in which events are delivered.
//!
//! Terms: a *delivery* is one sending of an event; it is *due* at its own time, by a *delay* after the
//! event's time; a *copy* is a second delivery of the same event.
//!
//! Guarantees: delays and copies depend on the configuration and the event alone, so every client sees
//! the same order. An event is never due before its own time or later than `disorder` after it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use moodvane_world::{KeyedRng, Purpose, Schedule};

use crate::config::SimulatorConfig;

/// Maximum delay of a copy after the first delivery.
const MAX_COPY_DELAY_US: u64 = 20_000_000;
/// The share of events with a delay, if there is disorder.
const LATE_SHARE: f64 = 0.3;

/// One delivery of an event, ordered by time, then by event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Delivery {
    pub(crate) due_us: i64,
    pub(crate) index: u64,
    pub(crate) copy: bool,
}

/// Computes the deliveries of each event.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryOrder {
    seed: u64,
    schedule: Schedule,
    disorder_us: u64,
    duplicate_share: f64,
}

impl DeliveryOrder {
    pub(crate) fn new(config: &SimulatorConfig, schedule: Schedule) -> Self {
        Self {
            seed: config.seed,
            schedule,
            disorder_us: micros(config.disorder),
            duplicate_share: config.duplicate_share,
        }
    }

    /// Maximum delay of any delivery, in microseconds.
    fn max_delay_us(&self) -> u64 {
        let copies = if self.duplicate_share > 0.0 {
            MAX_COPY_DELAY_US
        } else {
            0
        };
        self.disorder_us + copies
    }

    /// The first delivery of an event, and its copy if it has one.
    fn deliveries(&self, index: u64) -> (Delivery, Option<Delivery>) {
        let mut rng = KeyedRng::new(self.seed, Purpose::Order, index);
        let late = rng.chance(LATE_SHARE);
        let delay = rng.below(self.disorder_us + 1);
        let first = Delivery {
            due_us: self
                .schedule
                .time_of(index)
                .saturating_add_unsigned(if late { delay } else { 0 }),
            index,
            copy: false,
        };
        let copied = rng.chance(self.duplicate_share);
        let copy = Delivery {
            due_us: first
                .due_us
                .saturating_add_unsigned(1 + rng.below(MAX_COPY_DELAY_US - 1)),
            copy: true,
            ..first
        };
        (first, copied.then_some(copy))
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Iterates over deliveries in order. Buffers only those that later events may still overtake.
#[derive(Debug)]
pub(crate) struct Playback {
    order: DeliveryOrder,
    next: u64,
    copies: bool,
    after_us: i64,
    pending: BinaryHeap<Reverse<Delivery>>,
}

impl Playback {
    /// Starts at the first event at or after `cursor_us`.
    pub(crate) fn from_cursor(order: DeliveryOrder, cursor_us: i64) -> Self {
        Self {
            next: order.schedule.first_at(cursor_us),
            order,
            copies: true,
            after_us: i64::MIN,
            pending: BinaryHeap::new(),
        }
    }

    /// Starts at the first delivery after `now_us`, including delayed earlier events.
    pub(crate) fn live(order: DeliveryOrder, now_us: i64) -> Self {
        let oldest = now_us.saturating_sub_unsigned(order.max_delay_us());
        Self {
            after_us: now_us,
            ..Self::from_cursor(order, oldest)
        }
    }

    /// Starts at the first event, without copies.
    pub(crate) fn without_duplicates(order: DeliveryOrder) -> Self {
        Self {
            copies: false,
            ..Self::from_cursor(order, i64::MIN)
        }
    }

    /// Returns the next delivery if it is due at `now_us`.
    pub(crate) fn next_due(&mut self, now_us: i64) -> Option<Delivery> {
        if self.next_due_us() > now_us {
            return None;
        }
        self.pending.pop().map(|Reverse(delivery)| delivery)
    }

    /// The due time of the next delivery; there is always one.
    pub(crate) fn next_due_us(&mut self) -> i64 {
        loop {
            let upcoming = self.order.schedule.time_of(self.next);
            match self.pending.peek() {
                // No event from `next` on is due before its own time.
                Some(Reverse(first)) if first.due_us < upcoming => return first.due_us,
                _ => self.enqueue_next(),
            }
        }
    }

    fn enqueue_next(&mut self) {
        let (first, copy) = self.order.deliveries(self.next);
        let copy = copy.filter(|_| self.copies);
        for delivery in std::iter::once(first).chain(copy) {
            if delivery.due_us > self.after_us {
                self.pending.push(Reverse(delivery));
            }
        }
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{config, start};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn order(disorder_s: u64, duplicate_share: f64) -> DeliveryOrder {
        let config = SimulatorConfig {
            disorder: Duration::from_secs(disorder_s),
            duplicate_share,
            posts_per_hour: 3_600,
            ..config()
        };
        let schedule = Schedule::new(config.seed, config.start, config.posts_per_hour);
        DeliveryOrder::new(&config, schedule)
    }

    fn after_start(seconds: i64) -> i64 {
        start().millis() * 1_000 + seconds * 1_000_000
    }

    fn due(mut playback: Playback, until_us: i64) -> Vec<Delivery> {
        std::iter::from_fn(|| playback.next_due(until_us)).collect()
    }

    #[test]
    fn delivers_in_event_order_without_disorder() {
        let all = due(Playback::from_cursor(order(0, 0.0), 0), after_start(600));
        let indices: Vec<u64> = all.iter().map(|s| s.index).collect();
        assert_eq!(indices, (0..600).collect::<Vec<_>>());
    }

    #[test]
    fn disorder_reorders_deliveries() {
        let all = due(Playback::from_cursor(order(30, 0.0), 0), after_start(600));
        assert!(all.windows(2).any(|w| w[0].index > w[1].index));
    }

    proptest! {
        #[test]
        fn disorder_and_copies_keep_set_of_events(
            disorder_s in 0u64..120, share in 0.0f64..=1.0,
        ) {
            // The maximum delay of events before 600 s ends before `until`.
            let until = after_start(600 + 120 + 21);
            let sent = due(Playback::from_cursor(order(disorder_s, share), 0), until);
            let early: BTreeSet<u64> = sent.iter().map(|s| s.index).filter(|i| *i < 600).collect();
            prop_assert_eq!(early.len(), 600);
            let firsts = sent.iter().filter(|s| !s.copy).map(|s| s.index);
            prop_assert_eq!(firsts.clone().count(), firsts.collect::<BTreeSet<_>>().len());
            prop_assert!(sent.windows(2).all(|w| w[0] < w[1]));
        }

        #[test]
        fn delays_stay_within_bounds(disorder_s in 0u64..120) {
            let order = order(disorder_s, 0.5);
            let schedule = order.schedule.clone();
            for delivery in due(Playback::from_cursor(order, 0), after_start(300)) {
                let delay = delivery.due_us - schedule.time_of(delivery.index);
                let disorder_us = disorder_s as i64 * 1_000_000;
                let copy_us = if delivery.copy { MAX_COPY_DELAY_US as i64 } else { 0 };
                prop_assert!((0..=disorder_us + copy_us).contains(&delay));
            }
        }

        #[test]
        fn live_equals_replay_after_now(
            now_s in 0i64..600, disorder_s in 0u64..60, share in 0.0f64..=1.0,
        ) {
            let (now, until) = (after_start(now_s), after_start(700));
            let mut all = due(Playback::from_cursor(order(disorder_s, share), 0), until);
            all.retain(|delivery| delivery.due_us > now);
            prop_assert_eq!(due(Playback::live(order(disorder_s, share), now), until), all);
        }

        #[test]
        fn cursor_selects_exactly_later_events(
            cursor_s in 0i64..600, disorder_s in 0u64..60, share in 0.0f64..=1.0,
        ) {
            let order = order(disorder_s, share);
            let (cursor, until) = (after_start(cursor_s), after_start(700));
            let mut all = due(Playback::from_cursor(order.clone(), 0), until);
            all.retain(|delivery| order.schedule.time_of(delivery.index) >= cursor);
            prop_assert_eq!(due(Playback::from_cursor(order, cursor), until), all);
        }
    }
}
