//! Months: they divide rows into partitions of bounded size.

use std::fmt;

use moodvane_model::{HourRange, HourSlot};

/// One UTC month. Prints as `2018-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    year: u32,
    month: u32,
}

impl Month {
    /// The month that contains an hour.
    pub(super) fn containing(hour: HourSlot) -> Self {
        // An hour always prints as `2018-01-01 02`.
        let text = hour.to_string();
        let number = |range| text.get(range).and_then(|t: &str| t.parse().ok());
        Self {
            year: number(0..4).unwrap_or_default(),
            month: number(5..7).unwrap_or_default(),
        }
    }

    /// The first hour of the next month, if there is one.
    fn end(self) -> Option<HourSlot> {
        let (year, month) = match self.month {
            12 => (self.year + 1, 1),
            month => (self.year, month + 1),
        };
        format!("{year:04}-{month:02}-01 00").parse().ok()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// Splits a range by month, in order.
pub(super) fn split_by_month(range: HourRange) -> Vec<(Month, HourRange)> {
    let mut months = Vec::new();
    let mut next = Some(range.begin());
    while let Some(begin) = next.filter(|begin| *begin <= range.end()) {
        let month = Month::containing(begin);
        next = month.end();
        let last = next.and_then(|hour| hour.checked_add(-1));
        let end = last.unwrap_or(range.end()).min(range.end());
        if let Ok(span) = HourRange::new(begin, end) {
            months.push((month, span));
        }
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
        assert_eq!(
            split_by_month(last),
            [(
                Month {
                    year: 9999,
                    month: 12
                },
                last
            )]
        );
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
