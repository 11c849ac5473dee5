//! The direct estimate of the mean class: the mean value, mapped by a line.
//!
//! The mean value of a class rises linearly with the class (`study/`), so the mean value of posts is a
//! linear function of their mean class, whatever the mix. Its inverse is unbiased, also for few posts.

use moodvane_model::{Calibration, PostSums, ValueHistogram};

use crate::quantifier::QuantificationError;

/// The smallest change of the mean value per class that tells classes apart.
pub(crate) const MIN_SLOPE: f64 = 0.05;
/// The weight, in posts, of the calibration's variance in that of a group of posts. The variance of a
/// few posts alone is often 0.
const VARIANCE_PRIOR_POSTS: f64 = 5.0;

/// The direct estimate of the mean class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Direct {
    /// The mean class. May lie outside 0 to 4 for few posts.
    pub value: f64,
    /// Its standard error as the mean of a random sample of posts, scored by the scorer. Above 0.
    pub standard_error: f64,
}

/// The least-squares line of the value on the class over the calibration's texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ValueLine {
    intercept: f64,
    slope: f64,
    /// The variance of the values of the calibration.
    variance: f64,
}

impl ValueLine {
    pub(crate) fn new(calibration: &Calibration) -> Result<Self, QuantificationError> {
        let (mut n, mut classes, mut squares, mut values, mut products) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let mut all = ValueHistogram::default();
        for (class, of_class) in (0u8..).zip(calibration.classes()) {
            let class = f64::from(class);
            let count = of_class.histogram.total() as f64;
            let sum = of_class.value_micros as f64 / 1e6;
            n += count;
            classes += count * class;
            squares += count * class * class;
            values += sum;
            products += class * sum;
            all.merge(&of_class.histogram);
        }
        let spread = squares - classes * classes / n;
        let slope = (products - classes * values / n) / spread;
        // Also where all texts have one class, and the slope is not a number.
        if slope.is_nan() || slope < MIN_SLOPE {
            let slope = if slope.is_finite() { slope } else { 0.0 };
            return Err(QuantificationError::NoSlope { slope });
        }
        Ok(Self {
            intercept: (values - slope * classes) / n,
            slope,
            variance: sum_of_squares(&all) / n,
        })
    }

    /// The class that a value corresponds to on average.
    pub(crate) fn class_of(&self, value: f64) -> f64 {
        (value - self.intercept) / self.slope
    }

    /// The direct estimate of posts, of which there is at least one.
    pub(crate) fn direct(&self, posts: &PostSums) -> Direct {
        let n = posts.values.total() as f64;
        let mean = posts.score_micros as f64 / 1e6 / n;
        let own = sum_of_squares(&posts.values);
        let prior = VARIANCE_PRIOR_POSTS;
        let variance = (own + prior * self.variance) / (n - 1.0 + prior);
        Direct {
            value: self.class_of(mean),
            standard_error: (variance / n).sqrt() / self.slope,
        }
    }
}

/// The sum of squared deviations from the mean, by the midpoints of the cells.
fn sum_of_squares(histogram: &ValueHistogram) -> f64 {
    let cells = || {
        let counts = histogram.0.iter().enumerate();
        counts.map(|(cell, count)| (ValueHistogram::midpoint(cell), *count as f64))
    };
    let n = histogram.total().max(1) as f64;
    let mean = cells().map(|(value, count)| value * count).sum::<f64>() / n;
    cells()
        .map(|(value, count)| count * (value - mean) * (value - mean))
        .sum()
}
