//! `GET /v1/effect`: the effect of all weather variables at once on the feeling, in one city or many.
//!
//! An answer takes up to some seconds. A client that accepts `text/event-stream` gets its progress as
//! server-sent events (WHATWG HTML, section 9.2). Answers are cached until their hours change.

mod cache;
mod compute;
mod events;
mod request;

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use moodvane_effect_report::{EffectReport, Figure, figures, html, markdown};
use moodvane_model::ErrorChain;
use serde::Serialize;
use utoipa::ToSchema;

use super::talk::TalkName;
use crate::deadline::Deadline;
use crate::problem::{Example, Problem, ProblemBody};
use crate::state::ServerState;

pub(crate) use cache::EffectCache;
pub(super) use compute::serving_runs;
pub(crate) use events::Progress;
use request::EffectRequest;
pub(crate) use request::{EffectFormat, SeasonChoice, WeightChoice};

const EXAMPLE: Example = Example::Get("/v1/effect?city=all&begin=2018-01-01T00&end=2018-12-31T23");
const EVENT_STREAM: &str = "text/event-stream";
/// A report has styles of its own and loads nothing.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The report, with figures if the request asks for them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EffectAnswer {
    #[serde(flatten)]
    report: EffectReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    figures: Option<Vec<Figure>>,
}

/// The effect of all weather variables at once on the feeling of posts.
///
/// A panel regression compares each hour with hours of the same city, hour of the week and week of the
/// calendar; several cities also of the same date. Precipitation, temperature, humidity and cloud cover
/// enter in bins, wind and the change of the pressure as lines, rain and temperature of the past day in
/// windows. Standard errors are those of a jackknife over weeks. The checks are part of the answer. With
/// `accept: text/event-stream` the progress comes first: events `progress`, then `answer` or `problem`.
#[utoipa::path(
    get, path = "/v1/effect", tag = "v1",
    params(
        ("city" = Option<String>, Query, description = "The ids of cities, separated by commas, or all; see /v1/cities"),
        ("begin" = String, Query, description = "The first hour, in local time of tz", example = "2018-01-01T00", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])(:00(:00)?)?(Z|[+-](0[0-9]|1[0-4]):00)?$"),
        ("end" = String, Query, description = "The last hour, included", example = "2018-12-31T23", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])(:00(:00)?)?(Z|[+-](0[0-9]|1[0-4]):00)?$"),
        ("tz" = Option<String>, Query, description = "An IANA zone with whole-hour offsets from UTC; default UTC"),
        ("talk" = Option<TalkName>, Query, description = "Whether posts that speak of the weather are included; default without"),
        ("min_posts" = Option<u64>, Query, description = "Excludes hours with fewer scored posts; default 1"),
        ("weight" = Option<WeightChoice>, Query, description = "The weight of an hour; default standard-error"),
        ("season" = Option<SeasonChoice>, Query, description = "The fixed effect of the season; default week"),
        ("dates" = Option<bool>, Query, description = "Whether dates have a fixed effect where there are several cities; default true"),
        ("lag_hours" = Option<u64>, Query, description = "The past whose rain and temperature count; default 24, at most 48"),
        ("draws" = Option<u64>, Query, description = "The draws of bands and joint tests; default 1999, at most 9999"),
        ("shifts" = Option<u64>, Query, description = "The circular shifts of the permutation test; default 499, at most 9999"),
        ("figures" = Option<bool>, Query, description = "Whether the JSON has the figures as SVG and CSV; default false"),
        ("format" = Option<EffectFormat>, Query, description = "Default json; markdown and html are reports"),
    ),
    responses(
        (status = 200, description = "The effect; or its progress and then the effect", content(
            (EffectAnswer = "application/json"), (String = "text/markdown"), (String = "text/html"), (Progress = "text/event-stream"),
        )),
        (status = 304, description = "The answer matches if-none-match"),
        (status = 400, response = ProblemBody),
        (status = 422, response = ProblemBody),
        (status = 429, response = ProblemBody),
        (status = 500, response = ProblemBody),
        (status = 503, response = ProblemBody),
    ),
)]
pub(crate) async fn effect(
    State(state): State<ServerState>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let config = &state.deps.config;
    let request = EffectRequest::parse(config, raw.as_deref())
        .map_err(|problem| problem.with_example(EXAMPLE))?;
    let deadline = Deadline::after(config.effect.timeout);
    if accepts_events(&headers) {
        return Ok(events::respond(state.clone(), request, deadline));
    }
    let report = compute::compute(&state, &request, deadline, &|_| {}).await?;
    respond(&request, &report)
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains(EVENT_STREAM))
}

fn respond(request: &EffectRequest, report: &Arc<EffectReport>) -> Result<Response, Problem> {
    match request.format {
        EffectFormat::Json => Ok(Json(answer(request, report)?).into_response()),
        EffectFormat::Markdown => {
            let text = markdown(report).map_err(|error| fail(&error))?;
            Ok((
                [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")],
                text,
            )
                .into_response())
        }
        EffectFormat::Html => {
            let text = html(report).map_err(|error| fail(&error))?;
            let kind = "text/html; charset=utf-8";
            let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
            let policy = HeaderValue::from_static(REPORT_POLICY);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            Ok(response)
        }
    }
}

fn answer(request: &EffectRequest, report: &Arc<EffectReport>) -> Result<EffectAnswer, Problem> {
    let drawn = request.figures.then(|| figures(report)).transpose();
    Ok(EffectAnswer {
        figures: drawn.map_err(|error| fail(&error))?,
        report: EffectReport::clone(report),
    })
}

fn fail(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error = %ErrorChain(error), "cannot present the effect");
    Problem::internal()
}
