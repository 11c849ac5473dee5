//! The six weighted sums from which correlation, slope and their influences come, for any stretch
//! of hours at once.

use std::ops::{Add, Sub};

use crate::grid::Grid;

/// Beyond this a correlation is a line.
const LINE: f64 = 1.0 - 1e-12;

/// Weighted sums over some hours.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moments {
    w: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

macro_rules! by_part {
    ($operation:ident, $name:ident, $sign:tt) => {
        impl $operation for Moments {
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
by_part!(Add, add, +);
by_part!(Sub, sub, -);

impl Moments {
    /// Those of one hour.
    pub(crate) fn of(w: f64, x: f64, y: f64) -> Self {
        Self {
            w,
            x: w * x,
            y: w * y,
            xx: w * x * x,
            yy: w * y * y,
            xy: w * x * y,
        }
    }

    /// What a whole of these sums is. `None` where a side does not vary.
    pub(crate) fn shape(&self) -> Option<Shape> {
        let (x, y) = (self.x / self.w, self.y / self.w);
        let xx = self.xx / self.w - x * x;
        let yy = self.yy / self.w - y * y;
        let xy = self.xy / self.w - x * y;
        // Sides are scaled to variance 1, so that this is a share.
        (xx > 1e-12 && yy > 1e-12).then_some(Shape {
            w: self.w,
            x,
            y,
            xx,
            yy,
            xy,
        })
    }
}

/// Means, variances and covariance of a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    w: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

/// What is asked of a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Fisher's z of the correlation, artanh r, whose spread does not depend on r.
    FisherZ,
    /// The slope of the second side over the first.
    Slope,
}

impl Shape {
    /// Pearson's correlation.
    pub(crate) fn r(&self) -> f64 {
        (self.xy / (self.xx * self.yy).sqrt()).clamp(-1.0, 1.0)
    }

    pub(crate) fn value(&self, target: Target) -> f64 {
        match target {
            Target::FisherZ => self.r().clamp(-LINE, LINE).atanh(),
            Target::Slope => self.xy / self.xx,
        }
    }

    /// The sum of the influences that a part of the whole has on its value: the value's derivative
    /// where the part's hours weigh a little more, times the whole's weight.
    pub(crate) fn influence(&self, part: &Moments, target: Target) -> f64 {
        let xx = part.xx - 2.0 * self.x * part.x + part.w * self.x * self.x;
        let xy = part.xy - self.x * part.y - self.y * part.x + part.w * self.x * self.y;
        match target {
            Target::FisherZ => {
                let yy = part.yy - 2.0 * self.y * part.y + part.w * self.y * self.y;
                let r = self.r().clamp(-LINE, LINE);
                let cross = xy / (self.xx * self.yy).sqrt();
                (cross - r / 2.0 * (xx / self.xx + yy / self.yy)) / (1.0 - r * r)
            }
            Target::Slope => (xy - self.xy / self.xx * xx) / self.xx,
        }
    }

    pub(crate) fn weight(&self) -> f64 {
        self.w
    }
}

/// Running sums over a grid that is thought of as a circle, so that every hour begins a block.
pub(crate) struct Circle(Vec<Moments>);

impl Circle {
    pub(crate) fn of(grid: &Grid) -> Self {
        let mut sums = Vec::with_capacity(grid.weight.len() + 1);
        let mut sum = Moments::default();
        sums.push(sum);
        for ((w, x), y) in grid.weight.iter().zip(&grid.x).zip(&grid.y) {
            sum = sum + Moments::of(*w, *x, *y);
            sums.push(sum);
        }
        Self(sums)
    }

    /// How many hours there are, missing ones included.
    pub(crate) fn len(&self) -> usize {
        self.0.len() - 1
    }

    pub(crate) fn whole(&self) -> Moments {
        self.0[self.len()]
    }

    /// The sums of `length` hours from hour `start` on, at most all.
    pub(crate) fn block(&self, start: usize, length: usize) -> Moments {
        let (end, all) = (start + length, self.len());
        if end <= all {
            return self.0[end] - self.0[start];
        }
        self.0[all] - self.0[start] + self.0[end - all]
    }
}
