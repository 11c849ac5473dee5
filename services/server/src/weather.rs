//! `POST /weather` and `/test`.

use axum::Json;
use axum::body::{Bytes, HttpBody};
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{self, FromRequest, Request};
use axum::middleware::Next;
use axum::response::Response;
use moodvane_model::{CityId, HourRange, HourRow, Variable};
use tokio::time::{Instant, timeout_at};

use crate::answer::Answer;
use crate::fixed;
use crate::openapi::{AskSchema, ProblemSchema};
use crate::problem::{Kind, Problem};
use crate::request::Ask;
use crate::state::State;

/// Lets a request in where there is room for it.
pub(crate) async fn limit(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Ok(_permit) = state.permits.try_acquire() else {
        let most = state.app.config.max_concurrent_requests;
        return Err(Problem::new(
            Kind::Overloaded,
            format!("{most} requests are being answered, which is the limit; try again later"),
        ));
    };
    Ok(next.run(request).await)
}

/// The hours of a range that have a feeling and a temperature, and r² of the two.
///
/// `tz` may name an IANA zone whose clocks are whole hours from UTC; begin, end and hourSlot are
/// then told by them. Where clocks are put back, an hourSlot names two hours: as begin the first,
/// as end the last, and the answer has both. Where they are put forward, a begin that does not
/// exist means the next hour, an end the one before.
#[utoipa::path(
    post, path = "/weather", tag = "weather",
    request_body = AskSchema,
    responses(
        (status = 200, description = "The hours, in order", body = Answer),
        (status = 400, response = ProblemSchema),
        (status = 408, response = ProblemSchema),
        (status = 413, response = ProblemSchema),
        (status = 429, response = ProblemSchema),
        (status = 500, response = ProblemSchema),
        (status = 503, response = ProblemSchema),
    ),
)]
pub(crate) async fn weather(
    extract::State(state): extract::State<State>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let config = &state.app.config;
    let deadline = Instant::now() + config.request_timeout;
    let body = read(&state, deadline, request).await?;
    let ask = Ask::read(&body, config)?;
    let rows = hours_with(&state, deadline, ask.city, ask.range, Variable::Temperature).await?;
    let answer = Answer::over(&rows, config.stray_bound, ask.manner);
    for (hour, source) in answer.strays() {
        tracing::debug!(%hour, %source, "source strays from the others and is left out");
        state.counts.stray(source.as_str());
    }
    Ok(Json(answer))
}

/// The same shape over fixed hours whose result was worked out by hand.
#[utoipa::path(
    get, path = "/test", tag = "weather",
    responses(
        (status = 200, description = "The fixed hours", body = Answer),
        (status = 429, response = ProblemSchema),
        (status = 503, response = ProblemSchema),
    ),
)]
pub(crate) async fn test() -> Result<Json<Answer>, Problem> {
    fixed::answer().map(Json).map_err(|error| {
        tracing::error!(%error, "fixed hours are not valid");
        Problem::internal()
    })
}

/// The same shape over fixed hours whose result was worked out by hand.
#[utoipa::path(
    post, path = "/test", tag = "weather",
    responses(
        (status = 200, description = "The fixed hours", body = Answer),
        (status = 429, response = ProblemSchema),
        (status = 503, response = ProblemSchema),
    ),
)]
pub(crate) async fn test_posted() -> Result<Json<Answer>, Problem> {
    test().await
}

/// The rows of a range, before `deadline`.
pub(crate) async fn hours(
    state: &State,
    deadline: Instant,
    city: CityId,
    range: HourRange,
) -> Result<Vec<HourRow>, Problem> {
    timeout_at(deadline, state.app.store.hours(city, range))
        .await
        .map_err(|_| late_store(state))?
        .map_err(|error| Problem::store(&error))
}

/// The same with their posts and one weather variable.
pub(crate) async fn hours_with(
    state: &State,
    deadline: Instant,
    city: CityId,
    range: HourRange,
    variable: Variable,
) -> Result<Vec<HourRow>, Problem> {
    timeout_at(deadline, state.app.store.hours_with(city, range, variable))
        .await
        .map_err(|_| late_store(state))?
        .map_err(|error| Problem::store(&error))
}

/// The body, within its limit and before `deadline`.
async fn read(state: &State, deadline: Instant, request: Request) -> Result<Bytes, Problem> {
    // What announces itself as too much need not be sent first.
    let most = state.app.config.max_body_bytes;
    if request.body().size_hint().lower() > most as u64 {
        return Err(too_large(most));
    }
    timeout_at(deadline, Bytes::from_request(request, &()))
        .await
        .map_err(|_| late_body(state))?
        .map_err(|rejection| unread(most, &rejection))
}

fn unread(most: usize, rejection: &BytesRejection) -> Problem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            too_large(most)
        }
        other => Problem::new(Kind::UnreadableBody, other.body_text()).of("body"),
    }
}

fn too_large(most: usize) -> Problem {
    let detail = format!("the body must be at most {most} bytes");
    Problem::new(Kind::BodyTooLarge, detail).of("body")
}

fn late_body(state: &State) -> Problem {
    let within_ms = state.app.config.request_timeout.as_millis();
    let detail = format!("the body must arrive within {within_ms} ms");
    Problem::new(Kind::BodyTimeout, detail).of("body")
}

pub(crate) fn late_store(state: &State) -> Problem {
    let within_ms = state.app.config.request_timeout.as_millis();
    tracing::error!(within_ms, "store did not answer a request in time");
    Problem::new(
        Kind::StoreTimeout,
        format!(
            "the store did not answer within {within_ms} ms; try again, or ask for fewer hours"
        ),
    )
}
