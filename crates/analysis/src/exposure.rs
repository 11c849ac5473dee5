//! In how many separate spells the weather varies.
//!
//! Terms: the *leverage* of an hour is its share of the variation of the weather. A *spell* is a run
//! of consecutive hours on one side of the mean; its leverage is the sum of its hours'. The *effective
//! number of spells* is the number of equal spells with the same concentration, 1 / Σ share² (Kish
//! 1965; Carter, Schnepel and Steigerwald 2017 for clusters). It is about 1 if one wet hour, one wet
//! day or one spike carries the whole variable, however many other hours there are.
//!
//! This module must not know the feeling: the number depends on the design alone.

use std::fmt;

use crate::grid::Grid;
use crate::insufficient_data::InsufficientData;

/// The minimum effective number of spells of an estimate.
///
/// The test of shifts has its level for any number. With fewer spells a claim would nevertheless rest
/// on one or two occasions, which the next one may contradict; and a trend, which has two, is not
/// stationary.
pub const MIN_EFFECTIVE_SPELLS: f64 = 2.5;

/// How the weather varies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exposure {
    hours: usize,
    effective_spells: f64,
    departures: Option<Departures>,
}

/// The hours that depart from a value that at least half of the hours have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Departures {
    /// The usual value.
    pub usual: f64,
    /// The number of these hours.
    pub hours: usize,
    /// The number of runs of consecutive ones.
    pub spells: usize,
}

impl fmt::Display for Departures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, "{} hour{}", self.hours, plural(self.hours))?;
        if self.spells < self.hours {
            write!(f, " of {} spell{}", self.spells, plural(self.spells))?;
        }
        Ok(())
    }
}

impl Exposure {
    /// The exposure of hours with the explanatory series `x` before the adjustment.
    ///
    /// Counts spells before and after adjustment and weighting, and takes the smaller number: an
    /// adjustment spreads one wet hour over the same hour of all days, which adds no information.
    pub(crate) fn new(x: &[f64], grid: &Grid) -> Self {
        let mean = x.iter().sum::<f64>() / x.len().max(1) as f64;
        let unadjusted = x.iter().map(|value| (value - mean, 1.0));
        let adjusted = grid.present(&grid.x).into_iter();
        let adjusted = adjusted.zip(grid.present(&grid.weight));
        Self {
            hours: x.len(),
            effective_spells: effective_spells(unadjusted).min(effective_spells(adjusted)),
            departures: Departures::new(x),
        }
    }

    /// # Errors
    /// [`InsufficientData::Exposure`] if there are fewer than [`MIN_EFFECTIVE_SPELLS`].
    pub(crate) fn check(&self) -> Result<(), InsufficientData> {
        if self.effective_spells >= MIN_EFFECTIVE_SPELLS {
            return Ok(());
        }
        Err(self.insufficient())
    }

    /// The error of an estimate that needs more spells.
    pub(crate) fn insufficient(&self) -> InsufficientData {
        InsufficientData::Exposure {
            have: self.hours,
            effective: self.effective_spells,
            need: MIN_EFFECTIVE_SPELLS,
            departures: self.departures,
        }
    }
}

/// The effective number of spells of deviations from the mean, each with its weight.
fn effective_spells(deviations: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut total, mut squares, mut spell, mut was_above) = (0.0, 0.0, 0.0, false);
    for (deviation, weight) in deviations {
        let is_above = deviation > 0.0;
        if is_above != was_above {
            squares += spell * spell;
            spell = 0.0;
            was_above = is_above;
        }
        let leverage = weight * deviation * deviation;
        spell += leverage;
        total += leverage;
    }
    squares += spell * spell;
    if squares > 0.0 {
        total * total / squares
    } else {
        0.0
    }
}

impl Departures {
    fn new(x: &[f64]) -> Option<Self> {
        let mut sorted = x.to_vec();
        sorted.sort_by(f64::total_cmp);
        let usual = *sorted.get(sorted.len() / 2)?;
        let departs = |value: &f64| (value - usual).abs() > 0.0;
        let hours = x.iter().filter(|value| departs(value)).count();
        let spells = x
            .chunk_by(|a, b| departs(a) == departs(b))
            .filter(|run| departs(&run[0]))
            .count();
        (2 * hours <= x.len()).then_some(Self {
            usual,
            hours,
            spells,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effective(x: &[f64]) -> f64 {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        effective_spells(x.iter().map(|value| (value - mean, 1.0)))
    }

    #[test]
    fn effective_spells_count_comparable_spells() {
        let dry = |wet: &[(usize, f64)]| {
            let mut x = vec![0.0; 1000];
            wet.iter().for_each(|(at, value)| x[*at] = *value);
            x
        };
        let spell: Vec<(usize, f64)> = (500..530).map(|at| (at, 1.0)).collect();
        let cases = [
            ("one wet hour", dry(&[(500, 1.0)]), 1.0),
            ("one wet spell", dry(&spell), 1.0),
            ("two wet hours", dry(&[(300, 1.0), (600, 1.0)]), 2.0),
            (
                "a cloudburst and a drizzle",
                dry(&[(300, 10.0), (600, 1.0)]),
                1.0,
            ),
            (
                "two halves",
                (0..1000).map(|i| f64::from(i / 500)).collect(),
                2.0,
            ),
            (
                "every second hour",
                (0..1000).map(|i| f64::from(i % 2)).collect(),
                1000.0,
            ),
        ];
        for (name, x, expected) in cases {
            let found = effective(&x);
            assert!((found / expected - 1.0).abs() < 0.07, "{name}: {found}");
        }
    }

    #[test]
    fn departures_need_a_usual_value() {
        let departures = |usual, hours, spells| {
            Some(Departures {
                usual,
                hours,
                spells,
            })
        };
        let cases: [(&[f64], Option<Departures>); 4] = [
            (&[0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 3.0], departures(0.0, 3, 2)),
            (&[5.0, 5.0, 5.0, 0.0], departures(5.0, 1, 1)),
            (&[1.0, 2.0, 3.0, 4.0], None),
            (&[], None),
        ];
        for (x, expected) in cases {
            assert_eq!(Departures::new(x), expected, "{x:?}");
        }
    }
}
