//! Absorbs fixed effects: removes from a column everything that the indicators of groups explain.
//!
//! Terms: a *fixed effect* assigns each row to one *level*, for example its city and hour of the week.
//! Its *projection* replaces each value by the weighted mean of its level, or by the weighted line of
//! its level if the effect has a *trend*. The *absorbed* column is what remains when no projection
//! explains anything of it any more.
//!
//! By the theorem of Frisch, Waugh and Lovell, a regression of absorbed columns has the coefficients
//! of the regression with an indicator column for each level. One effect needs one pass. Several are
//! absorbed by alternating projections (von Neumann; Halperin 1962), made symmetric and accelerated
//! by conjugate gradients (Hernández-Ramos, Escalante and Raydan 2011; Correia 2017, "Linear models
//! with high-dimensional fixed effects", section 3).
//!
//! Guarantees: a column's result depends neither on the other columns nor on the number of threads.

use std::num::NonZeroUsize;

use thiserror::Error;

/// Columns are absorbed in batches of this many, which share the passes over the levels.
const LANES: usize = 4;
/// A column has converged if a step changes it by less than this share of its norm.
const TOLERANCE: f64 = 1e-13;
/// The rounding error of a column, as a share of its norm.
const ROUNDING: f64 = 1e-15;
/// Conjugate gradients take few iterations, however unbalanced the levels are.
const MAX_ITERATIONS: usize = 2_000;

type Lane = [f64; LANES];

/// Fixed effects that do not converge: their levels hardly overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the fixed effects do not converge within {iterations} iterations: their levels hardly overlap, use fewer effects"
)]
pub struct AbsorbError {
    /// The number of iterations.
    pub iterations: usize,
}

/// A fixed effect: the level of each row.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedEffect {
    levels: Vec<u32>,
    count: usize,
    trend: Option<Vec<f64>>,
}

impl FixedEffect {
    /// The effect with a level for each distinct key, numbered by their first rows.
    #[must_use]
    pub fn from_keys(keys: impl Iterator<Item = u64>) -> Self {
        let mut numbers = std::collections::HashMap::new();
        let levels: Vec<u32> = keys
            .map(|key| {
                let next = numbers.len() as u32;
                *numbers.entry(key).or_insert(next)
            })
            .collect();
        Self {
            levels,
            count: numbers.len(),
            trend: None,
        }
    }

    /// The same levels, each with its own linear trend in `time`, one value a row.
    #[must_use]
    pub fn with_trend(self, time: Vec<f64>) -> Self {
        Self {
            trend: Some(time),
            ..self
        }
    }

    /// The level of each row.
    #[must_use]
    pub fn levels(&self) -> &[u32] {
        &self.levels
    }

    /// The number of levels.
    #[must_use]
    pub fn level_count(&self) -> usize {
        self.count
    }

    /// The number of parameters: one a level, two with a trend.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.count * if self.trend.is_some() { 2 } else { 1 }
    }
}

/// Absorbs a set of fixed effects with given weights.
#[derive(Debug)]
pub(crate) struct Absorber<'a> {
    weights: &'a [f64],
    projections: Vec<Projection<'a>>,
}

#[derive(Debug)]
struct Projection<'a> {
    levels: &'a [u32],
    /// 1 over the sum of weights of each level.
    inverse: Vec<f64>,
    trend: Option<Trend>,
}

#[derive(Debug)]
struct Trend {
    /// Time minus the weighted mean time of the row's level.
    centred: Vec<f64>,
    /// 1 over the weighted sum of squares of each level; 0 if its rows have one time.
    inverse: Vec<f64>,
}

impl<'a> Projection<'a> {
    fn new(effect: &'a FixedEffect, weights: &[f64]) -> Self {
        let sums = |values: &dyn Fn(usize) -> f64| {
            let mut sums = vec![0.0; effect.count];
            for (row, level) in effect.levels.iter().enumerate() {
                sums[*level as usize] += values(row);
            }
            sums
        };
        let invert = |sum: f64| if sum > 0.0 { 1.0 / sum } else { 0.0 };
        let inverse: Vec<f64> = sums(&|row| weights[row]).into_iter().map(invert).collect();
        let trend = effect.trend.as_ref().map(|time| {
            let means = sums(&|row| weights[row] * time[row]);
            let levels = effect.levels.iter().map(|level| *level as usize);
            let centred: Vec<f64> = levels
                .zip(time)
                .map(|(level, time)| time - means[level] * inverse[level])
                .collect();
            let squares = sums(&|row| weights[row] * centred[row] * centred[row]);
            let inverse = squares
                .into_iter()
                .map(|s| if s > 1e-9 { 1.0 / s } else { 0.0 });
            Trend {
                inverse: inverse.collect(),
                centred,
            }
        });
        Self {
            levels: &effect.levels,
            inverse,
            trend,
        }
    }

