//! Statistics over hour rows: the feeling of an hour, its weather, and the relation of the two.
//!
//! # From concept to type
//!
//! | concept | item |
//! | --- | --- |
//! | The **feeling** of an hour: the estimated mean class of its scored posts, 0 to 4, and their class distribution | [`feeling()`], [`Feeling`], [`DirectFeeling`], [`FeelingEstimator`] |
//! | The mean of a **weather variable** in an hour: the mean of the sources' means | [`temperature`], [`variable_mean`], [`HourMean`] |
//! | An **outlier source**: its mean temperature is farther from the median than a bound | [`OutlierBound`] |
//! | **r²**, the squared Pearson correlation of pairs | [`r_squared`] |
//! | A **sample**: hours with both weather and feeling | [`PairedHour`], [`LocalHour`] |
//! | A **relation**: correlation and slope with confidence intervals, p-value and effective sample size | [`relate`], [`Relation`], [`Estimate`], [`Conclusion`] |
//! | **Seasonal adjustment** for hour of day and day of week, weights | [`RelationOptions`], [`Adjustment`], [`Weighting`] |
//! | A **wet-dry comparison**: the difference of the mean feelings of wet and dry hours | [`compare_wet_dry`], [`WetDryComparison`] |
//! | The **effective number of spells** in which the weather varies | [`MIN_EFFECTIVE_SPELLS`], [`Departures`] |
//! | The data do not suffice for an estimate | [`InsufficientData`] |
//!
//! The *effective sample size* is the number of independent hours that would give the same standard
//! error as the autocorrelated ones.
//!
//! ```
//! let line = [(1.0, 10.0), (2.0, 12.0), (4.0, 16.0)];
//! assert_eq!(moodvane_analysis::r_squared(&line), Some(1.0));
//! assert_eq!(moodvane_analysis::r_squared(&line[..1]), None);
//! ```
//!
//! `examples/correlate.rs` relates two columns of a CSV file.
//!
//! # Guarantees
//!
//! - Equal rows give equal values, bit for bit.
//! - No function returns NaN or an infinite value. For an undefined statistic it returns `None` or
//!   [`InsufficientData`].
//!
//! # Must not know
//!
//! This crate does no I/O and does not know stores, requests, time zones, rounding or JSON.

// The files of `study/` name the crate as a user does.
#[cfg(test)]
extern crate self as moodvane_analysis;

mod adjustment;
mod autocovariance;
mod bootstrap;
mod correlation;
#[cfg(test)]
#[path = "../study/designs.rs"]
mod designs;
mod exposure;
#[cfg(test)]
mod false_claims;
mod feeling;
mod grid;
mod hour;
mod inference;
mod insufficient_data;
mod moments;
mod projection;
mod rank;
mod relation;
mod sample;
#[cfg(test)]
#[path = "../study/series.rs"]
mod series;
mod shift;
#[cfg(any(test, feature = "study"))]
#[doc(hidden)]
pub mod study;
mod uncertainty;
mod wet_dry;

pub use correlation::r_squared;
pub use exposure::{Departures, MIN_EFFECTIVE_SPELLS};
pub use feeling::{DirectFeeling, Feeling, FeelingEstimator, feeling};
pub use hour::{AnalysisError, HourMean, OutlierBound, temperature, variable_mean};
pub use inference::REPLICATES;
pub use insufficient_data::{InsufficientData, Series};
pub use relation::{Conclusion, MIN_HOURS, Relation, relate};
pub use sample::{Adjustment, LocalHour, PairedHour, RelationOptions, Weighting};
pub use uncertainty::{Estimate, MIN_EFFECTIVE_SAMPLE_SIZE};
pub use wet_dry::{WET_MM_PER_H, WetDryComparison, compare_wet_dry};
