//! Alternative intervals, for the comparison with that of [`crate::relate`] in `study/`. Not part of
//! the crate's interface.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::autocovariance::block_length;
use crate::bootstrap::{SEED, deviations, draw};
use crate::grid::Grid;
use crate::moments::{CircularSums, Statistic};
use crate::sample::{PairedHour, RelationOptions};
use crate::uncertainty::{Variances, influences};

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
