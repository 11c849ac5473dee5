//! `GET /v1/cities`.

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Example, Problem, ProblemBody};
use crate::query::Query;
use crate::state::ServerState;

/// The configured cities.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cities {
    /// The city of requests that name none.
    #[schema(example = "new-york")]
    default: String,
    cities: Vec<City>,
}

#[derive(Debug, Serialize, ToSchema)]
struct City {
    #[schema(example = "new-york")]
    id: String,
    #[schema(example = "New York")]
    name: String,
    /// Degrees north of the equator.
    latitude: f64,
    /// Degrees east of Greenwich.
    longitude: f64,
    /// Its IANA time zone.
    #[schema(example = "America/New_York")]
    zone: String,
}

/// The configured cities.
#[utoipa::path(
    get, path = "/v1/cities", tag = "v1",
    responses(
        (status = 200, description = "The cities", body = Cities),
        (status = 400, response = ProblemBody),
        (status = 429, response = ProblemBody),
        (status = 503, response = ProblemBody),
    ),
)]
pub(crate) async fn cities(
    State(state): State<ServerState>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Cities>, Problem> {
    Query::parse(raw.as_deref(), &[])
        .map_err(|problem| problem.with_example(Example::Get("/v1/cities")))?;
    let config = &state.deps.config;
    let cities = config.cities.iter().map(|city| City {
        id: city.id.to_string(),
        name: city.name.clone(),
        latitude: city.latitude,
        longitude: city.longitude,
        zone: city.zone.name().to_owned(),
    });
    Ok(Json(Cities {
        default: config.default_city.to_string(),
        cities: cities.collect(),
    }))
}
