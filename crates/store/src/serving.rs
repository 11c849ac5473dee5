//! Which run serves which hours.
//!
//! A switch names a run and the first hour that the run covers completely. The run of the latest
//! switch whose first hour is not after an hour serves that hour.

use moodvane_model::{HourRange, HourSlot};

/// A serving run and its first hour. `R` is the store's internal name of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Serving<R> {
    pub(crate) run: R,
    pub(crate) from: HourSlot,
}

/// Splits a range into the spans that each run serves, in order of the hours. `serving` has the
/// latest switch first.
pub(crate) fn spans<R: Clone>(serving: &[Serving<R>], range: HourRange) -> Vec<(R, HourRange)> {
    let mut spans = Vec::new();
    let mut end = Some(range.end());
    for Serving { run, from } in serving {
        let Some(last) = end.filter(|last| last >= from && *last >= range.begin()) else {
            continue;
        };
        let begin = (*from).max(range.begin());
        if let Ok(span) = HourRange::new(begin, last) {
            spans.push((run.clone(), span));
        }
        end = begin.checked_add(-1);
    }
    spans.reverse();
    spans
}

/// The first hour that a run serves; `None` where it serves none.
pub(crate) fn first_served_hour<R: Clone + PartialEq>(
    serving: &[Serving<R>],
    run: &R,
) -> Option<HourSlot> {
    let from = serving.iter().position(|s| s.run == *run)?;
    // Each later switch takes over the hours from its first hour on.
    let later = serving[..from].iter().map(|s| s.from).min();
    let own = serving[from].from;
    later.is_none_or(|later| own < later).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hour(index: u32) -> HourSlot {
        HourSlot::from_index(index).unwrap()
    }

    proptest! {
        /// Compares the spans with the rule, hour by hour.
        #[test]
        fn latest_switch_serves_each_hour(
            switches in proptest::collection::vec(0u32..40, 0..5), begin in 0u32..40, length in 0u32..20,
        ) {
            let serving: Vec<_> = switches.iter().enumerate()
                .map(|(run, from)| Serving { run, from: hour(*from) }).collect();
            let range = HourRange::new(hour(begin), hour(begin + length)).unwrap();
            let served: Vec<_> = spans(&serving, range).into_iter()
                .flat_map(|(run, span)| span.iter().map(move |h| (h, run))).collect();
            let expected: Vec<_> = range.iter()
                .filter_map(|h| serving.iter().find(|s| s.from <= h).map(|s| (h, s.run)))
                .collect();
            prop_assert_eq!(&served, &expected);
            if begin == 0 && length > 0 {
                let all = HourRange::new(hour(0), hour(100)).unwrap();
                for run in 0..switches.len() {
                    let first = spans(&serving, all).into_iter().find(|(r, _)| *r == run);
                    prop_assert_eq!(first_served_hour(&serving, &run), first.map(|(_, s)| s.begin()));
                }
            }
        }
    }
}
