//! How a weather variable and the feeling go together, with the uncertainty that is left.
//!
//! The interval and the p-value hold although hours resemble their neighbours. The value lies
//! within `c` standard errors with a confidence of 95 %, where
//!
//! - the standard error comes from the long-run variance of the hours' influences. It is the larger
//!   of two estimates: the prewhitened one of Andrews and Monahan, which needs no assumption but
//!   is too small where hours are few and persistent; and White's (1980), times Bartlett's factor
//!   for what both sides keep from hour to hour, which is better there, but assumes that their
//!   persistence is all that there is;
//! - `c` comes from a studentized circular block bootstrap, so that it knows how few independent
//!   hours there are.
//!
//! `study/` has the coverage of this and of what else was tried.

use crate::autocovariance::{block_length, clustering, long_run_variance};
use crate::bootstrap::{Deviations, deviations};
use crate::grid::Grid;
use crate::moments::{Circle, Moments, Shape, Target};
use crate::rank::spearman;
use crate::sample::{Options, PairedHour, counted};
use crate::too_little::TooLittle;

/// The fewest hours of which anything is said.
pub const MIN_HOURS: usize = 30;
/// The fewest independent hours of which anything is said.
pub const MIN_INDEPENDENT_HOURS: f64 = 6.0;
/// How many replicates the bootstrap draws.
pub const REPLICATES: usize = 1999;
/// Beyond this a correlation is a line but for rounding.
const LINE: f64 = 1.0 - 1e-9;
/// The share of intervals that may miss the value.
const MISSES: f64 = 0.05;
/// The smallest correlation that is worth waiting for, and how surely it is to be seen.
const SMALL_CORRELATION: f64 = 0.1;
/// Quantiles of the normal distribution: of 97.5 % for the level, of 80 % for the power.
const LEVEL_AND_POWER: f64 = 1.959_964 + 0.841_621;

/// A value and the interval that has it with a confidence of 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// What a relation comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// Where the variable is higher, the feeling is.
    Rises,
    /// Where the variable is higher, the feeling is lower.
    Falls,
    /// The interval has both signs.
    Undecided,
}

/// How a weather variable and the feeling go together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relation {
    /// Hours that have both sides and enough posts.
    pub hours: usize,
    /// How many independent hours they are worth.
    pub independent_hours: f64,
    /// Pearson's correlation.
    pub pearson: Estimate,
    /// Its square.
    pub r2: f64,
    /// Spearman's rank correlation, ties by their mean rank; every hour counts alike.
    pub spearman: f64,
    /// By how much the feeling changes per unit of the variable (least squares).
    pub slope: Estimate,
    /// How often hours without any relation would correlate at least as much.
    pub p_value: f64,
    /// The length of the bootstrap's blocks, in hours.
    pub block_hours: usize,
    /// How many replicates there were.
    pub replicates: usize,
}

impl Relation {
    /// Hours that lie on a line but for rounding: nothing is left that could be uncertain.
    fn of_line(grid: &Grid, r: f64) -> Self {
        let exact = |value| Estimate {
            value,
            low: value,
            high: value,
        };
        Self {
            hours: grid.hours,
            independent_hours: grid.hours as f64,
            pearson: exact(r),
            r2: r * r,
            spearman: spearman(grid),
            slope: exact(r.signum() * grid.scale.1 / grid.scale.0),
            p_value: 1.0 / (REPLICATES as f64 + 1.0),
            block_hours: 1,
            replicates: REPLICATES,
        }
    }

    /// What it comes to, at a level of 5 %.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        if self.pearson.low > 0.0 {
            Conclusion::Rises
        } else if self.pearson.high < 0.0 {
            Conclusion::Falls
        } else {
            Conclusion::Undecided
        }
    }

    /// How many hours more like these it would take to see a correlation of 0.1 with a power of
    /// 80 %, by Fisher's z: (1.96 + 0.84)² / artanh(0.1)² + 3 independent hours. 0 where there are
    /// enough: then there is hardly such a correlation if none was seen.
    #[must_use]
    pub fn more_hours(&self) -> u64 {
        let needed = (LEVEL_AND_POWER / SMALL_CORRELATION.atanh()).powi(2) + 3.0;
        let worth = self.independent_hours / self.hours as f64;
        (needed / worth - self.hours as f64).ceil().max(0.0) as u64
    }
}

/// How the weather of these hours and their feelings go together.
///
/// Hours may come in any order; those that are missing are gaps in time.
///
/// # Errors
/// [`TooLittle`] where nothing can be said, with what it would take.
pub fn relate(hours: &[PairedHour], options: Options) -> Result<Relation, TooLittle> {
    let hours = enough(hours, options)?;
    let weather = hours.iter().map(|hour| hour.weather).collect();
    let grid = Grid::new(&hours, options, weather)?;
    let circle = Circle::of(&grid);
    let shape = shape(&circle)?;
    let r = shape.r();
    if r.abs() > LINE {
        return Ok(Relation::of_line(&grid, r));
    }
    let z = Uncertain::of(&grid, &shape, Target::FisherZ);
    let slope = Uncertain::of(&grid, &shape, Target::Slope);
    let independent = z.independent(&grid)?;
    let block = z.block_hours(circle.len());
    let targets = [Target::FisherZ, Target::Slope];
    let [of_z, of_slope] =
        deviations(&circle, targets, block, REPLICATES).ok_or(TooLittle::NoVariance {
            side: crate::Side::Weather,
        })?;
    let unit = grid.scale.1 / grid.scale.0;
    Ok(Relation {
        hours: hours.len(),
        independent_hours: independent,
        pearson: z.estimate(&of_z).mapped(f64::tanh).at(r),
        r2: r * r,
        spearman: spearman(&grid),
        slope: slope.estimate(&of_slope).mapped(|slope| slope * unit),
        p_value: of_z.p_value(z.deviation()),
        block_hours: block,
        replicates: REPLICATES,
    })
}

