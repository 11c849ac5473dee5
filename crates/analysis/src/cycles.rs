//! Takes the daily and the weekly cycle out of a side.
//!
//! By Frisch and Waugh (1933), relating what remains of both sides is relating the sides with the
//! cycles held fixed: a regression with an indicator for each hour of the day and day of the week.

use crate::sample::{Cycles, PairedHour};

/// Two effects are taken out in turn until nothing changes (von Neumann's alternating
/// projections); hours of the day and days of the week are nearly orthogonal, so that a few turns
/// do. The limit is for days that are hardly there.
const MOST_TURNS: usize = 500;
const STILL: f64 = 1e-13;

/// A number of the group that an hour is in, and how many groups there may be.
type Grouping = (fn(&PairedHour) -> usize, usize);

const DAY: Grouping = (|hour| usize::from(hour.phase.hour_of_day()), 24);
const WEEK: Grouping = (|hour| usize::from(hour.phase.day_of_week()), 7);

impl Cycles {
    fn groupings(self) -> &'static [Grouping] {
        match self {
            Self::Keep => &[],
            Self::Daily => &[DAY],
            Self::Weekly => &[WEEK],
            Self::DailyAndWeekly => &[DAY, WEEK],
        }
    }

    /// How many parameters the cycles of these hours have, beyond the mean.
    pub(crate) fn parameters(self, hours: &[PairedHour]) -> usize {
        let used = |(group, size): &Grouping| {
            let mut seen = vec![false; *size];
            hours.iter().for_each(|hour| seen[group(hour)] = true);
            seen.iter().filter(|seen| **seen).count().saturating_sub(1)
        };
        self.groupings().iter().map(used).sum()
    }

    /// Takes the cycles out of `values`, one for each of `hours`.
    pub(crate) fn remove(self, hours: &[PairedHour], weights: &[f64], values: &mut [f64]) {
        let groupings = self.groupings();
        let size = values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        for _ in 0..MOST_TURNS {
            let mut moved = 0.0f64;
            for (group, count) in groupings {
                moved = moved.max(center(hours, weights, values, *group, *count));
            }
            if moved <= size * STILL || groupings.len() < 2 {
                return;
            }
        }
    }
}

/// Subtracts each group's mean; the largest of them.
fn center(
    hours: &[PairedHour],
    weights: &[f64],
    values: &mut [f64],
    group: fn(&PairedHour) -> usize,
    count: usize,
) -> f64 {
    let mut sums = vec![(0.0, 0.0); count];
    for ((hour, weight), value) in hours.iter().zip(weights).zip(values.iter()) {
        let sum = &mut sums[group(hour)];
        *sum = (sum.0 + weight, sum.1 + weight * value);
    }
    let mean = |(weight, sum): (f64, f64)| if weight > 0.0 { sum / weight } else { 0.0 };
    for (hour, value) in hours.iter().zip(values.iter_mut()) {
        *value -= mean(sums[group(hour)]);
    }
    sums.iter()
        .fold(0.0, |most, sum| most.max(mean(*sum).abs()))
}