    /// Removes the projection of `values`.
    fn remove(&self, weights: &[f64], values: &mut [Lane], sums: &mut Sums) {
        sums.reset(self.inverse.len(), self.trend.is_some());
        for ((value, level), weight) in values.iter().zip(self.levels).zip(weights) {
            let sum = &mut sums.means[*level as usize];
            for (sum, value) in sum.iter_mut().zip(value) {
                *sum += weight * value;
            }
        }
        scale(&mut sums.means, &self.inverse);
        let Some(trend) = &self.trend else {
            for (value, level) in values.iter_mut().zip(self.levels) {
                let mean = &sums.means[*level as usize];
                value.iter_mut().zip(mean).for_each(|(v, m)| *v -= m);
            }
            return;
        };
        let rows = values.iter_mut().zip(self.levels);
        for (((value, level), weight), time) in rows.zip(weights).zip(&trend.centred) {
            let mean = &sums.means[*level as usize];
            let slope = &mut sums.slopes[*level as usize];
            for ((value, mean), slope) in value.iter_mut().zip(mean).zip(slope) {
                *value -= mean;
                *slope += weight * time * *value;
            }
        }
        scale(&mut sums.slopes, &trend.inverse);
        for ((value, level), time) in values.iter_mut().zip(self.levels).zip(&trend.centred) {
            let slope = &sums.slopes[*level as usize];
            value
                .iter_mut()
                .zip(slope)
                .for_each(|(v, s)| *v -= s * time);
        }
    }
}

fn scale(sums: &mut [Lane], inverse: &[f64]) {
    for (sum, inverse) in sums.iter_mut().zip(inverse) {
        sum.iter_mut().for_each(|sum| *sum *= inverse);
    }
}

#[derive(Default)]
struct Sums {
    means: Vec<Lane>,
    slopes: Vec<Lane>,
}

impl Sums {
    fn reset(&mut self, levels: usize, has_trend: bool) {
        self.means.clear();
        self.means.resize(levels, [0.0; LANES]);
        self.slopes.clear();
        self.slopes
            .resize(if has_trend { levels } else { 0 }, [0.0; LANES]);
    }
}

impl<'a> Absorber<'a> {
    /// An absorber of these effects. Weights are positive; effects and weights have one value a row.
    #[must_use]
    pub(crate) fn new(effects: &'a [FixedEffect], weights: &'a [f64]) -> Self {
        let projections = effects
            .iter()
            .map(|effect| Projection::new(effect, weights))
            .collect();
        Self {
            weights,
            projections,
        }
    }

