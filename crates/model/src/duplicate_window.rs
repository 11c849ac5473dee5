//! The duplicate window W, and the budget of records that may repeat and must fit into it.
//!
//! Terms: a record *repeats* if its publisher sends it again, because it does not know that the log
//! has it: after a crash, a lost acknowledgement, or by design where a source rewinds. The *distance*
//! of a repeat is the number of offsets between both copies. A processor drops a repeat whose
//! distance is at most W. An ingester's *resend budget* bounds the distances of its repeats, so a
//! record counts once exactly if the budget fits into the window (I4).

use std::fmt;
use std::iter::Sum;
use std::num::NonZeroU32;
use std::ops::Add;

use thiserror::Error;

/// The duplicate window W: the number of preceding offsets of a partition that a processor searches
/// for a duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DuplicateWindow(NonZeroU32);

impl DuplicateWindow {
    /// The default, 65,536 offsets.
    pub const STANDARD: Self = Self(NonZeroU32::MIN.saturating_add(65_535));
    /// The largest window, 1,048,576 offsets: a partition's window takes about 32 bytes an offset.
    pub const MAX: Self = Self(NonZeroU32::MIN.saturating_add((1 << 20) - 1));

    /// A window of `offsets`; `None` for zero and for more than [`DuplicateWindow::MAX`].
    #[must_use]
    pub const fn new(offsets: u32) -> Option<Self> {
        match NonZeroU32::new(offsets) {
            Some(window) if offsets <= Self::MAX.0.get() => Some(Self(window)),
            _ => None,
        }
    }

    /// Its length, in offsets.
    #[must_use]
    pub const fn offsets(self) -> u32 {
        self.0.get()
    }

    /// Checks that no repeat of `budget` is farther away than this window reaches.
    ///
    /// # Errors
    /// [`WindowTooSmallError`] if one can be.
    pub fn check(self, budget: ResendBudget) -> Result<(), WindowTooSmallError> {
        if budget.total() > u64::from(self.offsets()) {
            return Err(WindowTooSmallError {
                window: self,
                budget,
            });
        }
        Ok(())
    }
}

impl fmt::Display for DuplicateWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many records of one topic may lie between a record and its repeat, by cause. The parts add
/// up, because a crash can repeat all of them one after another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResendBudget {
    /// Records of batches that are published and not acknowledged.
    pub in_flight: u64,
    /// Acknowledged records behind a cursor that is not saved yet.
    pub unsaved: u64,
    /// Records that a source requests again on purpose when it connects.
    pub rewind: u64,
    /// Records of a spool's chunk that is published and not committed.
    pub spool: u64,
}

impl ResendBudget {
    /// The largest distance of a repeat, in offsets.
    #[must_use]
    pub fn total(self) -> u64 {
        let parts = [self.in_flight, self.unsaved, self.rewind, self.spool];
        parts.into_iter().fold(0, u64::saturating_add)
    }
}

impl Add for ResendBudget {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            in_flight: self.in_flight.saturating_add(other.in_flight),
            unsaved: self.unsaved.saturating_add(other.unsaved),
            rewind: self.rewind.saturating_add(other.rewind),
            spool: self.spool.saturating_add(other.spool),
        }
    }
}

impl Sum for ResendBudget {
    fn sum<I: Iterator<Item = Self>>(budgets: I) -> Self {
        budgets.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for ResendBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            in_flight,
            unsaved,
            rewind,
            spool,
        } = self;
        write!(
            f,
            "{} records that can repeat after a crash ({in_flight} in flight, {unsaved} behind unsaved \
             cursors, {rewind} of rewinds, {spool} of the spool)",
            self.total()
        )
    }
}

/// A duplicate window that does not cover a resend budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a duplicate window of {window} offsets is too small for {budget}")]
pub struct WindowTooSmallError {
    /// The window.
    pub window: DuplicateWindow,
    /// The budget.
    pub budget: ResendBudget,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn window_has_bounds() {
        for (offsets, expected) in [
            (0, None),
            (1, Some(1)),
            (1 << 20, Some(1 << 20)),
            ((1 << 20) + 1, None),
        ] {
            assert_eq!(
                DuplicateWindow::new(offsets).map(DuplicateWindow::offsets),
                expected
            );
        }
    }

    #[test]
    fn error_names_window_and_parts() {
        let budget = ResendBudget {
            in_flight: 2_000,
            unsaved: 16_384,
            rewind: 6_000,
            spool: 0,
        };
        let error = DuplicateWindow::new(100)
            .unwrap()
            .check(budget)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "a duplicate window of 100 offsets is too small for 24384 records that can repeat after a \
             crash (2000 in flight, 16384 behind unsaved cursors, 6000 of rewinds, 0 of the spool)"
        );
    }

    fn budgets() -> impl Strategy<Value = ResendBudget> {
        let part = || prop_oneof![0..100_000u64, Just(u64::MAX)];
        (part(), part(), part(), part()).prop_map(|(in_flight, unsaved, rewind, spool)| {
            ResendBudget {
                in_flight,
                unsaved,
                rewind,
                spool,
            }
        })
    }

    proptest! {
        #[test]
        fn window_covers_exactly_budgets_up_to_its_length(
            budget in budgets(), offsets in 1..=DuplicateWindow::MAX.offsets(),
        ) {
            let window = DuplicateWindow::new(offsets).unwrap();
            prop_assert_eq!(window.check(budget).is_ok(), budget.total() <= u64::from(offsets));
        }

        #[test]
        fn sum_of_budgets_has_sum_of_totals(budgets in proptest::collection::vec(budgets(), 0..5)) {
            let total = budgets.iter().fold(0, |sum: u64, budget| sum.saturating_add(budget.total()));
            prop_assert_eq!(budgets.into_iter().sum::<ResendBudget>().total(), total);
        }
    }
}
