//! A counter of work units, so that tests can check linear time without a clock.
//!
//! A unit is a visited byte, a compared table entry or an emitted feature. Outside of tests, the calls
//! compile to nothing.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static UNITS: Cell<u64> = const { Cell::new(0) };
}

/// Adds `units` to the counter.
#[inline(always)]
pub(crate) fn count_work(units: usize) {
    #[cfg(test)]
    UNITS.set(UNITS.get() + units as u64);
    #[cfg(not(test))]
    let _ = units;
}

/// The number of units that `work` takes.
#[cfg(test)]
pub(crate) fn measure(work: impl FnOnce()) -> u64 {
    let before = UNITS.get();
    work();
    UNITS.get() - before
}

#[cfg(test)]
mod tests {
    use crate::{DecisionRule, LexiconScorer, Scorer, TrainedScorer};

    /// Repeated in the test texts: each requires lookahead.
    const PATTERNS: [&str; 28] = [
        ":",
        "a",
        "#a",
        "@a.",
        "@a-b ",
        "aA",
        "#aA",
        "1a",
        "1",
        "é",
        "aé",
        "'",
        "a'",
        "a'll",
        "a b ",
        "😀",
        "👍🏽",
        "!?",
        "http://a ",
        "http:/",
        "www.",
        ".",
        ". .",
        ":) ",
        ":-",
        "#bestdayever ",
        "#😀",
        "xD ",
    ];
    const SHORT: usize = 512;
    const TIMES: usize = 32;

    fn work(scorer: &mut dyn Scorer, pattern: &str, bytes: usize) -> u64 {
        let text = pattern.repeat(bytes / pattern.len());
        super::measure(|| {
            scorer.score(&text);
        })
    }

    /// Checks that a text of 32 times the length takes at most 33 times the work.
    fn assert_linear(scorer: &mut dyn Scorer) {
        for pattern in PATTERNS {
            let short = work(scorer, pattern, SHORT);
            let long = work(scorer, pattern, SHORT * TIMES);
            assert!(short >= 64, "{pattern}: no work counted");
            assert!(
                long <= short * (TIMES as u64 + 1),
                "{pattern}: {short} units, and {long} for {TIMES} times the length"
            );
        }
    }

    #[test]
    fn work_is_linear_in_text_length() {
        assert_linear(&mut TrainedScorer::english(DecisionRule::Mean).unwrap());
        assert_linear(&mut LexiconScorer::new());
    }

    #[test]
    fn work_per_byte_is_bounded() {
        let mut scorer = TrainedScorer::english(DecisionRule::Mean).unwrap();
        for pattern in PATTERNS {
            let work = work(&mut scorer, pattern, SHORT);
            assert!(work <= 200 * SHORT as u64, "{pattern}: {work} units");
        }
    }
}
