//! When rows of a replay are due: at a multiple of the pace of their event times.
//!
//! Terms: the *anchor* is the event time of one row and the uptime at which it was due. Guarantee:
//! a row is due as long after the anchor as its event time is later, divided by the speed, and
//! never earlier. A row that is out of order, or late because the log was slow, is due immediately.
//! A jump of more than a day, in either direction, moves the anchor without a wait, so that one row
//! with a wrong year does not stall the replay.

use std::time::Duration;

use moodvane_model::Timestamp;

use crate::config::Speed;

/// Rows that are due within so much time of the clock form one chunk.
const TICK_MS: f64 = 50.0;
const MAX_JUMP_MS: u64 = 86_400_000;

/// Computes when rows of one file are due.
#[derive(Debug)]
pub(super) struct Pacer {
    speed: Option<Speed>,
    anchor: Option<Anchor>,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    event_ms: i64,
    uptime: Duration,
    /// The latest event time since.
    latest_ms: i64,
}

/// The range of event time that one chunk may span at this speed, in milliseconds.
pub(super) fn tick_ms(speed: Speed) -> i64 {
    (TICK_MS * speed.factor()) as i64
}

impl Pacer {
    /// A pacer of this speed; without one all rows are due immediately.
    pub(super) fn new(speed: Option<Speed>) -> Self {
        Self {
            speed,
            anchor: None,
        }
    }

    /// The uptime at which rows are due whose latest event time is `event`. Call it in the order of
    /// the rows.
    pub(super) fn due(&mut self, event: Option<Timestamp>, uptime: Duration) -> Duration {
        let (Some(speed), Some(event)) = (self.speed, event) else {
            return uptime;
        };
        let event_ms = event.millis();
        let is_near = |anchor: &Anchor| event_ms.abs_diff(anchor.latest_ms) <= MAX_JUMP_MS;
        let Some(mut anchor) = self.anchor.filter(is_near) else {
            self.anchor = Some(Anchor {
                event_ms,
                uptime,
                latest_ms: event_ms,
            });
            return uptime;
        };
        anchor.latest_ms = anchor.latest_ms.max(event_ms);
        self.anchor = Some(anchor);
        let after_ms = u64::try_from(event_ms.saturating_sub(anchor.event_ms)).unwrap_or(0);
        let after = Duration::from_millis(after_ms).div_f64(speed.factor());
        (anchor.uptime + after).max(uptime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN_MS: i64 = 1_400_000_000_000;
    const DAY_MS: i64 = 86_400_000;

    /// When rows with these event times after the first are due, in milliseconds, at these uptimes.
    fn dues(factor: f64, rows: &[(i64, u64)]) -> Vec<u128> {
        let mut pacer = Pacer::new(Speed::new(factor));
        let due = |(after_ms, uptime_ms): &(i64, u64)| {
            let event = Timestamp::from_millis(BEGIN_MS + after_ms).ok();
            let due = pacer.due(event, Duration::from_millis(*uptime_ms));
            due.as_millis()
        };
        rows.iter().map(due).collect()
    }

    #[test]
    fn delays_rows_by_event_time_divided_by_speed() {
        for (factor, expected) in [
            (1.0, [7, 1_007, 60_007]),
            (10.0, [7, 107, 6_007]),
            (0.5, [7, 2_007, 120_007]),
            (1e6, [7, 7, 7]),
        ] {
            assert_eq!(dues(factor, &[(0, 7), (1_000, 7), (60_000, 7)]), expected);
        }
    }

    #[test]
    fn releases_late_and_disordered_rows_immediately_and_others_on_time() {
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
    fn skips_jumps_of_more_than_a_day_in_both_directions() {
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
    fn releases_rows_without_event_time_or_speed_immediately() {
        let now = Duration::from_millis(3);
        let late = Timestamp::from_millis(BEGIN_MS + 9_000).ok();
        let mut pacer = Pacer::new(Speed::new(1.0));
        pacer.due(Timestamp::from_millis(BEGIN_MS).ok(), Duration::ZERO);
        assert_eq!(pacer.due(None, now), now);
        let mut pacer = Pacer::new(None);
        pacer.due(Timestamp::from_millis(BEGIN_MS).ok(), Duration::ZERO);
        assert_eq!(pacer.due(late, now), now);
    }
}
