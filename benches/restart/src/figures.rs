//! What many times say together.

use std::time::Duration;

use statrs::statistics::{Data, Distribution, Max, OrderStatistics};

/// The figures of some times, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    pub(crate) count: usize,
    pub(crate) mean: f64,
    /// In seconds squared; 0 for a single time.
    pub(crate) variance: f64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) most: f64,
}

impl Figures {
    /// `None` where there is no time.
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let seconds: Vec<f64> = times.into_iter().map(|time| time.as_secs_f64()).collect();
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
            most: data.max(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_the_times_in_any_order() {
        let of = |times: &[u64]| Figures::of(times.iter().map(|time| Duration::from_secs(*time)));
        assert_eq!(of(&[]), None);
        let one = of(&[3]).unwrap();
        assert_eq!(
            (
                one.count,
                one.mean,
                one.variance,
                one.p50,
                one.p95,
                one.most
            ),
            (1, 3.0, 0.0, 3.0, 3.0, 3.0)
        );
        let many = of(&[5, 1, 4, 2, 3]).unwrap();
        assert_eq!(
            (many.count, many.mean, many.variance, many.p50, many.most),
            (5, 3.0, 2.5, 3.0, 5.0)
        );
        assert!(many.p95 > 4.0 && many.p95 <= 5.0);
    }
}
