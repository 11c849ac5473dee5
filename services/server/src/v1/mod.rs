//! The routes under `/v1`.
//!
//! Guarantee: every number is finite and rounded to [`PLACES`] decimals, unknown parameters are
//! rejected, and reads of the store stay within the configured limits.

mod cities;
mod effect;
mod formats;
mod hour;
mod hours;
mod relation;
mod relation_answer;
mod relation_request;
mod sentence;
mod status;
mod talk;

use axum::Router;
use axum::routing::get;

use crate::rounding::round;
use crate::state::ServerState;

pub(crate) use cities::{__path_cities, Cities};
pub(crate) use effect::{
    __path_effect, EffectAnswer, EffectCache, EffectFormat, Progress, SeasonChoice, WeightChoice,
};
pub(crate) use formats::Format;
pub(crate) use hours::{__path_hours, HoursPage};
pub(crate) use relation::__path_relation;
pub(crate) use relation_answer::RelationAnswer;
pub(crate) use relation_request::{CyclesName, VariableName, WeightName};
pub(crate) use status::{__path_status, Status};
pub(crate) use talk::TalkName;

/// The number of decimals.
const PLACES: i32 = 6;

pub(crate) fn routes() -> Router<ServerState> {
    Router::new()
        .route("/v1/hours", get(hours::hours))
        .route("/v1/relation", get(relation::relation))
        .route("/v1/effect", get(effect::effect))
        .route("/v1/cities", get(cities::cities))
        .route("/v1/status", get(status::status))
}

fn rounded(value: f64) -> f64 {
    round::<PLACES>(value)
}
