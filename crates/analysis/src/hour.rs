//! An hour's feeling and its weather.

use moodvane_model::{HourRow, SourceId, Variable};
use thiserror::Error;

/// The fewest sources among which one can be told to stray: of two, nobody knows which is wrong.
const JURY: usize = 3;

/// A setting of the analysis that is not valid.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum AnalysisError {
    /// Not a bound beyond which a source strays.
    #[error("{0} is not a bound for stray temperatures: it must be a number above 0, in °C")]
    StrayBound(f64),
}

/// How far a source's mean may lie from the median of all before it is left out, in °C.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrayBound(f64);

impl StrayBound {
    /// 5 °C.
    pub const STANDARD: Self = Self(5.0);

    /// A bound in °C.
    ///
    /// # Errors
    /// [`AnalysisError::StrayBound`] where it is not a finite number above 0.
    pub fn new(celsius: f64) -> Result<Self, AnalysisError> {
        if celsius.is_finite() && celsius > 0.0 {
            Ok(Self(celsius))
        } else {
            Err(AnalysisError::StrayBound(celsius))
        }
    }

    /// The bound in °C.
    #[must_use]
    pub fn celsius(self) -> f64 {
        self.0
    }
}

/// The temperature of an hour, and whose word it is.
#[derive(Debug, Clone, PartialEq)]
pub struct HourTemperature {
    /// The mean of the means of the sources that were used, °C.
    pub celsius: f64,
    /// The sources that were used, in order of their names; at least one.
    pub used: Vec<SourceId>,
    /// The sources that strayed, in order of their names.
    pub left_out: Vec<SourceId>,
}

/// A weather variable's value of an hour, and whose word it is.
#[derive(Debug, Clone, PartialEq)]
pub struct HourReading {
    /// The mean of the means of the sources that were used, in the variable's unit.
    pub value: f64,
    /// The sources that were used, in order of their names; at least one.
    pub used: Vec<SourceId>,
    /// The sources that strayed, in order of their names.
    pub left_out: Vec<SourceId>,
}

/// The mean sentiment class of the hour's scored posts, 0 to 4; `None` where none was scored.
#[must_use]
pub fn feeling(row: &HourRow) -> Option<f64> {
    let posts = row.posts();
    let scored = posts.scored();
    (scored > 0).then(|| posts.class_sum() as f64 / scored as f64)
}

/// The standard error of the feeling: how far it may lie, by the chance of who happened to post,
/// from that of many more posts alike. The classes' sample standard deviation over the root of
/// their number; `None` below two scored posts.
#[must_use]
pub fn feeling_error(row: &HourRow) -> Option<f64> {
    let posts = row.posts();
    let n = posts.scored();
    if n < 2 {
        return None;
    }
    let mean = posts.class_sum() as f64 / n as f64;
    let squares: f64 = (0u8..)
        .zip(posts.classes)
        .map(|(class, count)| count as f64 * (f64::from(class) - mean).powi(2))
        .sum();
    Some((squares / (n as f64 - 1.0) / n as f64).sqrt())
}

/// The mean of the sources' means, °C; `None` where no source has a temperature.
///
/// Each source has one voice, however often it was heard. With three sources or more, one whose
/// mean lies beyond `bound` from the median of all means is left out; exactly at the bound it
/// stays. One source, or two, are used whatever they say. Of an even number of sources the median
/// is the middle of the two middle ones; where every source strays from that (two camps of equal
/// size), nobody is outvoted and all are used.
#[must_use]
pub fn temperature(row: &HourRow, bound: StrayBound) -> Option<HourTemperature> {
    let means = means(row, Variable::Temperature);
    if means.len() < JURY {
        return average(&means, &[]);
    }
    let middle = median(&means);
    let (near, astray): (Vec<_>, Vec<_>) = means
        .iter()
        .copied()
        .partition(|(_, mean)| (mean - middle).abs() <= bound.celsius());
    if near.is_empty() {
        return average(&means, &[]);
    }
    average(&near, &astray)
}

/// The value of any variable; `None` where no source has one. The temperature as by
/// [`temperature`]; of the others, whose spread between sources is not known well enough for a
/// bound, every source is used.
#[must_use]
pub fn reading(row: &HourRow, variable: Variable, bound: StrayBound) -> Option<HourReading> {
    let found = match variable {
        Variable::Temperature => temperature(row, bound),
        other => average(&means(row, other), &[]),
    };
    found.map(|found| HourReading {
        value: found.celsius,
        used: found.used,
        left_out: found.left_out,
    })
}

/// The mean of each source that has one.
fn means(row: &HourRow, variable: Variable) -> Vec<(SourceId, f64)> {
    let mean_of = |(source, sums): (&SourceId, &moodvane_model::Sums)| {
        Some((*source, sums.weather.get(variable).mean()?))
    };
    row.sources.iter().filter_map(mean_of).collect()
}

fn average(used: &[(SourceId, f64)], left_out: &[(SourceId, f64)]) -> Option<HourTemperature> {
    if used.is_empty() {
        return None;
    }
    let names = |means: &[(SourceId, f64)]| means.iter().map(|(source, _)| *source).collect();
    let sum: f64 = used.iter().map(|(_, mean)| mean).sum();
    Some(HourTemperature {
        celsius: sum / used.len() as f64,
        used: names(used),
        left_out: names(left_out),
    })
}

/// The median of at least one mean.
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
