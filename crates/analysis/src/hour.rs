//! The means of the weather variables of an hour.

use moodvane_model::{HourRow, SourceId, Variable};
use thiserror::Error;

/// Outliers are excluded from this number of sources on: of two that differ, either may be wrong.
const MIN_SOURCES_FOR_OUTLIERS: usize = 3;

/// A parameter of the analysis that is not valid.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum AnalysisError {
    /// Not a positive number of degrees.
    #[error("{0} is not a bound for outlier temperatures: it must be a number above 0, in °C")]
    OutlierBound(f64),
}

/// The maximum distance of a source's mean temperature from the median of all sources, in °C. A
/// source beyond it is an outlier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutlierBound(f64);

impl OutlierBound {
    /// 5 °C.
    pub const STANDARD: Self = Self(5.0);

    /// A bound in °C.
    ///
    /// # Errors
    /// [`AnalysisError::OutlierBound`] if it is not a finite number above 0.
    pub fn new(celsius: f64) -> Result<Self, AnalysisError> {
        if celsius.is_finite() && celsius > 0.0 {
            Ok(Self(celsius))
        } else {
            Err(AnalysisError::OutlierBound(celsius))
        }
    }

    /// The bound in °C.
    #[must_use]
    pub fn celsius(self) -> f64 {
        self.0
    }
}

/// The mean of a weather variable in an hour, and the sources that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct HourMean {
    /// The mean of the means of the used sources, in the variable's unit.
    pub value: f64,
    /// The used sources, sorted by name; at least one.
    pub used_sources: Vec<SourceId>,
    /// The outliers, sorted by name.
    pub excluded_sources: Vec<SourceId>,
}

/// The mean of the sources' mean temperatures in °C; `None` if no source reports a temperature.
///
/// Every source has the same weight, whatever the number of its observations. Of three or more
/// sources, those whose mean differs from the median of all means by more than `bound` are excluded
/// as outliers. One or two sources are all used. For an even number of sources the median is the
/// middle of the two middle means; if all sources are outliers then (two equal groups), all are used.
#[must_use]
pub fn temperature(row: &HourRow, bound: OutlierBound) -> Option<HourMean> {
    let means = source_means(row, Variable::Temperature);
    if means.len() < MIN_SOURCES_FOR_OUTLIERS {
        return mean_of_means(&means, &[]);
    }
    let median = median(&means);
    let (used, outliers): (Vec<_>, Vec<_>) = means
        .iter()
        .copied()
        .partition(|(_, mean)| (mean - median).abs() <= bound.celsius());
    if used.is_empty() {
        return mean_of_means(&means, &[]);
    }
    mean_of_means(&used, &outliers)
}

/// The mean of any variable; `None` if no source reports it.
///
/// The temperature is that of [`temperature`]. For all other variables every source is used, since
/// their normal differences between sources are not known well enough for a bound.
#[must_use]
pub fn variable_mean(row: &HourRow, variable: Variable, bound: OutlierBound) -> Option<HourMean> {
    match variable {
        Variable::Temperature => temperature(row, bound),
        other => mean_of_means(&source_means(row, other), &[]),
    }
}

/// The mean of each source that reports the variable.
fn source_means(row: &HourRow, variable: Variable) -> Vec<(SourceId, f64)> {
    let mean_of = |(source, sums): (&SourceId, &moodvane_model::Sums)| {
        Some((*source, sums.weather.get(variable).mean()?))
    };
    row.sources.iter().filter_map(mean_of).collect()
}

fn mean_of_means(used: &[(SourceId, f64)], excluded: &[(SourceId, f64)]) -> Option<HourMean> {
    if used.is_empty() {
        return None;
    }
    let names = |means: &[(SourceId, f64)]| means.iter().map(|(source, _)| *source).collect();
    let sum: f64 = used.iter().map(|(_, mean)| mean).sum();
    Some(HourMean {
        value: sum / used.len() as f64,
        used_sources: names(used),
        excluded_sources: names(excluded),
    })
}

/// The median of a non-empty list of means.
fn median(means: &[(SourceId, f64)]) -> f64 {
    let mut sorted: Vec<f64> = means.iter().map(|(_, mean)| *mean).collect();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[half]
    } else {
        f64::midpoint(sorted[half - 1], sorted[half])
    }
}
