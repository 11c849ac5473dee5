//! The OpenAPI document, made from the code. A snapshot test guards it.

use axum::Json;
use serde::Serialize;
use utoipa::openapi::OpenApi;
use utoipa::{OpenApi as _, ToResponse, ToSchema};

use crate::{answer, health, v1, weather};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Moodvane",
        description = "Relates a city's weather to the mood of what people post, hour by hour.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        weather::weather,
        weather::test,
        weather::test_posted,
        v1::hours,
        v1::relation,
        v1::cities,
        v1::status,
        health::ping,
        health::health,
        health::ready,
        document,
    ),
    components(
        schemas(
            answer::Answer,
            AskSchema,
            v1::Hours,
            v1::Format,
            v1::RelationAnswer,
            v1::VariableName,
            v1::WeightName,
            v1::CyclesName,
            v1::Cities,
            v1::Status,
        ),
        responses(ProblemSchema),
    ),
    tags(
        (name = "weather", description = "The hours of a range in one answer"),
        (name = "v1", description = "Everything that is known, and what it comes to"),
        (name = "probes", description = "For machines that look whether it works"),
    ),
)]
struct Document;

/// The document of this server.
#[utoipa::path(
    get, path = "/openapi.json", tag = "probes",
    responses(
        (status = 200, description = "This document", content_type = "application/json"),
        (status = 429, response = ProblemSchema),
    ),
)]
pub(crate) async fn document() -> Json<OpenApi> {
    Json(Document::openapi())
}

/// Which hours are asked for.
#[derive(ToSchema)]
#[schema(as = Ask)]
#[allow(dead_code)]
pub(crate) struct AskSchema {
    /// The first hour.
    #[schema(
        example = "2018-01-01 02",
        pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3])$"
    )]
    begin: String,
    /// The last hour, included.
    #[schema(
        example = "2018-01-01 03",
        pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3])$"
    )]
    end: String,
    /// A city's id.
    #[schema(required = false)]
    city: String,
    /// An IANA zone whose clocks are whole hours from UTC.
    #[schema(required = false, example = "America/New_York")]
    tz: String,
    /// Whether hours are told of which only one side is known.
    #[schema(required = false)]
    include: Include,
    /// The feeling of an hour of fewer scored posts is not told.
    #[schema(required = false)]
    min_posts: u64,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)]
enum Include {
    Both,
    All,
}

/// Why the request was not answered (RFC 9457).
#[derive(Serialize, ToSchema, ToResponse)]
#[schema(as = Problem)]
#[response(
    description = "Why the request was not answered (RFC 9457)",
    content_type = "application/problem+json"
)]
#[allow(dead_code)]
pub(crate) struct ProblemSchema {
    /// A stable name of the kind of problem.
    #[schema(example = "/problems/invalid-hour")]
    r#type: String,
    title: String,
    status: u16,
    /// What was wrong this time, and what would be right.
    detail: String,
    /// The field or parameter that was wrong.
    field: Option<String>,
    /// Where in the body, counted from 1.
    line: Option<usize>,
    column: Option<usize>,
    /// The text around the place, which is marked `<here>`.
    excerpt: Option<String>,
    /// A request that would be right.
    example: Option<serde_json::Value>,
}
