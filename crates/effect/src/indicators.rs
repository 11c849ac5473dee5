//! The indicators of the levels of a fixed effect, applied to several columns at once.

use crate::absorb::FixedEffect;

/// The number of columns that share a pass over the levels.
pub(crate) const LANES: usize = 4;

/// A value of each column.
pub(crate) type Lane = [f64; LANES];

/// The indicators of the levels of an effect, or these times a trend.
#[derive(Debug)]
pub(crate) struct Indicators<'a> {
    levels: &'a [u32],
    /// Time minus the weighted mean time of the row's level.
    trend: Option<Vec<f64>>,
    /// 1 over the weighted sum of squares of each level.
    inverse: Vec<f64>,
}

impl<'a> Indicators<'a> {
    /// The indicators of an effect, and those of its trend.
    pub(crate) fn new(effect: &'a FixedEffect, weights: &[f64]) -> Vec<Self> {
        let sums = |values: &dyn Fn(usize) -> f64| {
            let mut sums = vec![0.0; effect.level_count()];
            for (row, level) in effect.levels().iter().enumerate() {
                sums[*level as usize] += values(row);
            }
            sums
        };
        let totals = sums(&|row| weights[row]);
        let invert = |sum: &f64| if *sum > 0.0 { 1.0 / sum } else { 0.0 };
        let inverse: Vec<f64> = totals.iter().map(invert).collect();
        // A level of one time has no trend.
        let determined = |(squares, total): (&f64, &f64)| {
            if *squares > 1e-9 * total {
                1.0 / squares
            } else {
                0.0
            }
        };
        let trend = effect.trend().map(|time| {
            let means = sums(&|row| weights[row] * time[row]);
            let rows = effect.levels().iter().zip(time);
            let centred: Vec<f64> = rows
                .map(|(level, time)| time - means[*level as usize] * inverse[*level as usize])
                .collect();
            let squares = sums(&|row| weights[row] * centred[row] * centred[row]);
            Self {
                levels: effect.levels(),
                trend: Some(centred),
                inverse: squares.iter().zip(&totals).map(determined).collect(),
            }
        });
        let means = Self {
            levels: effect.levels(),
            trend: None,
            inverse,
        };
        std::iter::once(means).chain(trend).collect()
    }

    /// Adds the coefficient of each row's level, times `sign`.
    pub(crate) fn gather(&self, begin: usize, coefficients: &[Lane], sign: f64, rows: &mut [Lane]) {
        let levels = &self.levels[begin..begin + rows.len()];
        if let Some(trend) = &self.trend {
            let trend = &trend[begin..begin + rows.len()];
            for ((row, level), time) in rows.iter_mut().zip(levels).zip(trend) {
                add(row, &coefficients[*level as usize], sign * time);
            }
        } else {
            for (row, level) in rows.iter_mut().zip(levels) {
                add(row, &coefficients[*level as usize], sign);
            }
        }
    }

    /// Adds the weighted rows to the sums of their levels.
    pub(crate) fn scatter(&self, begin: usize, rows: &[Lane], sums: &mut [Lane]) {
        let levels = &self.levels[begin..begin + rows.len()];
        if let Some(trend) = &self.trend {
            let trend = &trend[begin..begin + rows.len()];
            for ((row, level), time) in rows.iter().zip(levels).zip(trend) {
                add(&mut sums[*level as usize], row, *time);
            }
        } else {
            for (row, level) in rows.iter().zip(levels) {
                add(&mut sums[*level as usize], row, 1.0);
            }
        }
    }

    /// Divides the sums by the weights of their levels.
    pub(crate) fn solve(&self, sums: &mut [Lane]) {
        for (sum, inverse) in sums.iter_mut().zip(&self.inverse) {
            sum.iter_mut().for_each(|sum| *sum *= inverse);
        }
    }

    pub(crate) fn level_count(&self) -> usize {
        self.inverse.len()
    }

    pub(crate) fn zeros(&self) -> Vec<Lane> {
        vec![[0.0; LANES]; self.inverse.len()]
    }
}

fn add(sum: &mut Lane, value: &Lane, factor: f64) {
    sum.iter_mut()
        .zip(value)
        .for_each(|(s, v)| *s += factor * v);
}
