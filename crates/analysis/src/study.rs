//! Intervals of other methods, beside which that of [`crate::relate`] was chosen. Only for the
//! comparison in `study/`; not part of the crate's interface.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::autocovariance::block_length;
use crate::bootstrap::{SEED, deviations, draw};
use crate::grid::Grid;
use crate::moments::{Circle, Target};
use crate::relation::{Variances, influences};
use crate::sample::{Options, PairedHour};

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
const Z: Target = Target::FisherZ;

/// The interval of Fisher's z by each method. `None` where a side does not vary.
#[must_use]
pub fn intervals(hours: &[PairedHour]) -> Option<[(f64, f64); METHODS.len()]> {
    let weather = hours.iter().map(|hour| hour.weather).collect();
    let grid = Grid::new(hours, Options::PLAIN, weather).ok()?;
    let circle = Circle::of(&grid);
    let shape = circle.whole().shape()?;
    let influences = influences(&grid, &shape, Z);
    let variances = Variances::of(&grid, &shape, Z, &influences);
    let larger = variances.clustered.max(variances.prewhitened);
    let best = block_length(&influences).round() as usize;
    let floor = (circle.len() as f64).cbrt().round() as usize;
    let critical = |length: usize| {
        let [deviations] = deviations(&circle, [Z], length, REPLICATES)?;
        Some(deviations.beyond(0.05))
    };
    let (c, c_floor) = (critical(best)?, critical(best.max(floor))?);
    let z = shape.value(Z);
    let around = |c: f64, variance: f64| {
        let reach = c * (variance / grid.hours as f64).sqrt();
        (z - reach, z + reach)
    };
    Some([
        percentile(&circle, best)?,
        around(c, of_blocks(&influences, best) / grid.hours as f64),
        around(1.959_964, variances.prewhitened),
        around(c, variances.prewhitened),
        around(c, variances.clustered),
        around(c, larger),
        around(c_floor, larger),
    ])
}

fn percentile(circle: &Circle, length: usize) -> Option<(f64, f64)> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut blocks = Vec::new();
    let mut values: Vec<f64> = (0..REPLICATES)
        .filter_map(|_| draw(circle, length, &mut random, &mut blocks).shape())
        .map(|shape| shape.value(Z))
        .collect();
    values.sort_by(f64::total_cmp);
    let end = values.len().checked_sub(1)?;
    let at = |share: f64| values[(share * end as f64).round() as usize];
    Some((at(0.025), at(0.975)))
}

/// The variance of the sum of influences from overlapping blocks on a circle.
fn of_blocks(influences: &[f64], length: usize) -> f64 {
    let n = influences.len();
    let block = |start: usize| -> f64 { (0..length).map(|i| influences[(start + i) % n]).sum() };
    let squares: f64 = (0..n).map(|start| block(start).powi(2)).sum();
    squares / length as f64
}
