//! When what a file says is due: at the pace at which it happened, or some times that.
//!
//! Terms: the *anchor* is the own time of one row, and the uptime at which it was due. Guarantee: a row
//! is due as much after the anchor as it happened later, divided by the speed, and never earlier; one
//! that is out of order, or late because the log was, is due at once. A jump of more than a day, either
//! way, is not waited for: it moves the anchor, so that one wrong year holds up nobody.

use std::time::Duration;

use moodvane_model::Timestamp;

use crate::config::Speed;

/// What is due within so much of the clock's time is taken together.
const TICK_MS: f64 = 50.0;
const MAX_JUMP_MS: u64 = 86_400_000;

/// The pace of one file.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Option<Speed>,
    anchor: Option<Anchor>,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    at_ms: i64,
    uptime: Duration,
    /// The latest own time since.
    reached_ms: i64,
}

/// How much of the rows' own time may be taken together at this speed, in milliseconds.
pub(super) fn tick_ms(speed: Speed) -> i64 {
    (TICK_MS * speed.times()) as i64
}

impl Pace {
    pub(super) fn new(speed: Option<Speed>) -> Self {
        Self {
            speed,
            anchor: None,
        }
    }

    /// The uptime at which rows whose latest is of `at` are due, asked in their order.
    pub(super) fn due(&mut self, at: Option<Timestamp>, uptime: Duration) -> Duration {
        let (Some(speed), Some(at)) = (self.speed, at) else {
            return uptime;
        };
        let at_ms = at.millis();
        let near = |anchor: &Anchor| at_ms.abs_diff(anchor.reached_ms) <= MAX_JUMP_MS;
        let Some(mut anchor) = self.anchor.filter(near) else {
            self.anchor = Some(Anchor {
                at_ms,
                uptime,
                reached_ms: at_ms,
            });
            return uptime;
        };
        anchor.reached_ms = anchor.reached_ms.max(at_ms);
        self.anchor = Some(anchor);
        let after_ms = u64::try_from(at_ms.saturating_sub(anchor.at_ms)).unwrap_or(0);
        let after = Duration::from_millis(after_ms).div_f64(speed.times());
        (anchor.uptime + after).max(uptime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN_MS: i64 = 1_400_000_000_000;
    const DAY_MS: i64 = 86_400_000;

    /// When rows with these times after the first are due, in milliseconds, asked at `uptimes`.
    fn dues(times: f64, rows: &[(i64, u64)]) -> Vec<u128> {
        let mut pace = Pace::new(Speed::new(times));
        let due = |(after_ms, uptime_ms): &(i64, u64)| {
            let at = Timestamp::from_millis(BEGIN_MS + after_ms).ok();
            let due = pace.due(at, Duration::from_millis(*uptime_ms));
            due.as_millis()
        };
        rows.iter().map(due).collect()
    }

    #[test]
    fn a_row_is_due_as_much_later_as_it_happened_later() {
        for (times, expected) in [
            (1.0, [7, 1_007, 60_007]),
            (10.0, [7, 107, 6_007]),
            (0.5, [7, 2_007, 120_007]),
            (1e6, [7, 7, 7]),
        ] {
            assert_eq!(dues(times, &[(0, 7), (1_000, 7), (60_000, 7)]), expected);
        }
    }

    #[test]
    fn what_is_out_of_order_or_late_is_due_at_once_and_makes_nothing_else_early() {
        let rows = [
            (0, 0),
            (-5_000, 10),
            (2_000, 20),
            (1_000, 30),
            (3_000, 9_000),
        ];
        assert_eq!(dues(1.0, &rows), [0, 10, 2_000, 1_000, 9_000]);
    }

    #[test]
    fn a_jump_of_more_than_a_day_is_not_waited_for_either_way() {
        let rows = [
            (0, 0),
            (DAY_MS, 0),
            (2 * DAY_MS + 1, 5),
            (2 * DAY_MS + 1_001, 5),
            (1_000, 10),
            (2_000, 10),
        ];
        let day = DAY_MS as u128;
        assert_eq!(dues(1.0, &rows), [0, day, 5, 1_005, 10, 1_010]);
    }

    #[test]
    fn a_row_without_a_time_and_a_file_without_a_speed_are_due_at_once() {
        let now = Duration::from_millis(3);
        let late = Timestamp::from_millis(BEGIN_MS + 9_000).ok();
        let mut pace = Pace::new(Speed::new(1.0));
        pace.due(Timestamp::from_millis(BEGIN_MS).ok(), Duration::ZERO);
        assert_eq!(pace.due(None, now), now);
        let mut pace = Pace::new(None);
        pace.due(Timestamp::from_millis(BEGIN_MS).ok(), Duration::ZERO);
        assert_eq!(pace.due(late, now), now);
    }
}
