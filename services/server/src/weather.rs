//! `POST /weather` and `/test`.

use axum::Json;
use axum::extract::{Request, State};
use moodvane_model::Variable;

use crate::answer::WeatherAnswer;
use crate::body::read_body;
use crate::deadline::Deadline;
use crate::fixed_hours;
use crate::problem::{Problem, ProblemBody};
use crate::request::HoursRequest;
use crate::state::ServerState;
use crate::store_reads::hours_with_variable;

/// The hours of a range that have a feeling and a temperature, and r² of the two.
///
/// `tz` may name an IANA zone with whole-hour offsets from UTC; begin, end and hourSlot are then
/// local hours of that zone. When clocks are put back, an hourSlot names two hours: begin means the
/// first, end the last, and the answer has both. When clocks are put forward, a begin that does not
/// exist means the next hour, and such an end the previous one.
#[utoipa::path(
    post, path = "/weather", tag = "weather",
    request_body = HoursRequest,
    responses(
        (status = 200, description = "The hours, in order", body = WeatherAnswer),
        (status = 400, response = ProblemBody),
        (status = 408, response = ProblemBody),
        (status = 413, response = ProblemBody),
        (status = 429, response = ProblemBody),
        (status = 500, response = ProblemBody),
        (status = 503, response = ProblemBody),
    ),
)]
pub(crate) async fn weather(
    State(state): State<ServerState>,
    request: Request,
) -> Result<Json<WeatherAnswer>, Problem> {
    let config = &state.deps.config;
    let deadline = Deadline::after(config.request_timeout);
    let body = read_body(request, config.max_body_bytes, deadline).await?;
    let request = HoursRequest::parse(&body, config)?;
    let (city, range) = (request.city, request.range()?);
    let variable = Variable::Temperature;
    let rows = hours_with_variable(&*state.deps.store, deadline, city, range, variable).await?;
    let answer = WeatherAnswer::new(&rows, config.stray_bound, request.response_options());
    for (hour, source) in answer.outliers() {
        tracing::debug!(%hour, %source, "outlier source excluded");
        state.metrics.inc_outliers(source.as_str());
    }
    Ok(Json(answer))
}

/// The same shape over fixed hours with a known result.
#[utoipa::path(
    get, path = "/test", tag = "weather",
    responses(
        (status = 200, description = "The fixed hours", body = WeatherAnswer),
        (status = 429, response = ProblemBody),
        (status = 503, response = ProblemBody),
    ),
)]
pub(crate) async fn test() -> Result<Json<WeatherAnswer>, Problem> {
    fixed_hours::answer().map(Json).map_err(|error| {
        tracing::error!(%error, "fixed hours are invalid");
        Problem::internal()
    })
}

/// The same shape over fixed hours with a known result.
#[utoipa::path(
    post, path = "/test", tag = "weather",
    responses(
        (status = 200, description = "The fixed hours", body = WeatherAnswer),
        (status = 429, response = ProblemBody),
        (status = 503, response = ProblemBody),
    ),
)]
pub(crate) async fn test_posted() -> Result<Json<WeatherAnswer>, Problem> {
    test().await
}
