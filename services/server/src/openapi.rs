//! The OpenAPI document, generated from the handlers. A snapshot test guards it.

use axum::Json;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::problem::ProblemBody;
use crate::{answer, probes, request, v1, weather};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Moodvane",
        description = "Relates a city's weather to the mood of its posts, hour by hour.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        weather::weather,
        weather::test,
        weather::test_posted,
        v1::hours,
        v1::relation,
        v1::effect,
        v1::cities,
        v1::status,
        probes::ping,
        probes::health,
        probes::ready,
        document,
    ),
    components(
        schemas(
            answer::WeatherAnswer,
            request::HoursRequest,
            v1::HoursPage,
            v1::Format,
            v1::RelationAnswer,
            v1::EffectAnswer,
            v1::EffectFormat,
            v1::Progress,
            v1::SeasonChoice,
            v1::WeightChoice,
            v1::VariableName,
            v1::WeightName,
            v1::CyclesName,
            v1::TalkName,
            v1::Cities,
            v1::Status,
        ),
        responses(ProblemBody),
    ),
    tags(
        (name = "weather", description = "The hours of a range in one answer"),
        (name = "v1", description = "Hours page by page, relations, effects, cities and status"),
        (name = "probes", description = "Health probes and this document"),
    ),
)]
struct Document;

/// The document of this server.
#[utoipa::path(
    get, path = "/openapi.json", tag = "probes",
    responses(
        (status = 200, description = "This document", content_type = "application/json"),
        (status = 429, response = ProblemBody),
    ),
)]
pub(crate) async fn document() -> Json<OpenApi> {
    Json(Document::openapi())
}
