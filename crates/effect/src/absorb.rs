//! Absorbs fixed effects: removes from a column everything that the indicators of groups explain.
//!
//! Terms: a *fixed effect* assigns each row to one *level*, for example its city and hour of the week.
//! Its *projection* replaces each value by the weighted mean of its level, or by the weighted line of
//! its level if the effect has a *trend*. The *absorbed* column is what remains when no projection
//! explains anything of it any more.
//!
//! By the theorem of Frisch, Waugh and Lovell, a regression of absorbed columns has the coefficients
//! of the regression with an indicator column for each level. One effect needs one pass. Of several,
//! the one with most levels is eliminated, and conjugate gradients solve for the levels of the others
//! (Hestenes and Stiefel 1952; for fixed effects Abowd, Creecy and Kramarz 2002), preconditioned by
//! the sums of weights. The iterations work on levels and weights, which stay in the cache, not on
//! the rows' values.
//!
//! Guarantees: a column's result depends neither on the other columns nor on the number of threads.

use std::num::NonZeroUsize;

use thiserror::Error;

use crate::indicators::{Indicators, LANES, Lane};

/// A column has converged if the effects explain less than this share of its norm.
const TOLERANCE: f64 = 1e-12;
/// The rounding error of a column, as a share of its norm.
const ROUNDING: f64 = 1e-15;
/// Conjugate gradients take few iterations, unless the levels hardly overlap.
const MAX_ITERATIONS: usize = 2_000;

/// Rows of a block whose values stay in the cache.
const BLOCK_ROWS: usize = 256;

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

    pub(crate) fn trend(&self) -> Option<&[f64]> {
        self.trend.as_deref()
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
    /// The one with most levels first.
    terms: Vec<Indicators<'a>>,
}

/// Coefficients of all levels of the terms but the first.
type Levels = Vec<Vec<Lane>>;

impl<'a> Absorber<'a> {
    /// An absorber of these effects. Weights are positive; effects and weights have one value a row.
    #[must_use]
    pub(crate) fn new(effects: &'a [FixedEffect], weights: &'a [f64]) -> Self {
        let terms = effects
            .iter()
            .map(|effect| Indicators::new(effect, weights));
        let mut terms: Vec<Indicators<'a>> = terms.flatten().collect();
        terms.sort_by_key(|term| std::cmp::Reverse(term.level_count()));
        Self { weights, terms }
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
        if batches <= 1 || threads.get() == 1 {
            return self.absorb_batches(columns);
        }
        let share = batches.div_ceil(threads.get()) * LANES;
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
        let mut values = Vec::new();
        columns.chunks_mut(LANES).try_for_each(|columns| {
            load(columns, &mut values);
            self.absorb_batch(&mut values)?;
            store(&values, columns);
            Ok(())
        })
    }

    fn absorb_batch(&self, values: &mut [Lane]) -> Result<(), AbsorbError> {
        let Some((first, others)) = self.terms.split_first() else {
            return Ok(());
        };
        let raw = self.squares(values);
        self.remove(first, values);
        if others.is_empty() {
            return Ok(());
        }
        let swept = self.squares(values);
        let limit: Lane = std::array::from_fn(|lane| {
            swept[lane] * TOLERANCE * TOLERANCE + raw[lane] * ROUNDING * ROUNDING
        });
        let solution = self.solve(values, limit)?;
        let first_part = self.first_part(&solution);
        self.each_block(|begin, rows, block| {
            block.copy_from_slice(&values[begin..begin + rows]);
            for (term, levels) in others.iter().zip(&solution) {
                term.gather(begin, levels, -1.0, block);
            }
            first.gather(begin, &first_part, 1.0, block);
            values[begin..begin + rows].copy_from_slice(block);
        });
        // What rounding left.
        self.terms.iter().for_each(|term| self.remove(term, values));
        Ok(())
    }

    /// The coefficients of the levels by which the terms but the first explain the values, which the
    /// first does not.
    fn solve(&self, values: &[Lane], limit: Lane) -> Result<Levels, AbsorbError> {
        let mut gradient: Levels = self.zeros();
        self.each_block(|begin, rows, block| {
            block.copy_from_slice(&values[begin..begin + rows]);
            self.scatter(begin, block, &mut gradient);
        });
        let mut solution = self.zeros();
        let mut scaled = self.precondition(&gradient);
        let mut direction = scaled.clone();
        let mut squares = products(&gradient, &scaled);
        for _ in 0..MAX_ITERATIONS {
            if (0..LANES).all(|lane| squares[lane] <= limit[lane]) {
                return Ok(solution);
            }
            let image = self.apply(&direction);
            let curvature = products(&direction, &image);
            let step: Lane = std::array::from_fn(|lane| {
                let advances = squares[lane] > limit[lane] && curvature[lane] > 0.0;
                if advances {
                    squares[lane] / curvature[lane]
                } else {
                    0.0
                }
            });
            combine(&mut solution, [1.0; LANES], &direction, step);
            combine(&mut gradient, [1.0; LANES], &image, step.map(|step| -step));
            scaled = self.precondition(&gradient);
            let next = products(&gradient, &scaled);
            let factor = std::array::from_fn(|lane| {
                if step[lane] > 0.0 {
                    next[lane] / squares[lane]
                } else {
                    0.0
                }
            });
            // A column that has converged keeps its solution.
            squares = std::array::from_fn(|lane| if step[lane] > 0.0 { next[lane] } else { 0.0 });
            combine(&mut direction, factor, &scaled, [1.0; LANES]);
        }
        Err(AbsorbError {
            iterations: MAX_ITERATIONS,
        })
    }

