//! Statistics over hour rows: an hour's feeling, its weather, and how the two go together.
//!
//! Terms: the *feeling* of an hour is the mean sentiment class of its scored posts, 0 to 4; the
//! *temperature* of an hour is the mean of its sources' means, °C; a source *strays* where its mean
//! lies farther from the median of all than a bound; *r²* is the squared Pearson correlation; a
//! *relation* is a correlation with what is uncertain about it; hours are *worth* as many
//! independent ones as would leave the same uncertainty.
//!
//! Guarantee: equal rows give equal values, bit for bit. No function returns NaN or an infinite
//! value: where a statistic is not defined, the answer is `None` or [`TooLittle`].
//!
//! This crate does no I/O and knows nothing of stores, requests, time zones, rounding or JSON.
//!
//! ```
//! let line = [(1.0, 10.0), (2.0, 12.0), (4.0, 16.0)];
//! assert_eq!(moodvane_analysis::r_squared(&line), Some(1.0));
//! assert_eq!(moodvane_analysis::r_squared(&line[..1]), None);
//! ```

mod autocovariance;
mod bootstrap;
mod correlation;
mod cycles;
mod grid;
mod hour;
mod moments;
mod rank;
mod relation;
mod sample;
#[cfg(feature = "study")]
#[doc(hidden)]
pub mod study;
mod too_little;
mod wet;

pub use correlation::r_squared;
pub use hour::{
    AnalysisError, HourReading, HourTemperature, StrayBound, feeling, feeling_error, reading,
    temperature,
};
pub use relation::{
    Conclusion, Estimate, MIN_HOURS, MIN_INDEPENDENT_HOURS, REPLICATES, Relation, relate,
};
pub use sample::{Cycles, Options, PairedHour, Phase, Weighting};
pub use too_little::{Side, TooLittle};
pub use wet::{WET_MM_PER_H, WetAgainstDry, wet_against_dry};
