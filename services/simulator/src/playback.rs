//! The order in which events are sent.
//!
//! Terms: an event is *due* when its sending time has come; its *delay* is how long after its own
//! time that is; a *copy* is the same event sent once more.
//!
//! Guarantee: delays and copies depend on the configuration and the event alone, so every client
//! sees the same order. An event is never due before its own time, nor later than `disorder` after.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::config::SimulatorConfig;
use crate::draws::{Draws, Purpose};
use crate::schedule::Schedule;

/// How long after an event its copy is sent at most.
const MAX_COPY_DELAY_US: u64 = 20_000_000;
/// The share of events that are late where there is disorder.
const LATE_SHARE: f64 = 0.3;

/// One sending of an event. Ordered by time, then by event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sending {
    pub(crate) due_us: i64,
    pub(crate) index: u64,
    pub(crate) copy: bool,
}

/// When events are sent.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    seed: u64,
    schedule: Schedule,
    disorder_us: u64,
    duplicate_share: f64,
}

impl Order {
    pub(crate) fn new(config: &SimulatorConfig, schedule: Schedule) -> Self {
        Self {
            seed: config.seed,
            schedule,
            disorder_us: micros(config.disorder),
            duplicate_share: config.duplicate_share,
        }
    }

    /// The longest that any sending of an event lies after the event, in microseconds.
    fn longest_delay_us(&self) -> u64 {
        let copies = if self.duplicate_share > 0.0 {
            MAX_COPY_DELAY_US
        } else {
            0
        };
        self.disorder_us + copies
    }

