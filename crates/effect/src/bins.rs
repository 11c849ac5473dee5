//! Bins of a weather variable.
//!
//! Terms: the *reference* is the bin that the others are compared with. A bin with too few hours or
//! weeks is *merged* with its neighbour, on its side of the reference, from the ends inwards.

use moodvane_analysis::WET_MM_PER_H;

use crate::answer::{Factor, Term};

/// The width of a bin of temperatures in °C.
pub const TEMPERATURE_BIN_C: f64 = 5.0;
/// The bin that contains this temperature in °C is the reference.
pub const REFERENCE_C: f64 = 20.0;
/// The limits of classes of precipitation in mm/h: dry, trace, light, moderate, heavy.
///
/// World Meteorological Organization, "Guide to Instruments and Methods of Observation" (No. 8):
/// less than 0.2 mm/h is a trace (volume I, annex 1.A), rain is light below 2.5 mm/h, moderate below
/// 10 mm/h and heavy from there on (volume I, chapter 14). A gauge measures from 0.1 mm/h on. The
/// Glossary of the American Meteorological Society puts the last limit at 7.6 mm/h.
pub const PRECIPITATION_MM_PER_H: [f64; 4] = [WET_MM_PER_H, 0.2, 2.5, 10.0];
/// The limits of bins of relative humidity in percent; the reference contains 50 %.
pub const HUMIDITY_PERCENT: [f64; 4] = [20.0, 40.0, 60.0, 80.0];
/// The limits of classes of cloud cover in percent: few, scattered, broken, overcast, of 2, 4 and 7
/// eighths (World Meteorological Organization, No. 306, code 2700).
pub const CLOUD_PERCENT: [f64; 3] = [25.0, 50.0, 87.5];

/// The minimum number of hours of a bin.
pub const MIN_BIN_HOURS: usize = 50;
/// The minimum number of weeks in which hours of a bin occur.
pub const MIN_BIN_WEEKS: usize = 4;

/// The lower limits of all bins but the first, and a value inside the reference.
fn limits(factor: Factor) -> Option<(Vec<f64>, f64)> {
    let steps = |first: i32, last: i32| (first..=last).map(|i| f64::from(i) * TEMPERATURE_BIN_C);
    match factor {
        Factor::Temperature => Some((steps(-18, 14).collect(), REFERENCE_C)),
        Factor::Precipitation => Some((PRECIPITATION_MM_PER_H.to_vec(), 0.0)),
        Factor::Humidity => Some((HUMIDITY_PERCENT.to_vec(), 50.0)),
        Factor::Cloud => Some((CLOUD_PERCENT.to_vec(), 0.0)),
        Factor::Wind | Factor::PressureChange => None,
    }
}

/// The bins of a variable, after merging.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bins {
    pub(crate) factor: Factor,
    /// The bin of each row.
    pub(crate) members: Vec<u16>,
    pub(crate) bins: Vec<BinRange>,
    pub(crate) reference: usize,
}

/// A bin and its hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BinRange {
    /// From this value on; `None` for the lowest bin.
    pub(crate) low: Option<f64>,
    /// Below this value; `None` for the highest bin.
    pub(crate) high: Option<f64>,
    pub(crate) hours: usize,
}

impl Bins {
    /// The bins of the values of all rows. `None` for a variable that enters as a line.
    pub(crate) fn new(factor: Factor, values: &[f64], weeks: &[i32]) -> Option<Self> {
        let (limits, reference_value) = limits(factor)?;
        let find = |value: f64| limits.partition_point(|limit| *limit <= value);
        let raw: Vec<usize> = values.iter().map(|value| find(*value)).collect();
        let counts = Counts::new(&raw, weeks, limits.len() + 1);
        let reference = counts.reference(find(reference_value));
        let groups = counts.merge(reference);
        let number = |bin: usize| groups.partition_point(|(_, last)| *last < bin);
        let bins = groups
            .iter()
            .enumerate()
            .map(|(i, (first, last))| BinRange {
                low: (i > 0).then(|| limits[first - 1]),
                high: (i + 1 < groups.len()).then(|| limits[*last]),
                hours: counts.hours[*first..=*last].iter().sum(),
            })
            .collect();
        Some(Self {
            factor,
            members: raw.iter().map(|bin| number(*bin) as u16).collect(),
            bins,
            reference: number(reference),
        })
    }

    /// The indicator column of the bin with this lower limit.
    pub(crate) fn indicator(&self, low: Option<f64>) -> Vec<f64> {
        let is_member = |member: &u16| self.bins[usize::from(*member)].low == low;
        let indicator = |member: &u16| f64::from(u8::from(is_member(member)));
        self.members.iter().map(indicator).collect()
    }

    /// The term of a bin.
    pub(crate) fn term(&self, bin: usize) -> Term {
        Term::Bin {
            factor: self.factor,
            low: self.bins[bin].low,
            high: self.bins[bin].high,
        }
    }

