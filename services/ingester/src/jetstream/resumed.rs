//! Whether a stream was taken up where it was asked to be.
//!
//! Terms: the *end* is the latest event that was acknowledged before. A connection begins before the end, by
//! the rewind: so a server that still has what it was asked for sends at least the end again, or
//! something of before. Guarantee: a server of which every event lies after the end is noticed, however
//! short the gap, once it sent enough of them that no disorder explains it; with no rewind to go by, one
//! whose first events lie far after the end.

/// At a change from the past to the present a server may send a few events too soon.
const ENOUGH: usize = 20;
/// A gap so long is told at once, and where there is no rewind.
const LONG_US: i64 = 600_000_000;

/// A stream of which it is not yet known whether it has a gap.
#[derive(Debug)]
pub(super) struct Resumed {
    /// The latest time that was acknowledged before.
    end: i64,
    /// A server that has an event up to here has all that was asked for.
    known: i64,
    least: i64,
    seen: usize,
}

impl Resumed {
    /// A stream that was asked for from `asked` on, where all up to `end` is acknowledged; its clock and
    /// the one that `end` is of differ by less than `skew`.
    pub(super) fn new(asked: i64, end: i64, skew: i64) -> Self {
        let known = if asked < end { skew } else { LONG_US };
        Self {
            end,
            known: end.saturating_add(known),
            least: i64::MAX,
            seen: 0,
        }
    }

    /// Looks at the next events' times. What is missing, in microseconds, 0 for nothing, once that is
    /// known.
    pub(super) fn gap(&mut self, times: &[i64]) -> Option<i64> {
        for time in times {
            if *time <= self.known {
                return Some(0);
            }
            self.least = self.least.min(*time);
            self.seen += 1;
        }
        if self.seen == 0 {
            return None;
        }
        let gap = self.least.saturating_sub(self.end);
        (gap > LONG_US || self.seen >= ENOUGH).then_some(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;
    const END: i64 = 1_700_000_000 * S;

    /// The first answer that is one, of a stream whose events come one by one.
    fn told(mut resumed: Resumed, after_s: impl IntoIterator<Item = i64>) -> Option<i64> {
        let mut gaps = after_s
            .into_iter()
            .map(|after_s| resumed.gap(&[END + after_s * S]));
        gaps.find_map(|gap| gap).map(|us| us / S)
    }

    fn rewound() -> Resumed {
        Resumed::new(END - 5 * S, END, 0)
    }

    #[test]
    fn a_server_that_has_the_end_or_what_was_before_it_has_no_gap() {
        assert_eq!(told(rewound(), [-5]), Some(0));
        assert_eq!(told(rewound(), [0]), Some(0));
        // It began much earlier than it was asked to.
        assert_eq!(told(rewound(), [-3_000]), Some(0));
        // Some events overtook the others.
        assert_eq!(told(rewound(), [90, 91, 92, -4]), Some(0));
    }

    #[test]
    fn a_short_gap_is_told_once_no_disorder_explains_it_and_a_long_one_at_once() {
        assert_eq!(told(rewound(), 7..26), None, "19 may be disorder");
        assert_eq!(told(rewound(), 7..27), Some(7));
        assert_eq!(told(rewound(), [9].into_iter().chain(7..26)), Some(7));
        assert_eq!(told(rewound(), [601]), Some(601));
        assert_eq!(rewound().gap(&[]), None);
    }

    #[test]
    fn of_another_host_the_clock_may_be_a_minute_off() {
        let other = || Resumed::new(END - 60 * S, END, 60 * S);
        assert_eq!(told(other(), 60..90), Some(0));
        assert_eq!(told(other(), 61..90), Some(61));
    }

    #[test]
    fn without_a_rewind_only_a_long_gap_is_noticed() {
        let exact = || Resumed::new(END, END, 0);
        assert_eq!(told(exact(), 1..900), Some(0));
        assert_eq!(told(exact(), 601..900), Some(601));
    }
}
