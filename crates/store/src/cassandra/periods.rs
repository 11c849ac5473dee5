//! Periods: the months and days of UTC whose hours are kept merged.
//!
//! A *block* is the partition that holds the periods of one unit: the months of a year, the days of a
//! month.

use moodvane_model::{HourRange, HourSlot};

use super::months::{Month, prefix};

const HOURS_PER_DAY: u32 = 24;

/// A month or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Period {
    Month(Month),
    /// The first hour of the day.
    Day(HourSlot),
}

impl Period {
    pub(super) fn day(hour: HourSlot) -> Self {
        let first = hour.index() - hour.index() % HOURS_PER_DAY;
        Self::Day(HourSlot::from_index(first).unwrap_or(hour))
    }

    /// The periods that contain an hour.
    pub(super) fn containing(hour: HourSlot) -> [Self; 2] {
        [Self::Month(Month::containing(hour)), Self::day(hour)]
    }

    /// Its name within its block: `2018-01` or `2018-01-17`.
    pub(super) fn name(self) -> String {
        match self {
            Self::Month(month) => month.to_string(),
            Self::Day(first) => prefix(first, "2018-01-17".len()),
        }
    }

    /// The name of its block: `2018` of months, `2018-01` of days.
    pub(super) fn block(self) -> String {
        match self {
            Self::Month(month) => month.year_name(),
            Self::Day(first) => prefix(first, "2018-01".len()),
        }
    }

    /// The month of its hours.
    pub(super) fn month(self) -> Month {
        match self {
            Self::Month(month) => month,
            Self::Day(first) => Month::containing(first),
        }
    }

    /// All its hours.
    pub(super) fn range(self) -> HourRange {
        match self {
            Self::Month(month) => month.range(),
            Self::Day(first) => {
                let last = first.checked_add(HOURS_PER_DAY.cast_signed() - 1);
                HourRange::new(first, last.unwrap_or(first)).unwrap_or(first.into())
            }
        }
    }
}

/// Splits a range by day, in order.
pub(super) fn split_by_day(range: HourRange) -> Vec<(Period, HourRange)> {
    let mut days = Vec::new();
    let mut next = Some(range.begin());
    while let Some(begin) = next.filter(|begin| *begin <= range.end()) {
        let day = Period::day(begin);
        let last = day.range().end();
        if let Ok(span) = HourRange::new(begin, last.min(range.end())) {
            days.push((day, span));
        }
        next = last.checked_add(1);
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hour(text: &str) -> HourSlot {
        text.parse().unwrap()
    }

    #[test]
    fn periods_have_names_blocks_and_hours() {
        let cases = [
            (
                "2020-02-29 05",
                "2020-02",
                "2020",
                "2020-02-01 00",
                "2020-02-29 23",
            ),
            (
                "9999-12-31 23",
                "9999-12",
                "9999",
                "9999-12-01 00",
                "9999-12-31 23",
            ),
            (
                "1970-01-01 00",
                "1970-01",
                "1970",
                "1970-01-01 00",
                "1970-01-31 23",
            ),
        ];
        for (text, month_name, year_name, first, last) in cases {
            let [month, day] = Period::containing(hour(text));
            assert_eq!(
                (month.name(), month.block()),
                (month_name.into(), year_name.into())
            );
            assert_eq!(
                month.range(),
                HourRange::new(hour(first), hour(last)).unwrap()
            );
            assert_eq!(
                (day.name(), day.block()),
                (text[..10].into(), month_name.into())
            );
            let of_day = |h| hour(&format!("{} {h}", &text[..10]));
            assert_eq!(
                day.range(),
                HourRange::new(of_day("00"), of_day("23")).unwrap()
            );
            assert_eq!(Period::Month(day.month()), month);
        }
    }

    proptest! {
        #[test]
        fn splits_range_into_ordered_days(begin in 0u32..2_000_000, length in 0u32..500) {
            let at = |index| HourSlot::from_index(index).unwrap();
            let range = HourRange::new(at(begin), at(begin + length)).unwrap();
            let days = split_by_day(range);
            let hours: Vec<_> = days.iter().flat_map(|(_, span)| span.iter()).collect();
            prop_assert_eq!(hours, range.iter().collect::<Vec<_>>());
            for (day, span) in days {
                prop_assert_eq!(Period::day(span.begin()), day);
                prop_assert_eq!(Period::day(span.end()), day);
            }
        }
    }
}
