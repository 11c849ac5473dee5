//! Alternative intervals, for the comparison with that of [`crate::relate`] in `study/`. Not part of
//! the crate's interface.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::autocovariance::block_length;
use crate::bootstrap::{SEED, deviations, draw};
use crate::exposure::Exposure;
use crate::grid::Grid;
use crate::moments::{CircularSums, Statistic};
use crate::rank::ranked;
use crate::relation::enough_hours;
use crate::sample::{PairedHour, RelationOptions};
use crate::shift::ShiftTest;
use crate::uncertainty::{ALPHA, StatisticWithError, Variances, influences};
use crate::wet_dry::wet_indicator;

/// The methods, in the order of [`intervals`].
pub const METHODS: [&str; 7] = [
    "percentile",
    "studentized by its own blocks",
    "prewhitened, normal",
    "prewhitened, studentized",
    "Bartlett, studentized",
    "larger, studentized, no floor",
    "larger, studentized, whole cube root",
];
const REPLICATES: usize = 399;
const Z: Statistic = Statistic::FisherZ;

/// The interval of Fisher's z by each method. `None` if a series does not vary.
#[must_use]
pub fn intervals(hours: &[PairedHour]) -> Option<[(f64, f64); METHODS.len()]> {
    let weather = hours.iter().map(|hour| hour.weather).collect();
    let grid = Grid::new(hours, RelationOptions::UNADJUSTED, weather).ok()?;
    let sums = CircularSums::new(&grid);
    let sample = sums.total().sample_moments()?;
    let influences = influences(&grid, &sample, Z);
    let variances = Variances::new(&grid, &sample, Z, &influences);
    let larger = variances.bartlett.max(variances.prewhitened);
    let optimal = block_length(&influences).round() as usize;
    let floor = (sums.len() as f64).cbrt().round() as usize;
    let critical_value = |length: usize| {
        let [deviations] = deviations(&sums, [Z], length, REPLICATES)?;
        Some(deviations.critical_value(0.05))
    };
    let (c, c_floor) = (
        critical_value(optimal)?,
        critical_value(optimal.max(floor))?,
    );
    let z = sample.value(Z);
    let interval = |c: f64, variance: f64| {
        let margin = c * (variance / grid.hours as f64).sqrt();
        (z - margin, z + margin)
    };
    Some([
        percentile(&sums, optimal)?,
        interval(c, block_variance(&influences, optimal) / grid.hours as f64),
        interval(1.959_964, variances.prewhitened),
        interval(c, variances.prewhitened),
        interval(c, variances.bartlett),
        interval(c, larger),
        interval(c_floor, larger),
    ])
}

fn percentile(sums: &CircularSums, length: usize) -> Option<(f64, f64)> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut blocks = Vec::new();
    let mut values: Vec<f64> = (0..REPLICATES)
        .filter_map(|_| draw(sums, length, &mut random, &mut blocks).sample_moments())
        .map(|replicate| replicate.value(Z))
        .collect();
    values.sort_by(f64::total_cmp);
    let end = values.len().checked_sub(1)?;
    let quantile = |share: f64| values[(share * end as f64).round() as usize];
    Some((quantile(0.025), quantile(0.975)))
}

/// The variance of the sum of influences from overlapping blocks on a circle.
fn block_variance(influences: &[f64], length: usize) -> f64 {
    let n = influences.len();
    let block = |start: usize| -> f64 { (0..length).map(|i| influences[(start + i) % n]).sum() };
    let squares: f64 = (0..n).map(|start| block(start).powi(2)).sum();
    squares / length as f64
}

/// A question about a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// [`crate::relate`]: its conclusion.
    Relation,
    /// [`crate::relate`]: the p-value of Spearman's correlation.
    Ranks,
    /// [`crate::compare_wet_dry`]: its p-value.
    WetDry,
}

/// Which tests must reject for a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The block bootstrap without a correction for leverage and without a minimum of spells: the
    /// method of version 0.1.
    Uncorrected,
    /// The block bootstrap with the correction for leverage, without a minimum of spells.
    Corrected,
    /// The test of shifts, without a minimum of spells.
    Shifts,
    /// The crate's: both, and a minimum of spells.
    Both,
}

/// Whether a relation is claimed at a significance level of 5 %; `None` if the data are insufficient.
///
/// The answer with [`Method::Both`] is that of the crate's functions, without the bootstrap where the
/// test of shifts decides.
#[must_use]
pub fn claims(
    hours: &[PairedHour],
    options: RelationOptions,
    question: Question,
    method: Method,
) -> Option<bool> {
    let hours = enough_hours(hours, options).ok()?;
    let hours = if question == Question::Ranks {
        ranked(&hours)
    } else {
        hours
    };
    let x: Vec<f64> = match question {
        Question::WetDry => wet_indicator(&hours).ok()?,
        _ => hours.iter().map(|hour| hour.weather).collect(),
    };
    let statistics: &[Statistic] = match question {
        Question::Relation if method == Method::Both => &[Statistic::FisherZ, Statistic::Slope],
        Question::WetDry => &[Statistic::Slope],
        _ => &[Statistic::FisherZ],
    };
    let grid = Grid::new(&hours, options, x.clone()).ok()?;
    if method == Method::Both {
        Exposure::new(&x, &grid).check().ok()?;
    }
    let is_rejected_by_shifts = || ShiftTest::new(&hours, options, &x, &grid).p_value() <= ALPHA;
    let by_bootstrap = |is_corrected| {
        statistics.iter().try_fold(true, |rejected, statistic| {
            Some(bootstrap_rejects(&grid, *statistic, is_corrected)? && rejected)
        })
    };
    match method {
        Method::Uncorrected => by_bootstrap(false),
        Method::Corrected => by_bootstrap(true),
        Method::Shifts => Some(is_rejected_by_shifts()),
        Method::Both if is_rejected_by_shifts() => by_bootstrap(true),
        Method::Both => {
            let sample = CircularSums::new(&grid).total().sample_moments()?;
            let error = StatisticWithError::new(&grid, &sample, statistics[0]);
            error.effective_sample_size(&grid).ok().map(|_| false)
        }
    }
}

fn bootstrap_rejects(grid: &Grid, statistic: Statistic, is_corrected: bool) -> Option<bool> {
    let sums = CircularSums::new(grid);
    let sample = sums.total().sample_moments()?;
    let error = if is_corrected {
        StatisticWithError::new(grid, &sample, statistic)
    } else {
        let influences = influences(grid, &sample, statistic);
        StatisticWithError::with_influences(grid, &sample, statistic, influences)
    };
    error.effective_sample_size(grid).ok()?;
    let length = error.block_hours(sums.len());
    let [resampled] = deviations(&sums, [statistic], length, crate::REPLICATES)?;
    Some(error.p_value(&resampled) <= ALPHA)
}
