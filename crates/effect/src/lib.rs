//! The effect of the weather on the feeling: a panel regression over the hours of one or more cities.
//!
//! # From concept to type
//!
//! | concept | item |
//! | --- | --- |
//! | The **hours** of a city, with feeling and weather | [`CityHours`], [`EffectHour`], [`LocalTime`] |
//! | The **effect** of all weather variables at once | [`estimate_effect`], [`Stage`], [`EffectOptions`], [`EffectAnswer`] |
//! | The effect of **rain**, its past, and its proportion | [`WetEffect`], [`LagProfile`], [`Scale`] |
//! | The effect of each variable in **bins** or as a line | [`Factor`], [`FactorEffect`], [`BinEffect`] |
//! | **Checks**: future weather, shifts, each city alone | [`Placebo`], [`ShiftCheck`], [`CityEffect`] |
//! | What was **left out**, and what is too little | [`SampleSummary`], [`LeftOutHours`], [`InsufficientEffect`] |
//! | A **fixed effect**: a level for each row, such as its city and hour of the week | [`FixedEffect`] |
//! | A **design**: columns and response with the effects absorbed | [`regression::Design`] |
//! | A **fit**: the coefficients of some of its columns | [`regression::Fit`] |
//! | How the errors of rows **depend** on each other | [`Dependence`] |
//! | The **covariance** of the coefficients, and tests of several at once | [`Covariance`], [`ClusterProducts`], [`JointTest`] |
//!
//! # The model
//!
//! The feeling of an hour is the sum of the effects of its weather, of the rain and the temperature
//! before, and of fixed effects: of the city's hour of the week, of the city's season, and of the date where
//! there are several cities. So an hour is compared with hours of the same place, cycle and
//! season, and what moves all cities on a date cancels (Baylis, Obradovich et al. 2018, "Weather
//! impacts expressed sentiment", PLoS ONE 13(4): e0195750, with hours instead of days).
//!
//! The same question of another feeling, such as the median or the mean without posts about the
//! weather, is another call with that feeling in [`HourFeeling::mean`]: [`estimate_wet_effect`].
//!
//! # Guarantees
//!
//! - Equal input gives equal values, bit for bit, on any number of threads.
//! - No function returns NaN or an infinite value.
//! - An hour or a variable that does not enter is counted with its reason.
//!
//! # Must not know
//!
//! This crate does no I/O and does not know stores, requests, time zones, rounding or JSON.

mod absorb;
mod answer;
mod band;
mod bins;
mod clusters;
mod covariance;
mod estimate;
mod factors;
mod hours;
mod indicators;
mod inference;
mod insufficient;
mod jackknife;
mod kernel;
mod matrix;
mod model;
mod options;
mod panel;
pub mod regression;
mod sample;
mod scale;
mod shift;
mod wild;

pub use absorb::{AbsorbError, FixedEffect};
pub use answer::{
    BinEffect, CityEffect, EffectAnswer, EffectEstimate, Factor, FactorEffect, LagEffect,
    LagProfile, LagWindow, LeftOutHours, LeftOutVariable, PRESSURE_CHANGE_HOURS, Placebo,
    SampleSummary, Scale, ShiftCheck, Term, WetEffect,
};
pub use bins::{
    CLOUD_PERCENT, HUMIDITY_PERCENT, MIN_BIN_HOURS, MIN_BIN_WEEKS, PRECIPITATION_MM_PER_H,
    REFERENCE_C, TEMPERATURE_BIN_C,
};
pub use clusters::ClusterProducts;
pub use covariance::{ClusterError, Covariance, Dependence, JointTest};
pub use estimate::{Stage, estimate_effect, estimate_effect_with_progress, estimate_wet_effect};
pub use hours::{CityHours, EffectHour, HourFeeling, LocalTime};
pub use insufficient::{InsufficientEffect, MIN_HOURS, MIN_WEEKS, MIN_WET_HOURS, MIN_WET_SPELLS};
pub use options::{
    ALPHA, Checks, EffectError, EffectOptions, Inference, MAX_CITIES, MAX_DRAWS, MAX_HOURS,
    MAX_LAG_HOURS, Season, Weighting,
};