    /// Absorbs the effects from each column in place, on this number of threads.
    ///
    /// # Errors
    /// [`AbsorbError`] if a column does not converge.
    pub(crate) fn absorb(
        &self,
        columns: &mut [Vec<f64>],
        threads: NonZeroUsize,
    ) -> Result<(), AbsorbError> {
        let batches = columns.len().div_ceil(LANES);
        let share = batches.div_ceil(threads.get()).max(1) * LANES;
        if batches <= 1 || threads.get() == 1 {
            return self.absorb_batches(columns);
        }
        std::thread::scope(|scope| {
            let workers: Vec<_> = columns
                .chunks_mut(share)
                .map(|columns| scope.spawn(|| self.absorb_batches(columns)))
                .collect();
            // A worker does not panic; were it to, the columns would not have converged.
            let failed = AbsorbError { iterations: 0 };
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().unwrap_or(Err(failed)))
        })
    }

    fn absorb_batches(&self, columns: &mut [Vec<f64>]) -> Result<(), AbsorbError> {
        let mut batch = Batch::default();
        columns.chunks_mut(LANES).try_for_each(|columns| {
            batch.load(columns);
            self.absorb_batch(&mut batch)?;
            batch.store(columns);
            Ok(())
        })
    }

    fn absorb_batch(&self, batch: &mut Batch) -> Result<(), AbsorbError> {
        let Batch {
            values,
            residual,
            direction,
            image,
            sums,
        } = batch;
        if self.projections.len() <= 1 {
            self.sweep(values, sums);
            return Ok(());
        }
        let raw = self.squares(values, values);
        self.sweep(values, sums);
        let swept = self.squares(values, values);
        let limit: Lane = std::array::from_fn(|lane| {
            swept[lane] * TOLERANCE * TOLERANCE + raw[lane] * ROUNDING * ROUNDING
        });
        self.explain(values, residual, sums);
        direction.clone_from(residual);
        let mut squares = self.squares(residual, residual);
        for _ in 0..MAX_ITERATIONS {
            if (0..LANES).all(|lane| squares[lane] <= limit[lane]) {
                self.sweep(values, sums);
                return Ok(());
            }
            self.explain(direction, image, sums);
            let curvature = self.squares(direction, image);
            let step = std::array::from_fn(|lane| {
                let advances = squares[lane] > limit[lane] && curvature[lane] > 0.0;
                if advances {
                    squares[lane] / curvature[lane]
                } else {
                    0.0
                }
            });
            subtract(values, step, direction);
            subtract(residual, step, image);
            let next = self.squares(residual, residual);
            let factor = std::array::from_fn(|lane| {
                if step[lane] > 0.0 {
                    next[lane] / squares[lane]
                } else {
                    0.0
                }
            });
            squares = std::array::from_fn(|lane| if step[lane] > 0.0 { next[lane] } else { 0.0 });
            advance(direction, factor, residual);
        }
        Err(AbsorbError {
            iterations: MAX_ITERATIONS,
        })
    }

    /// Removes each projection once.
    fn sweep(&self, values: &mut [Lane], sums: &mut Sums) {
        for projection in &self.projections {
            projection.remove(self.weights, values, sums);
        }
    }

    /// What a sweep forth and back removes from `values`.
    fn explain(&self, values: &[Lane], explained: &mut Vec<Lane>, sums: &mut Sums) {
        explained.clear();
        explained.extend_from_slice(values);
        self.sweep(explained, sums);
        for projection in self.projections.iter().rev().skip(1) {
            projection.remove(self.weights, explained, sums);
        }
        for (explained, value) in explained.iter_mut().zip(values) {
            for (explained, value) in explained.iter_mut().zip(value) {
                *explained = value - *explained;
            }
        }
    }

    fn squares(&self, a: &[Lane], b: &[Lane]) -> Lane {
        let mut sum = [0.0; LANES];
        for ((a, b), weight) in a.iter().zip(b).zip(self.weights) {
            for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
                *sum += weight * a * b;
            }
        }
        sum
    }
}

fn subtract(values: &mut [Lane], step: Lane, direction: &[Lane]) {
    for (value, direction) in values.iter_mut().zip(direction) {
        for ((value, step), direction) in value.iter_mut().zip(step).zip(direction) {
            *value -= step * direction;
        }
    }
}

fn advance(direction: &mut [Lane], factor: Lane, residual: &[Lane]) {
    for (direction, residual) in direction.iter_mut().zip(residual) {
        for ((direction, factor), residual) in direction.iter_mut().zip(factor).zip(residual) {
            *direction = residual + factor * *direction;
        }
    }
}

/// Up to [`LANES`] columns, row by row, and the buffers of conjugate gradients.
#[derive(Default)]
struct Batch {
    values: Vec<Lane>,
    residual: Vec<Lane>,
    direction: Vec<Lane>,
    image: Vec<Lane>,
    sums: Sums,
}

impl Batch {
    fn load(&mut self, columns: &[Vec<f64>]) {
        let rows = columns.first().map_or(0, Vec::len);
        self.values.clear();
        self.values.resize(rows, [0.0; LANES]);
        for (lane, column) in columns.iter().enumerate() {
            for (row, value) in self.values.iter_mut().zip(column) {
                row[lane] = *value;
            }
        }
    }

    fn store(&self, columns: &mut [Vec<f64>]) {
        for (lane, column) in columns.iter_mut().enumerate() {
            for (value, row) in column.iter_mut().zip(&self.values) {
                *value = row[lane];
            }
        }
    }
}
