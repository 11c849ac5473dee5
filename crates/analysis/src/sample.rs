//! What a relation is computed from: hours with a value of the weather and a feeling.

use moodvane_model::HourSlot;

/// Where an hour lies in the day and in the week of the place that it is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    hour_of_day: u8,
    day_of_week: u8,
}

impl Phase {
    /// The phase of a UTC hour at a place whose clocks are `offset_hours` ahead of UTC.
    #[must_use]
    pub fn at(hour: HourSlot, offset_hours: i8) -> Self {
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

/// An hour that has both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedHour {
    /// The hour.
    pub hour: HourSlot,
    /// Where it lies in the local day and week.
    pub phase: Phase,
    /// The weather variable's value, in its unit.
    pub weather: f64,
    /// The feeling, 0 to 4.
    pub feeling: f64,
    /// How many scored posts the feeling is the mean of.
    pub posts: u64,
}

/// How much an hour counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// Every hour as much as any other.
    Equal,
    /// Each hour as much as it has posts: right where the feelings' noise is that of sampling.
    Posts,
}

/// Which cycles are taken out of both sides before they are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cycles {
    /// None: rain and mood may go together merely because both have their time of day.
    Keep,
    /// The mean of each hour of the day.
    Daily,
    /// The mean of each day of the week.
    Weekly,
    /// Both, as two effects that add up.
    DailyAndWeekly,
}

/// How hours are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Hours with fewer scored posts are left out.
    pub min_posts: u64,
    /// How much each hour counts.
    pub weighting: Weighting,
    /// Which cycles are taken out.
    pub cycles: Cycles,
}

impl Options {
    /// Every hour with a post, each as much as any other, cycles kept.
    pub const PLAIN: Self = Self {
        min_posts: 1,
        weighting: Weighting::Equal,
        cycles: Cycles::Keep,
    };
}

/// The hours that count, in order of time, one of each.
pub(crate) fn counted(hours: &[PairedHour], options: Options) -> Vec<PairedHour> {
    let mut kept: Vec<PairedHour> = hours
        .iter()
        .filter(|hour| hour.posts >= options.min_posts.max(1))
        .filter(|hour| hour.weather.is_finite() && hour.feeling.is_finite())
        .copied()
        .collect();
    kept.sort_by_key(|hour| hour.hour);
    kept.dedup_by_key(|hour| hour.hour);
    kept
}

impl Weighting {
    pub(crate) fn of(self, hour: &PairedHour) -> f64 {
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
    fn a_phase_is_that_of_the_local_clock() {
        let cases = [
            ("1970-01-01 00", 0, (0, 3)),
            ("2024-02-26 00", 0, (0, 0)),
            ("2024-02-26 00", -5, (19, 6)),
            ("2024-02-25 23", 9, (8, 0)),
            ("1970-01-01 00", -12, (12, 2)),
        ];
        for (slot, offset, expected) in cases {
            let phase = Phase::at(slot.parse().unwrap(), offset);
            let got = (phase.hour_of_day(), phase.day_of_week());
            assert_eq!(got, expected, "{slot} {offset}");
        }
    }
}
