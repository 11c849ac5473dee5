//! The effect of the weather on the feeling: a panel regression over the hours of one or more cities.
//!
//! # From concept to type
//!
//! | concept | item |
//! | --- | --- |
//! | A **fixed effect**: a level for each row, such as its city and hour of the week | [`FixedEffect`] |
//! | A **design**: columns and response with the effects absorbed | [`regression::Design`] |
//! | A **fit**: the coefficients of some of its columns | [`regression::Fit`] |
//! | How the errors of rows **depend** on each other | [`Dependence`] |
//! | The **covariance** of the coefficients, and tests of several at once | [`Covariance`], [`JointTest`] |
//!
//! # Guarantees
//!
//! - Equal input gives equal values, bit for bit, on any number of threads.
//! - No function returns NaN or an infinite value.
//!
//! # Must not know
//!
//! This crate does no I/O and does not know stores, requests, time zones, rounding or JSON.

mod absorb;
mod covariance;
mod matrix;
pub mod regression;

pub use absorb::{AbsorbError, FixedEffect};
pub use covariance::{ClusterError, Covariance, Dependence, JointTest};
