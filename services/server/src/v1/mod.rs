//! The routes under `/v1`.
//!
//! Guarantee: every number is finite and rounded to [`PLACES`] decimals; parameters that are not
//! known are refused; nothing is read of the store beyond the limits of the configuration.

mod cities;
mod hours;
mod relation;
mod sentence;
mod status;
mod table;

use axum::Router;
use axum::routing::get;

use crate::answer::round;
use crate::state::State;

pub(crate) use cities::{__path_cities, Cities};
pub(crate) use hours::{__path_hours, Hours};
pub(crate) use relation::{__path_relation, CyclesName, RelationAnswer, VariableName, WeightName};
pub(crate) use status::{__path_status, Status};
pub(crate) use table::Format;

/// How many decimals numbers have.
const PLACES: i32 = 6;

pub(crate) fn routes() -> Router<State> {
    Router::new()
        .route("/v1/hours", get(hours::hours))
        .route("/v1/relation", get(relation::relation))
        .route("/v1/cities", get(cities::cities))
        .route("/v1/status", get(status::status))
}

fn rounded(value: f64) -> f64 {
    round::<PLACES>(value)
}