    /// All bins but the reference.
    pub(crate) fn compared(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.bins.len()).filter(|bin| *bin != self.reference)
    }
}

struct Counts {
    hours: Vec<usize>,
    /// The weeks of each bin, in order.
    weeks: Vec<(usize, i32)>,
}

impl Counts {
    fn new(raw: &[usize], weeks: &[i32], bins: usize) -> Self {
        let mut pairs: Vec<(usize, i32)> = raw.iter().copied().zip(weeks.iter().copied()).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut counts = Self {
            hours: vec![0; bins],
            weeks: pairs,
        };
        raw.iter().for_each(|bin| counts.hours[*bin] += 1);
        counts
    }

    fn suffices(&self, first: usize, last: usize) -> bool {
        let hours: usize = self.hours[first..=last].iter().sum();
        let is_between = |pair: &&(usize, i32)| (first..=last).contains(&pair.0);
        let members = self.weeks.iter().filter(is_between);
        let mut weeks: Vec<i32> = members.map(|(_, week)| *week).collect();
        weeks.sort_unstable();
        weeks.dedup();
        hours >= MIN_BIN_HOURS && weeks.len() >= MIN_BIN_WEEKS
    }

    /// The wanted bin, or else the nearest one with enough hours, or else the largest.
    fn reference(&self, wanted: usize) -> usize {
        let bins = 0..self.hours.len();
        let nearest = bins
            .clone()
            .filter(|bin| self.suffices(*bin, *bin))
            .min_by_key(|bin| bin.abs_diff(wanted));
        let largest = || bins.max_by_key(|bin| self.hours[*bin]);
        nearest.or_else(largest).unwrap_or(wanted)
    }

    /// The first and last raw bin of each merged one.
    fn merge(&self, reference: usize) -> Vec<(usize, usize)> {
        let mut groups = Vec::new();
        let mut first = 0;
        for bin in 0..reference {
            if self.suffices(first, bin) {
                groups.push((first, bin));
                first = bin + 1;
            }
        }
        let mut centre = (reference, reference);
        if first < reference {
            // What remains below the reference is too little: the bin below takes it, or else the reference.
            match groups.last_mut() {
                Some(group) => group.1 = reference - 1,
                None => centre.0 = 0,
            }
        }
        let mut above = Vec::new();
        let mut last = self.hours.len() - 1;
        for bin in (reference + 1..self.hours.len()).rev() {
            if self.suffices(bin, last) {
                above.push((bin, last));
                last = bin - 1;
            }
        }
        if last > reference {
            match above.last_mut() {
                Some(group) => group.0 = reference + 1,
                None => centre.1 = last,
            }
        }
        groups.push(centre);
        groups.extend(above.into_iter().rev());
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bins of the given numbers of hours, one hour a week.
    fn merged(hours: &[usize], reference: usize) -> Vec<(usize, usize)> {
        let bins = hours.iter().enumerate();
        let raw: Vec<usize> = bins.flat_map(|(bin, n)| vec![bin; *n]).collect();
        let weeks: Vec<i32> = (0..raw.len() as i32).collect();
        let counts = Counts::new(&raw, &weeks, hours.len());
        counts.merge(counts.reference(reference))
    }

    #[test]
    fn merges_small_bins_away_from_reference() {
        let cases = [
            (vec![900, 60, 70], 0, vec![(0, 0), (1, 1), (2, 2)]),
            (vec![900, 60, 30], 0, vec![(0, 0), (1, 2)]),
            (vec![900, 20, 70, 3], 0, vec![(0, 0), (1, 3)]),
            (vec![900, 20, 3], 0, vec![(0, 2)]),
            // 61 hours from below suffice; the 9 that remain join them.
            (
                vec![1, 30, 30, 9, 500, 0, 80],
                4,
                vec![(0, 3), (4, 4), (5, 6)],
            ),
            // The wanted reference has too few hours.
            (vec![60, 400, 80, 3, 0], 3, vec![(0, 0), (1, 1), (2, 4)]),
        ];
        for (hours, reference, expected) in cases {
            assert_eq!(merged(&hours, reference), expected, "{hours:?}");
        }
    }

    #[test]
    fn classes_follow_limits() {
        let values: Vec<f64> = [0.0, 0.1, 0.2, 2.5, 10.0].repeat(60);
        let weeks: Vec<i32> = (0..300).collect();
        let bins = Bins::new(Factor::Precipitation, &values, &weeks).unwrap();
        assert_eq!(bins.members[..5], [0, 1, 2, 3, 4]);
        assert_eq!(bins.reference, 0);
        let lows: Vec<Option<f64>> = bins.bins.iter().map(|bin| bin.low).collect();
        assert_eq!(lows, [None, Some(0.1), Some(0.2), Some(2.5), Some(10.0)]);
    }
}