    /// The sums of levels of what the levels' coefficients give, less what the first term explains of
    /// it.
    fn apply(&self, levels: &Levels) -> Levels {
        let first_part = self.first_part(levels);
        let mut sums = self.zeros();
        self.each_block(|begin, _, block| {
            for (term, levels) in self.terms[1..].iter().zip(levels) {
                term.gather(begin, levels, 1.0, block);
            }
            self.terms[0].gather(begin, &first_part, -1.0, block);
            self.scatter(begin, block, &mut sums);
        });
        sums
    }

    /// What the first term explains of the levels' coefficients.
    fn first_part(&self, levels: &Levels) -> Vec<Lane> {
        let first = &self.terms[0];
        let mut sums = first.zeros();
        self.each_block(|begin, rows, block| {
            for (term, levels) in self.terms[1..].iter().zip(levels) {
                term.gather(begin, levels, 1.0, block);
            }
            weigh(block, &self.weights[begin..begin + rows]);
            first.scatter(begin, block, &mut sums);
        });
        first.solve(&mut sums);
        sums
    }

    /// Weighs the rows and adds them to the sums of all terms but the first.
    fn scatter(&self, begin: usize, block: &mut [Lane], sums: &mut Levels) {
        weigh(block, &self.weights[begin..begin + block.len()]);
        for (term, sums) in self.terms[1..].iter().zip(sums) {
            term.scatter(begin, block, sums);
        }
    }

    /// Removes what one term explains.
    fn remove(&self, term: &Indicators<'_>, values: &mut [Lane]) {
        let mut sums = term.zeros();
        self.each_block(|begin, rows, block| {
            block.copy_from_slice(&values[begin..begin + rows]);
            weigh(block, &self.weights[begin..begin + rows]);
            term.scatter(begin, block, &mut sums);
        });
        term.solve(&mut sums);
        for begin in (0..values.len()).step_by(BLOCK_ROWS) {
            let end = values.len().min(begin + BLOCK_ROWS);
            term.gather(begin, &sums, -1.0, &mut values[begin..end]);
        }
    }

    /// Calls a function with the first row, the number of rows and a buffer of zeros for each block.
    fn each_block(&self, mut visit: impl FnMut(usize, usize, &mut [Lane])) {
        let mut buffer = [[0.0; LANES]; BLOCK_ROWS];
        for begin in (0..self.weights.len()).step_by(BLOCK_ROWS) {
            let rows = BLOCK_ROWS.min(self.weights.len() - begin);
            buffer[..rows].fill([0.0; LANES]);
            visit(begin, rows, &mut buffer[..rows]);
        }
    }

    fn precondition(&self, gradient: &Levels) -> Levels {
        let mut scaled = gradient.clone();
        for (term, levels) in self.terms[1..].iter().zip(&mut scaled) {
            term.solve(levels);
        }
        scaled
    }

    fn zeros(&self) -> Levels {
        self.terms[1..].iter().map(Indicators::zeros).collect()
    }

    fn squares(&self, values: &[Lane]) -> Lane {
        let mut sum = [0.0; LANES];
        for (value, weight) in values.iter().zip(self.weights) {
            sum.iter_mut()
                .zip(value)
                .for_each(|(s, v)| *s += weight * v * v);
        }
        sum
    }
}

fn weigh(rows: &mut [Lane], weights: &[f64]) {
    for (row, weight) in rows.iter_mut().zip(weights) {
        row.iter_mut().for_each(|value| *value *= weight);
    }
}

fn products(a: &Levels, b: &Levels) -> Lane {
    let mut sum = [0.0; LANES];
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sum
}

/// a · levels + b · others.
fn combine(levels: &mut Levels, a: Lane, others: &Levels, b: Lane) {
    for (level, other) in levels.iter_mut().flatten().zip(others.iter().flatten()) {
        for (lane, value) in level.iter_mut().enumerate() {
            *value = a[lane] * *value + b[lane] * other[lane];
        }
    }
}

/// Up to [`LANES`] columns, row by row.
fn load(columns: &[Vec<f64>], values: &mut Vec<Lane>) {
    let rows = columns.first().map_or(0, Vec::len);
    values.clear();
    values.resize(rows, [0.0; LANES]);
    for (lane, column) in columns.iter().enumerate() {
        for (row, value) in values.iter_mut().zip(column) {
            row[lane] = *value;
        }
    }
}

fn store(values: &[Lane], columns: &mut [Vec<f64>]) {
    for (lane, column) in columns.iter_mut().enumerate() {
        for (value, row) in column.iter_mut().zip(values) {
            *value = row[lane];
        }
    }
}
