//! Weighted sums over any range of hours, and the correlation, slope and influences that follow from
//! them.
//!
//! Terms: the *influence* of an hour on a statistic is the derivative of the statistic by the hour's
//! weight, times the total weight.

use std::ops::{Add, Sub};

use crate::grid::Grid;

/// Limits the correlation in Fisher's z, which is infinite for a perfect correlation.
const MAX_CORRELATION: f64 = 1.0 - 1e-12;

/// Weighted sums over a range of hours.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MomentSums {
    w: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

macro_rules! componentwise {
    ($operation:ident, $name:ident, $sign:tt) => {
        impl $operation for MomentSums {
            type Output = Self;
            fn $name(self, other: Self) -> Self {
                Self {
                    w: self.w $sign other.w,
                    x: self.x $sign other.x,
                    y: self.y $sign other.y,
                    xx: self.xx $sign other.xx,
                    yy: self.yy $sign other.yy,
                    xy: self.xy $sign other.xy,
                }
            }
        }
    };
}
componentwise!(Add, add, +);
componentwise!(Sub, sub, -);

impl MomentSums {
    /// The sums of one hour.
    pub(crate) fn of_hour(w: f64, x: f64, y: f64) -> Self {
        Self {
            w,
            x: w * x,
            y: w * y,
            xx: w * x * x,
            yy: w * y * y,
            xy: w * x * y,
        }
    }

    /// The sample moments, or `None` if a series does not vary.
    pub(crate) fn sample_moments(&self) -> Option<SampleMoments> {
        let (x, y) = (self.x / self.w, self.y / self.w);
        let xx = self.xx / self.w - x * x;
        let yy = self.yy / self.w - y * y;
        let xy = self.xy / self.w - x * y;
        // The grid's series have variance 1, so that these limits are relative.
        (xx > 1e-12 && yy > 1e-12).then_some(SampleMoments {
            w: self.w,
            x,
            y,
            xx,
            yy,
            xy,
        })
    }
}

/// Means, variances and covariance of a sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampleMoments {
    w: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

/// A statistic of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistic {
    /// Fisher's z of the correlation, artanh r. Its variance does not depend on r.
    FisherZ,
    /// The slope of the regression of y on x.
    Slope,
}

impl SampleMoments {
    /// Pearson's correlation.
    pub(crate) fn r(&self) -> f64 {
        (self.xy / (self.xx * self.yy).sqrt()).clamp(-1.0, 1.0)
    }

    pub(crate) fn value(&self, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::FisherZ => self.r().clamp(-MAX_CORRELATION, MAX_CORRELATION).atanh(),
            Statistic::Slope => self.xy / self.xx,
        }
    }

    /// The sum of the influences of a part of the sample on a statistic.
    pub(crate) fn influence(&self, part: &MomentSums, statistic: Statistic) -> f64 {
        let xx = part.xx - 2.0 * self.x * part.x + part.w * self.x * self.x;
        let xy = part.xy - self.x * part.y - self.y * part.x + part.w * self.x * self.y;
        match statistic {
            Statistic::FisherZ => {
                let yy = part.yy - 2.0 * self.y * part.y + part.w * self.y * self.y;
                let r = self.r().clamp(-MAX_CORRELATION, MAX_CORRELATION);
                let cross = xy / (self.xx * self.yy).sqrt();
                (cross - r / 2.0 * (xx / self.xx + yy / self.yy)) / (1.0 - r * r)
            }
            Statistic::Slope => (xy - self.xy / self.xx * xx) / self.xx,
        }
    }

    pub(crate) fn weight(&self) -> f64 {
        self.w
    }
}

/// Prefix sums over a grid. Blocks wrap around its end, so that a block can start at every hour.
pub(crate) struct CircularSums(Vec<MomentSums>);

impl CircularSums {
    pub(crate) fn new(grid: &Grid) -> Self {
        let mut sums = Vec::with_capacity(grid.weight.len() + 1);
        let mut sum = MomentSums::default();
        sums.push(sum);
        for ((w, x), y) in grid.weight.iter().zip(&grid.x).zip(&grid.y) {
            sum = sum + MomentSums::of_hour(*w, *x, *y);
            sums.push(sum);
        }
        Self(sums)
    }

    /// The number of hours, missing ones included.
    pub(crate) fn len(&self) -> usize {
        self.0.len() - 1
    }

    /// The sums of all hours.
    pub(crate) fn total(&self) -> MomentSums {
        self.0[self.len()]
    }

    /// The sums of `length` hours, at most all, from hour `start`.
    pub(crate) fn block(&self, start: usize, length: usize) -> MomentSums {
        let (end, all) = (start + length, self.len());
        if end <= all {
            return self.0[end] - self.0[start];
        }
        self.0[all] - self.0[start] + self.0[end - all]
    }
}
