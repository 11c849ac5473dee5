//! Months: they divide rows into partitions of bounded size.

use std::fmt;

use moodvane_model::{HourRange, HourSlot};

/// The most hours of a month.
const MAX_HOURS: i32 = 31 * 24;

/// One UTC month, by its first hour. Prints as `2018-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Month(HourSlot);

impl Month {
    /// The month that contains an hour.
    pub(super) fn containing(hour: HourSlot) -> Self {
        let first = format!("{}-01 00", prefix(hour, "2018-01".len())).parse();
        Self(first.unwrap_or(hour))
    }

    /// All its hours.
    pub(super) fn range(self) -> HourRange {
        let next = self.next();
        let last = next.map_or(MAX_HOURS, |next| {
            (next.index() - self.0.index()).cast_signed()
        });
        let last = self.0.checked_add(last - 1).unwrap_or(self.0);
        HourRange::new(self.0, last).unwrap_or(self.0.into())
    }

    /// The name of its year: `2018`.
    pub(super) fn year_name(self) -> String {
        prefix(self.0, "2018".len())
    }

    /// The first hour of the next month, if there is one.
    fn next(self) -> Option<HourSlot> {
        let in_next = self.0.checked_add(MAX_HOURS)?;
        Some(Self::containing(in_next).0)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&prefix(self.0, "2018-01".len()))
    }
}

/// The first characters of an hour, which always prints as `2018-01-01 02`.
pub(super) fn prefix(hour: HourSlot, length: usize) -> String {
    hour.to_string().chars().take(length).collect()
}

/// Splits a range by month, in order.
pub(super) fn split_by_month(range: HourRange) -> Vec<(Month, HourRange)> {
    let mut months = Vec::new();
    let mut next = Some(range.begin());
    while let Some(begin) = next.filter(|begin| *begin <= range.end()) {
        let month = Month::containing(begin);
        let last = month.range().end();
        if let Ok(span) = HourRange::new(begin, last.min(range.end())) {
            months.push((month, span));
        }
        next = last.checked_add(1);
    }
    months
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hour(text: &str) -> HourSlot {
        text.parse().unwrap()
    }

    #[test]
    fn splits_year_into_months_and_reaches_last_hour() {
        let year = HourRange::new(hour("2016-01-01 00"), hour("2016-12-31 23")).unwrap();
        let names: Vec<_> = split_by_month(year)
            .iter()
            .map(|(m, _)| m.to_string())
            .collect();
        assert_eq!(names.len(), 12);
        assert_eq!([&names[0], &names[11]], ["2016-01", "2016-12"]);
        let last = HourRange::new(hour("9999-12-31 22"), hour("9999-12-31 23")).unwrap();
        assert_eq!(split_by_month(last), [(Month(hour("9999-12-01 00")), last)]);
    }

    proptest! {
        #[test]
        fn splits_range_into_ordered_months(
            begin in 0u32..2_000_000, length in 0u32..5_000,
        ) {
            let at = |index| HourSlot::from_index(index).unwrap();
            let range = HourRange::new(at(begin), at(begin + length)).unwrap();
            let cut = split_by_month(range);
            let hours: Vec<_> = cut.iter().flat_map(|(_, span)| span.iter()).collect();
            prop_assert_eq!(hours, range.iter().collect::<Vec<_>>());
            for (month, span) in cut {
                prop_assert_eq!(Month::containing(span.begin()), month);
                prop_assert_eq!(Month::containing(span.end()), month);
                prop_assert!(span.end().to_string().starts_with(&month.to_string()));
            }
        }
    }
}