    /// The sending of an event, and of its copy where it has one.
    fn sendings(&self, index: u64) -> (Sending, Option<Sending>) {
        let mut draws = Draws::new(self.seed, Purpose::Order, index);
        let late = draws.happens(LATE_SHARE);
        let delay = draws.below(self.disorder_us + 1);
        let first = Sending {
            due_us: self
                .schedule
                .time_of(index)
                .saturating_add_unsigned(if late { delay } else { 0 }),
            index,
            copy: false,
        };
        let copied = draws.happens(self.duplicate_share);
        let copy = Sending {
            due_us: first
                .due_us
                .saturating_add_unsigned(1 + draws.below(MAX_COPY_DELAY_US - 1)),
            copy: true,
            ..first
        };
        (first, copied.then_some(copy))
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Walks through sendings in order. Holds only those that later events may still overtake.
#[derive(Debug)]
pub(crate) struct Playback {
    order: Order,
    next: u64,
    copies: bool,
    after_us: i64,
    waiting: BinaryHeap<Reverse<Sending>>,
}

impl Playback {
    /// Every event at or after `cursor_us`, by its own time.
    pub(crate) fn from_cursor(order: Order, cursor_us: i64) -> Self {
        Self {
            next: order.schedule.first_at(cursor_us),
            order,
            copies: true,
            after_us: i64::MIN,
            waiting: BinaryHeap::new(),
        }
    }

    /// Every sending after `now_us`, whatever the event's own time.
    pub(crate) fn live(order: Order, now_us: i64) -> Self {
        let oldest = now_us.saturating_sub_unsigned(order.longest_delay_us());
        Self {
            after_us: now_us,
            ..Self::from_cursor(order, oldest)
        }
    }

    /// Every event from the beginning, each once.
    pub(crate) fn once(order: Order) -> Self {
        Self {
            copies: false,
            ..Self::from_cursor(order, i64::MIN)
        }
    }

    /// The next sending if it is due at `now_us`.
    pub(crate) fn next_due(&mut self, now_us: i64) -> Option<Sending> {
        if self.next_due_us() > now_us {
            return None;
        }
        self.waiting.pop().map(|Reverse(sending)| sending)
    }

    /// When the next sending is due. There is always one.
    pub(crate) fn next_due_us(&mut self) -> i64 {
        loop {
            let upcoming = self.order.schedule.time_of(self.next);
            match self.waiting.peek() {
                // No event from `next` on can be sent before its own time.
                Some(Reverse(first)) if first.due_us < upcoming => return first.due_us,
                _ => self.enqueue_next(),
            }
        }
    }

    fn enqueue_next(&mut self) {
        let (first, copy) = self.order.sendings(self.next);
        let copy = copy.filter(|_| self.copies);
        for sending in std::iter::once(first).chain(copy) {
            if sending.due_us > self.after_us {
                self.waiting.push(Reverse(sending));
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

    fn order(disorder_s: u64, duplicate_share: f64) -> Order {
        let config = SimulatorConfig {
            disorder: Duration::from_secs(disorder_s),
            duplicate_share,
            posts_per_hour: 3_600,
            ..config()
        };
        let schedule = Schedule::new(config.seed, config.start, config.posts_per_hour);
        Order::new(&config, schedule)
    }

    fn after_start(seconds: i64) -> i64 {
        start().millis() * 1_000 + seconds * 1_000_000
    }

    fn due(mut playback: Playback, until_us: i64) -> Vec<Sending> {
        std::iter::from_fn(|| playback.next_due(until_us)).collect()
    }

    #[test]
    fn without_disorder_events_are_sent_in_their_order() {
        let all = due(Playback::from_cursor(order(0, 0.0), 0), after_start(600));
        let indices: Vec<u64> = all.iter().map(|s| s.index).collect();
        assert_eq!(indices, (0..600).collect::<Vec<_>>());
    }

    #[test]
    fn disorder_lets_later_events_overtake() {
        let all = due(Playback::from_cursor(order(30, 0.0), 0), after_start(600));
        assert!(all.windows(2).any(|w| w[0].index > w[1].index));
    }

    proptest! {
        #[test]
        fn the_set_of_events_is_the_same_whatever_the_order_and_the_copies(
            disorder_s in 0u64..120, share in 0.0f64..=1.0,
        ) {
            // Everything up to 600 s is sent by the end of the longest delay.
            let until = after_start(600 + 120 + 21);
            let sent = due(Playback::from_cursor(order(disorder_s, share), 0), until);
            let early: BTreeSet<u64> = sent.iter().map(|s| s.index).filter(|i| *i < 600).collect();
            prop_assert_eq!(early.len(), 600);
            let firsts = sent.iter().filter(|s| !s.copy).map(|s| s.index);
            prop_assert_eq!(firsts.clone().count(), firsts.collect::<BTreeSet<_>>().len());
            prop_assert!(sent.windows(2).all(|w| w[0] < w[1]));
        }

        #[test]
        fn nothing_is_sent_before_its_time_or_long_after(disorder_s in 0u64..120) {
            let order = order(disorder_s, 0.5);
            let schedule = order.schedule.clone();
            for sending in due(Playback::from_cursor(order, 0), after_start(300)) {
                let delay = sending.due_us - schedule.time_of(sending.index);
                let most = disorder_s as i64 * 1_000_000;
                let most = if sending.copy { most + MAX_COPY_DELAY_US as i64 } else { most };
                prop_assert!((0..=most).contains(&delay));
            }
        }

        #[test]
        fn live_is_what_a_client_from_the_beginning_would_see_from_now_on(
            now_s in 0i64..600, disorder_s in 0u64..60, share in 0.0f64..=1.0,
        ) {
            let (now, until) = (after_start(now_s), after_start(700));
            let mut all = due(Playback::from_cursor(order(disorder_s, share), 0), until);
            all.retain(|sending| sending.due_us > now);
            prop_assert_eq!(due(Playback::live(order(disorder_s, share), now), until), all);
        }

        #[test]
        fn a_cursor_gives_all_events_from_it_on_and_none_before(
            cursor_s in 0i64..600, disorder_s in 0u64..60, share in 0.0f64..=1.0,
        ) {
            let order = order(disorder_s, share);
            let (cursor, until) = (after_start(cursor_s), after_start(700));
            let mut all = due(Playback::from_cursor(order.clone(), 0), until);
            all.retain(|sending| order.schedule.time_of(sending.index) >= cursor);
            prop_assert_eq!(due(Playback::from_cursor(order, cursor), until), all);
        }
    }
}
