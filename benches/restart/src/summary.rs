//! Summary statistics of a sample of durations.

use std::time::Duration;

use statrs::statistics::{Data, Distribution, Max, OrderStatistics};

/// Statistics in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: usize,
    pub(crate) mean: f64,
    /// In seconds squared; 0 for a single duration.
    pub(crate) variance: f64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// Returns `None` for an empty sample.
    pub(crate) fn from_durations(durations: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let seconds: Vec<f64> = durations.into_iter().map(|d| d.as_secs_f64()).collect();
        let count = seconds.len();
        if count == 0 {
            return None;
        }
        let mut data = Data::new(seconds);
        Some(Self {
            count,
            mean: data.mean()?,
            variance: data
                .variance()
                .filter(|variance| variance.is_finite())
                .unwrap_or(0.0),
            p50: data.percentile(50),
            p95: data.percentile(95),
            max: data.max(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summarizes_durations_in_any_order() {
        let summarize = |seconds: &[u64]| {
            Summary::from_durations(seconds.iter().map(|s| Duration::from_secs(*s)))
        };
        assert_eq!(summarize(&[]), None);
        let one = summarize(&[3]).unwrap();
        assert_eq!(
            (one.count, one.mean, one.variance, one.p50, one.p95, one.max),
            (1, 3.0, 0.0, 3.0, 3.0, 3.0)
        );
        let many = summarize(&[5, 1, 4, 2, 3]).unwrap();
        assert_eq!(
            (many.count, many.mean, many.variance, many.p50, many.max),
            (5, 3.0, 2.5, 3.0, 5.0)
        );
        assert!(many.p95 > 4.0 && many.p95 <= 5.0);
    }
}
