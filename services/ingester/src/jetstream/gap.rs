//! Detects a Jetstream server that resumes later than requested.
//!
//! Terms: the *end* is the latest acknowledged event of the connection before. A connection starts
//! before the end, by the rewind, so a server that still has the requested events sends the end or
//! an earlier event. Guarantee: a server whose events all lie after the end is detected, however
//! short the gap, once it has sent more events than disorder explains. Without a rewind only a long
//! gap is detected.

/// A server may reorder fewer events than this when it changes from stored to live events.
const MAX_REORDERED: usize = 20;
/// A gap of this length is reported at once, and also without a rewind.
const LONG_GAP_US: i64 = 600_000_000;

/// Decides whether a resumed stream has a gap.
#[derive(Debug)]
pub(super) struct GapDetector {
    /// The latest acknowledged time of the connection before.
    end: i64,
    /// An event up to this time shows that the server has all requested events.
    no_gap_until: i64,
    earliest: i64,
    seen: usize,
}

impl GapDetector {
    /// A stream that starts at `start` and continues events acknowledged up to `end`. Its clock and
    /// the clock of `end` differ by less than `skew`.
    pub(super) fn new(start: i64, end: i64, skew: i64) -> Self {
        let tolerance = if start < end { skew } else { LONG_GAP_US };
        Self {
            end,
            no_gap_until: end.saturating_add(tolerance),
            earliest: i64::MAX,
            seen: 0,
        }
    }

    /// Adds the next events' times. Returns the length of the gap in microseconds, 0 for none, once
    /// it is known.
    pub(super) fn gap(&mut self, times: &[i64]) -> Option<i64> {
        for time in times {
            if *time <= self.no_gap_until {
                return Some(0);
            }
            self.earliest = self.earliest.min(*time);
            self.seen += 1;
        }
        if self.seen == 0 {
            return None;
        }
        let gap = self.earliest.saturating_sub(self.end);
        (gap > LONG_GAP_US || self.seen >= MAX_REORDERED).then_some(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;
    const END: i64 = 1_700_000_000 * S;

    /// The detected gap in seconds, of a stream whose events arrive one by one.
    fn detected(mut detector: GapDetector, after_s: impl IntoIterator<Item = i64>) -> Option<i64> {
        let mut gaps = after_s
            .into_iter()
            .map(|after_s| detector.gap(&[END + after_s * S]));
        gaps.find_map(|gap| gap).map(|us| us / S)
    }

    fn rewound() -> GapDetector {
        GapDetector::new(END - 5 * S, END, 0)
    }

    #[test]
    fn finds_no_gap_in_stream_with_event_up_to_end() {
        assert_eq!(detected(rewound(), [-5]), Some(0));
        assert_eq!(detected(rewound(), [0]), Some(0));
        // It starts much earlier than requested.
        assert_eq!(detected(rewound(), [-3_000]), Some(0));
        // Some events overtake others.
        assert_eq!(detected(rewound(), [90, 91, 92, -4]), Some(0));
    }

    #[test]
    fn reports_short_gap_after_reordering_limit_and_long_gap_at_once() {
        assert_eq!(
            detected(rewound(), 7..26),
            None,
            "19 events may be reordered"
        );
        assert_eq!(detected(rewound(), 7..27), Some(7));
        assert_eq!(detected(rewound(), [9].into_iter().chain(7..26)), Some(7));
        assert_eq!(detected(rewound(), [601]), Some(601));
        assert_eq!(rewound().gap(&[]), None);
    }

    #[test]
    fn allows_clock_skew_between_hosts() {
        let other = || GapDetector::new(END - 60 * S, END, 60 * S);
        assert_eq!(detected(other(), 60..90), Some(0));
        assert_eq!(detected(other(), 61..90), Some(61));
    }

    #[test]
    fn detects_only_long_gap_without_rewind() {
        let exact = || GapDetector::new(END, END, 0);
        assert_eq!(detected(exact(), 1..900), Some(0));
        assert_eq!(detected(exact(), 601..900), Some(601));
    }
}
