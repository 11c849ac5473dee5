//! Counts the work of a reading, in tests only: so a test can say without a clock that time is linear.
//!
//! A unit is a byte that was looked at, an entry of a table that was compared, or a feature that was
//! made. Outside of tests nothing is counted, and nothing is left of the calls.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static DONE: Cell<u64> = const { Cell::new(0) };
}

/// So many units were done.
#[inline(always)]
pub(crate) fn done(units: usize) {
    #[cfg(test)]
    DONE.set(DONE.get() + units as u64);
    #[cfg(not(test))]
    let _ = units;
}

/// How many units `work` takes.
#[cfg(test)]
pub(crate) fn of(work: impl FnOnce()) -> u64 {
    let before = DONE.get();
    work();
    DONE.get() - before
}

#[cfg(test)]
mod tests {
    use crate::{LexiconScorer, Rule, Scorer, TrainedScorer};

    /// What texts are made of: each begins something that a reader must look ahead for.
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
        super::of(|| {
            scorer.score(&text);
        })
    }

    /// A text that is 32 times as long takes at most 33 times the work, whatever it is made of.
    fn is_linear(scorer: &mut dyn Scorer) {
        for pattern in PATTERNS {
            let short = work(scorer, pattern, SHORT);
            let long = work(scorer, pattern, SHORT * TIMES);
            assert!(short >= 64, "{pattern}: nothing was counted");
            assert!(
                long <= short * (TIMES as u64 + 1),
                "{pattern}: {short} units, and {long} for {TIMES} times the length"
            );
        }
    }

    #[test]
    fn the_work_of_a_score_is_linear_in_the_length() {
        is_linear(&mut TrainedScorer::english(Rule::Mean).unwrap());
        is_linear(&mut LexiconScorer::new());
    }

    #[test]
    fn no_byte_of_any_pattern_takes_more_than_a_bounded_work() {
        let mut scorer = TrainedScorer::english(Rule::Mean).unwrap();
        for pattern in PATTERNS {
            let work = work(&mut scorer, pattern, SHORT);
            assert!(work <= 200 * SHORT as u64, "{pattern}: {work} units");
        }
    }
}
