//! The question "does rain make posts less joyful?" asked of hour rows, and its answer for people: a
//! sentence, checks, figures, tables and documents.
//!
//! # From concept to type
//!
//! | concept | item |
//! | --- | --- |
//! | The hours of a city in the forms that the question needs | [`CitySeries`] |
//! | The **question**: which posts, which model | [`Question`], [`Settings`], [`Talk`] |
//! | The **report**: the answer as plain data, which is also the JSON of `GET /v1/effect` | [`EffectReport`], [`Effect`] |
//! | The conclusion, and what supports or questions it | [`Verdict`], [`Check`] |
//! | How far the work is | [`Step`] |
//! | The estimator's limits | [`MAX_CITIES`], [`MAX_HOURS`], [`MAX_LAG_HOURS`], [`MAX_DRAWS`] |
//! | A **figure** as SVG with its numbers as CSV | [`Figure`], [`figures()`] |
//! | The report as a self-contained document | [`markdown`], [`html`] |
//!
//! # Guarantees
//!
//! - Equal hours and questions give equal reports, byte for byte.
//! - Every number of a figure or a document is in the report. No number is NaN or infinite.
//! - Documents and figures load nothing from elsewhere, and run no script.
//!
//! # Must not know
//!
//! Stores, requests, HTTP and the terminal.

mod ask;
mod build;
mod checks;
mod document;
mod figures;
mod numbers;
mod report;
mod series;
mod settings;
mod verdict;

pub use ask::{Question, Step, ask};
pub use document::{DocumentError, html, markdown};
pub use figures::{Figure, FigureError, figures};
pub use moodvane_effect::{MAX_CITIES, MAX_DRAWS, MAX_HOURS, MAX_LAG_HOURS};
pub use report::{
    Bin, Check, CheckName, CheckState, CityName, CityResult, Effect, EffectReport, Estimate,
    FixedEffects, Future, Lag, LagEffects, LeftOut, Origin, Rain, Robustness, Sample, Scale,
    Shifts, VariableEffect, Verdict, Weekend,
};
pub use series::CitySeries;
pub use settings::{SeasonName, Settings, Talk, WeightName};
