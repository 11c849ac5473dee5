//! `GET /v1/cities`.

use axum::Json;
use axum::extract::{self, RawQuery};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::ProblemSchema;
use crate::problem::{Example, Problem};
use crate::query::Query;
use crate::state::State;

/// The cities that are answered for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cities {
    /// The city that is answered for where a request names none.
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

/// The cities that are answered for.
#[utoipa::path(
    get, path = "/v1/cities", tag = "v1",
    responses(
        (status = 200, description = "The cities", body = Cities),
        (status = 400, response = ProblemSchema),
        (status = 429, response = ProblemSchema),
        (status = 503, response = ProblemSchema),
    ),
)]
pub(crate) async fn cities(
    extract::State(state): extract::State<State>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Cities>, Problem> {
    Query::read(raw.as_deref(), &[]).map_err(|p| p.like(Example::Get("/v1/cities")))?;
    let config = &state.app.config;
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
