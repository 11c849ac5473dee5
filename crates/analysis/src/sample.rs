//! The sample of a relation: hours that have both a weather value and a feeling.

use moodvane_model::HourSlot;

/// The hour of the day and the day of the week at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalHour {
    hour_of_day: u8,
    day_of_week: u8,
}

impl LocalHour {
    /// The local hour of a UTC hour at a place whose time is `offset_hours` ahead of UTC.
    #[must_use]
    pub fn from_utc(hour: HourSlot, offset_hours: i8) -> Self {
        let local = i64::from(hour.index()) + i64::from(offset_hours);
        // 1970-01-01 was a Thursday, the third day after a Monday.
        let day = local.div_euclid(24) + 3;
        Self {
            hour_of_day: local.rem_euclid(24) as u8,
            day_of_week: day.rem_euclid(7) as u8,
        }
    }

    /// The hour of the day, 0 to 23.
    #[must_use]
    pub fn hour_of_day(self) -> u8 {
        self.hour_of_day
    }

    /// The day of the week, 0 (Monday) to 6.
    #[must_use]
    pub fn day_of_week(self) -> u8 {
        self.day_of_week
    }
}

/// A paired observation: the weather and the feeling of one hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedHour {
    /// The hour.
    pub hour: HourSlot,
    /// The hour at the city, for the seasonal adjustment.
    pub local: LocalHour,
    /// The value of the weather variable, in its unit.
    pub weather: f64,
    /// The feeling, 0 to 4.
    pub feeling: f64,
    /// The number of scored posts whose mean the feeling is.
    pub posts: u64,
}

/// The weight of each hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// All hours have the same weight.
    Equal,
    /// The weight of an hour is its number of posts: optimal if sampling causes most of the variance
    /// of the feelings.
    Posts,
}

/// The seasonal adjustment: which cycles are removed from both series before they are related.
///
/// Rain and mood may correlate merely because both have a daily cycle. Adjusted series compare hours
/// of equal hour of day, or equal day of week, with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjustment {
    /// None.
    None,
    /// Fixed effects for the hour of the day.
    HourOfDay,
    /// Fixed effects for the day of the week.
    DayOfWeek,
    /// Additive fixed effects for the hour of the day and the day of the week.
    HourOfDayAndDayOfWeek,
}

/// The options of [`relate`](crate::relate) and [`compare_wet_dry`](crate::compare_wet_dry).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelationOptions {
    /// The minimum number of scored posts of an hour. Hours with fewer are excluded.
    pub min_posts: u64,
    /// The weight of each hour.
    pub weighting: Weighting,
    /// The seasonal adjustment of both series.
    pub adjustment: Adjustment,
}

impl RelationOptions {
    /// Every hour with a post, equal weights, no seasonal adjustment.
    pub const UNADJUSTED: Self = Self {
        min_posts: 1,
        weighting: Weighting::Equal,
        adjustment: Adjustment::None,
    };
}

/// The hours with finite values and enough posts, sorted by time, without duplicates.
pub(crate) fn usable_hours(hours: &[PairedHour], options: RelationOptions) -> Vec<PairedHour> {
    let mut usable: Vec<PairedHour> = hours
        .iter()
        .filter(|hour| hour.posts >= options.min_posts.max(1))
        .filter(|hour| hour.weather.is_finite() && hour.feeling.is_finite())
        .copied()
        .collect();
    usable.sort_by_key(|hour| hour.hour);
    usable.dedup_by_key(|hour| hour.hour);
    usable
}

impl Weighting {
    pub(crate) fn weight(self, hour: &PairedHour) -> f64 {
        match self {
            Self::Equal => 1.0,
            Self::Posts => hour.posts as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_hour_follows_offset() {
        let cases = [
            ("1970-01-01 00", 0, (0, 3)),
            ("2024-02-26 00", 0, (0, 0)),
            ("2024-02-26 00", -5, (19, 6)),
            ("2024-02-25 23", 9, (8, 0)),
            ("1970-01-01 00", -12, (12, 2)),
        ];
        for (slot, offset, expected) in cases {
            let local = LocalHour::from_utc(slot.parse().unwrap(), offset);
            let got = (local.hour_of_day(), local.day_of_week());
            assert_eq!(got, expected, "{slot} {offset}");
        }
    }
}
