//! Compares the stored hours with the ground truth.
//!
//! Terms: an *allowance* is the difference from the ground truth that an hour must have because of a
//! fault's documented cost; *lost* and *doubled* count beyond it.

use std::collections::BTreeMap;

use moodvane_model::{HourRange, HourRow, HourSlot};
use moodvane_simulator::{Difference, HourTruth, Mismatch, Truth};

/// The difference that an hour must have from the ground truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) posts: i64,
    pub(crate) class_sum: i64,
    pub(crate) unscored: i64,
    pub(crate) temperatures: i64,
    pub(crate) micros: i64,
}

impl Allowance {
    pub(crate) fn add(&mut self, other: Self) {
        self.posts += other.posts;
        self.class_sum += other.class_sum;
        self.unscored += other.unscored;
        self.temperatures += other.temperatures;
        self.micros += other.micros;
    }

    pub(crate) fn negated(self) -> Self {
        Self {
            posts: -self.posts,
            class_sum: -self.class_sum,
            unscored: -self.unscored,
            temperatures: -self.temperatures,
            micros: -self.micros,
        }
    }

    fn apply(self, truth: &mut HourTruth) {
        truth.posts = truth.posts.saturating_add_signed(self.posts);
        truth.class_sum = truth.class_sum.saturating_add_signed(self.class_sum);
        truth.unscored = truth.unscored.saturating_add_signed(self.unscored);
        for temperature in &mut truth.temperature {
            temperature.count = temperature.count.saturating_add_signed(self.temperatures);
            temperature.sum_micros += self.micros;
        }
    }
}

/// The allowances of all faults so far, by hour.
pub(crate) type Allowances = BTreeMap<HourSlot, Allowance>;

/// The result of a comparison.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Posts and temperatures of the ground truth.
    pub(crate) records: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) differences: Vec<Difference>,
}

impl Outcome {
    /// Compares the rows of the hours in `range`.
    pub(crate) fn compare(
        mut truth: Truth,
        allowances: &Allowances,
        rows: &[HourRow],
        range: HourRange,
    ) -> Self {
        let within = |hour: HourSlot| range.begin() <= hour && hour <= range.end();
        let hours = truth.hours.iter().filter(|truth| within(truth.hour));
        let records = hours.map(records_of).sum();
        for hour in &mut truth.hours {
            if let Some(allowance) = allowances.get(&hour.hour) {
                allowance.apply(hour);
            }
        }
        let differences = truth.compare(rows, range);
        let (mut lost, mut doubled) = (0, 0);
        for (stored, expected) in differences.iter().filter_map(counts) {
            lost += expected.saturating_sub(stored);
            doubled += stored.saturating_sub(expected);
        }
        Self {
            records,
            lost,
            doubled,
            differences,
        }
    }

    pub(crate) fn is_correct(&self) -> bool {
        self.differences.is_empty()
    }

    /// Whether more posts are stored than expected. Waiting does not change that.
    pub(crate) fn has_too_many_posts(&self) -> bool {
        self.differences.iter().any(|difference| {
            matches!(difference.mismatch, Mismatch::Posts { stored, expected } if stored > expected)
        })
    }
}

fn records_of(hour: &HourTruth) -> u64 {
    let temperatures: u64 = hour.temperature.iter().map(|t| t.count).sum();
    hour.posts + hour.unscored + temperatures
}

/// How many are stored, and how many there should be; nothing for what is no count.
fn counts(difference: &Difference) -> Option<(u64, u64)> {
    match difference.mismatch {
        Mismatch::Posts { stored, expected } | Mismatch::Unscored { stored, expected } => {
            Some((stored, expected))
        }
        Mismatch::Temperature {
            stored, expected, ..
        } => Some((stored.0, expected.0)),
        Mismatch::ClassSum { .. } | Mismatch::Repeated => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use moodvane_model::{CityId, Score, Sentiment, SourceId, Sums, Timestamp};

    fn slot(hour: u32) -> HourSlot {
        HourSlot::from_index(hour).unwrap()
    }

    /// Ten posts of class 3 in each of two hours.
    fn truth() -> Truth {
        let hour = |hour| HourTruth {
            hour: slot(hour),
            posts: 10,
            class_sum: 30,
            unscored: 0,
            temperature: Vec::new(),
        };
        Truth {
            city: CityId::parse("new-york").unwrap(),
            complete_through_ms: 0,
            through: Some(slot(2)),
            hours: vec![hour(1), hour(2)],
            effects: None,
            others: Vec::new(),
        }
    }

    fn rows(counts: [u64; 2]) -> Vec<HourRow> {
        let row = |(hour, count)| {
            let mut sums = Sums::default();
            let score = Score::new(Sentiment::Positive, 3.0);
            for _ in 0..count {
                sums.add_post(Timestamp::from_millis(0).unwrap(), Some(score));
            }
            let mut row = HourRow::empty(truth().city, slot(hour));
            row.add(SourceId::parse("bluesky").unwrap(), &sums);
            row
        };
        (1..).zip(counts).map(row).collect()
    }

    fn found(counts: [u64; 2], allowances: &Allowances) -> (u64, u64, bool) {
        let range = HourRange::new(slot(1), slot(2)).unwrap();
        let outcome = Outcome::compare(truth(), allowances, &rows(counts), range);
        assert_eq!(outcome.records, 20);
        (outcome.lost, outcome.doubled, outcome.is_correct())
    }

    #[test]
    fn counts_missing_as_lost_and_surplus_as_doubled() {
        let none = Allowances::new();
        assert_eq!(found([10, 10], &none), (0, 0, true));
        assert_eq!(found([9, 10], &none), (1, 0, false));
        assert_eq!(found([10, 12], &none), (0, 2, false));
        assert_eq!(found([9, 11], &none), (1, 1, false));
    }

    #[test]
    fn requires_exactly_the_allowances() {
        let removed = Allowance {
            posts: -2,
            class_sum: -6,
            ..Allowance::default()
        };
        let allowances = Allowances::from([(slot(1), removed)]);
        assert_eq!(found([8, 10], &allowances), (0, 0, true));
        assert_eq!(found([10, 10], &allowances), (0, 2, false));
        assert_eq!(found([7, 10], &allowances), (1, 0, false));
    }

    #[test]
    fn detects_replaced_post_by_class() {
        let swapped = Allowance {
            class_sum: 1,
            ..Allowance::default()
        };
        let allowances = Allowances::from([(slot(1), swapped)]);
        assert_eq!(found([10, 10], &allowances), (0, 0, false));
    }
}
