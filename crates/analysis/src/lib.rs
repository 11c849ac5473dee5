//! Statistics over hour rows: an hour's feeling, its temperature, and how the two go together.
//!
//! Terms: the *feeling* of an hour is the mean sentiment class of its scored posts, 0 to 4; the
//! *temperature* of an hour is the mean of its sources' means, °C; a source *strays* where its mean
//! lies farther from the median of all than a bound; *r²* is the squared Pearson correlation.
//!
//! Guarantee: equal rows give equal values, bit for bit. No function returns NaN or an infinite
//! value: where a statistic is not defined, the answer is `None`.
//!
//! This crate does no I/O and knows nothing of stores, requests, rounding or JSON.
//!
//! ```
//! let line = [(1.0, 10.0), (2.0, 12.0), (4.0, 16.0)];
//! assert_eq!(moodvane_analysis::r_squared(&line), Some(1.0));
//! assert_eq!(moodvane_analysis::r_squared(&line[..1]), None);
//! ```

mod correlation;
mod hour;

pub use correlation::r_squared;
pub use hour::{AnalysisError, HourTemperature, StrayBound, feeling, temperature};
