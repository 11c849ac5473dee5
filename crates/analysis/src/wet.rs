//! Wet hours against dry hours.

use crate::bootstrap::deviations;
use crate::grid::Grid;
use crate::moments::{Circle, Target};
use crate::relation::{Estimate, REPLICATES, Uncertain, enough, shape};
use crate::sample::{Options, PairedHour};
use crate::too_little::TooLittle;

/// From so much precipitation on an hour is wet, in mm/h: the least that a gauge measures (World
/// Meteorological Organization, No. 8, chapter 6).
pub const WET_MM_PER_H: f64 = 0.1;
/// The fewest hours of each kind.
const MIN_OF_A_KIND: usize = 10;

/// Wet hours against dry hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WetAgainstDry {
    /// How many hours were wet.
    pub wet_hours: usize,
    /// How many were dry.
    pub dry_hours: usize,
    /// The mean feeling of wet hours, each weighted as asked.
    pub wet_feeling: f64,
    /// The mean feeling of dry hours.
    pub dry_feeling: f64,
    /// The feeling of wet hours less that of dry ones, cycles held fixed where they are taken out.
    pub difference: Estimate,
    /// The difference in standard deviations within the kinds: Hedges' g (Hedges 1981).
    pub effect_size: Estimate,
    /// How often hours without any difference would differ at least as much.
    pub p_value: f64,
    /// The length of the bootstrap's blocks, in hours.
    pub block_hours: usize,
}

/// Compares the feelings of hours with at least [`WET_MM_PER_H`] to those of hours with less. The
/// hours' weather is their precipitation, mm/h.
///
/// A difference of two means is the slope over an indicator of the one kind, so that the same
/// bootstrap serves.
///
/// # Errors
/// [`TooLittle`] where nothing can be said, with what it would take.
pub fn wet_against_dry(hours: &[PairedHour], options: Options) -> Result<WetAgainstDry, TooLittle> {
    let hours = enough(hours, options)?;
    let is_wet = |hour: &PairedHour| hour.weather >= WET_MM_PER_H;
    let wet = hours.iter().filter(|hour| is_wet(hour)).count();
    let one_kind = TooLittle::OneKind {
        wet,
        dry: hours.len() - wet,
        need: MIN_OF_A_KIND,
    };
    if wet.min(hours.len() - wet) < MIN_OF_A_KIND {
        return Err(one_kind);
    }
    let indicator = hours.iter().map(|hour| f64::from(u8::from(is_wet(hour))));
    let grid = Grid::new(&hours, options, indicator.collect())?;
    let circle = Circle::of(&grid);
    let slope = Uncertain::of(&grid, &shape(&circle)?, Target::Slope);
    slope.independent(&grid)?;
    let block = slope.block_hours(circle.len());
    let [drawn] = deviations(&circle, [Target::Slope], block, REPLICATES).ok_or(one_kind)?;
    let unit = grid.scale.1 / grid.scale.0;
    let difference = slope.estimate(&drawn).mapped(|slope| slope * unit);
    let wet_kind = Kind::of(&hours, options, is_wet);
    let dry_kind = Kind::of(&hours, options, |hour| !is_wet(hour));
    let per_difference = hedges(&wet_kind, &dry_kind);
    Ok(WetAgainstDry {
        wet_hours: wet_kind.hours,
        dry_hours: dry_kind.hours,
        wet_feeling: wet_kind.mean,
        dry_feeling: dry_kind.mean,
        difference,
        effect_size: difference.mapped(|difference| difference * per_difference),
        p_value: drawn.p_value(slope.deviation()),
        block_hours: block,
    })
}

struct Kind {
    hours: usize,
    mean: f64,
    variance: f64,
}

impl Kind {
    fn of(hours: &[PairedHour], options: Options, is: impl Fn(&PairedHour) -> bool) -> Self {
        let these: Vec<&PairedHour> = hours.iter().filter(|hour| is(hour)).collect();
        let weight = |hour: &PairedHour| options.weighting.of(hour);
        let total: f64 = these.iter().map(|hour| weight(hour)).sum();
        let sum: f64 = these.iter().map(|hour| weight(hour) * hour.feeling).sum();
        let mean = sum / total;
        let squares: f64 = these
            .iter()
            .map(|hour| weight(hour) * (hour.feeling - mean).powi(2))
            .sum();
        Self {
            hours: these.len(),
            mean,
            variance: squares / total,
        }
    }
}

/// One over the pooled standard deviation, times Hedges' correction for few hours,
/// 1 - 3 / (4 m - 1) of m = n - 2 degrees of freedom.
fn hedges(wet: &Kind, dry: &Kind) -> f64 {
    let (a, b) = (wet.hours as f64, dry.hours as f64);
    let freedom = a + b - 2.0;
    let pooled = ((a * wet.variance + b * dry.variance) / freedom).sqrt();
    if pooled > 0.0 {
        (1.0 - 3.0 / (4.0 * freedom - 1.0)) / pooled
    } else {
        0.0
    }
}