/// The hours that count, if they are enough.
pub(crate) fn enough(hours: &[PairedHour], options: Options) -> Result<Vec<PairedHour>, TooLittle> {
    let hours = counted(hours, options);
    if hours.len() < MIN_HOURS {
        return Err(TooLittle::Hours {
            have: hours.len(),
            need: MIN_HOURS,
        });
    }
    Ok(hours)
}

pub(crate) fn shape(circle: &Circle) -> Result<Shape, TooLittle> {
    let none = TooLittle::NoVariance {
        side: crate::Side::Weather,
    };
    circle.whole().shape().ok_or(none)
}

/// A value and its standard error.
pub(crate) struct Uncertain {
    value: f64,
    error: f64,
    influences: Vec<f64>,
}

impl Uncertain {
    pub(crate) fn of(grid: &Grid, shape: &Shape, target: Target) -> Self {
        let influences = influences(grid, shape, target);
        let variances = Variances::of(grid, shape, target, &influences);
        let variance = variances.clustered.max(variances.prewhitened) * grid.inflation;
        Self {
            value: shape.value(target),
            error: (variance / grid.hours as f64).sqrt(),
            influences,
        }
    }

    /// How many independent hours would give the same standard error of a correlation of 0.
    ///
    /// # Errors
    /// [`TooLittle::Independent`] where that is too few.
    pub(crate) fn independent(&self, grid: &Grid) -> Result<f64, TooLittle> {
        let hours = grid.hours as f64;
        let independent = self.error.powi(2).recip().min(hours);
        if independent < MIN_INDEPENDENT_HOURS {
            return Err(TooLittle::Independent {
                have: grid.hours,
                effective: independent,
                need: MIN_INDEPENDENT_HOURS,
            });
        }
        Ok(independent)
    }

    /// The length of a block: the best by Politis and White, but at least half the cube root of
    /// the time, which is the rate of the best length whatever the dependence (Hall, Horowitz and
    /// Jing 1995), so that dependence that is too weak to be seen is kept too. The whole root
    /// covers no better (see `study/coverage.md`).
    pub(crate) fn block_hours(&self, span: usize) -> usize {
        let floor = (span as f64).cbrt() / 2.0;
        block_length(&self.influences).max(floor).round() as usize
    }

    pub(crate) fn deviation(&self) -> f64 {
        (self.value / self.error).abs()
    }

    pub(crate) fn estimate(&self, deviations: &Deviations) -> Estimate {
        let reach = deviations.beyond(MISSES) * self.error;
        Estimate {
            value: self.value,
            low: self.value - reach,
            high: self.value + reach,
        }
    }
}

impl Estimate {
    /// The same under an increasing map.
    pub(crate) fn mapped(self, map: impl Fn(f64) -> f64) -> Self {
        Self {
            value: map(self.value),
            low: map(self.low),
            high: map(self.high),
        }
    }

    fn at(self, value: f64) -> Self {
        Self { value, ..self }
    }
}

/// The influence of each hour on the value; 0 where one is missing.
pub(crate) fn influences(grid: &Grid, shape: &Shape, target: Target) -> Vec<f64> {
    (0..grid.weight.len())
        .map(|i| Moments::of(grid.weight[i], grid.x[i], grid.y[i]))
        .map(|hour| shape.influence(&hour, target))
        .collect()
}

/// Two estimates of the value's variance, times the number of hours.
pub(crate) struct Variances {
    pub(crate) clustered: f64,
    pub(crate) prewhitened: f64,
}

impl Variances {
    pub(crate) fn of(grid: &Grid, shape: &Shape, target: Target, influences: &[f64]) -> Self {
        let present: Vec<bool> = grid.weight.iter().map(|weight| *weight > 0.0).collect();
        let white = influences.iter().map(|u| u * u).sum::<f64>() / grid.hours as f64;
        let other = match target {
            Target::FisherZ => grid.y.clone(),
            Target::Slope => residuals(grid, shape),
        };
        Self {
            clustered: white * clustering(&grid.x, &other, &present),
            prewhitened: long_run_variance(influences, &present, grid.hours),
        }
    }
}

/// What the line does not explain of the second side; 0 where an hour is missing.
fn residuals(grid: &Grid, shape: &Shape) -> Vec<f64> {
    let slope = shape.value(Target::Slope);
    let sides = grid.x.iter().zip(&grid.y);
    sides.map(|(x, y)| y - slope * x).collect()
}
