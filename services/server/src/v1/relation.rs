//! `GET /v1/relation`: the relation of a weather variable and the feeling.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::relation_answer::RelationAnswer;
use super::relation_request::{CyclesName, RelationRequest, VariableName, WeightName};
use super::talk::TalkName;
use crate::concurrency::acquire_permit;
use crate::deadline::Deadline;
use crate::problem::{Example, Problem, ProblemBody};
use crate::state::ServerState;
use crate::store_reads::hours_with_variable;

const EXAMPLE: Example =
    Example::Get("/v1/relation?variable=temperature&begin=2018-01-01T00&end=2018-01-31T23");

/// The relation of a weather variable and the feeling over a range of hours.
///
/// A relation is claimed only if two tests agree: a block bootstrap around a long-run standard error,
/// which accounts for autocorrelation between hours, and shifts of the weather against the feelings,
/// which hold for few wet hours, spikes and heavy tails. Intervals contain those of both tests. Where
/// the weather varies in fewer than 2.5 comparable spells, such as one wet hour, the data are
/// insufficient.
#[utoipa::path(
    get, path = "/v1/relation", tag = "v1",
    params(
        ("city" = Option<String>, Query, description = "A city's id; see /v1/cities"),
        ("variable" = VariableName, Query, description = "The weather variable"),
        ("begin" = String, Query, description = "The first hour, in local time of tz", example = "2018-01-01T00", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])(:00(:00)?)?(Z|[+-](0[0-9]|1[0-4]):00)?$"),
        ("end" = String, Query, description = "The last hour, included", example = "2018-01-31T23", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])(:00(:00)?)?(Z|[+-](0[0-9]|1[0-4]):00)?$"),
        ("tz" = Option<String>, Query, description = "An IANA zone with whole-hour offsets from UTC; default UTC"),
        ("min_posts" = Option<u64>, Query, description = "Excludes hours with fewer scored posts; default 1"),
        ("weight" = Option<WeightName>, Query, description = "Whether hours have equal weight or the weight of their posts; default equal"),
        ("cycles" = Option<CyclesName>, Query, description = "Which cycles of the city's local time are removed from both sides; default keep"),
        ("talk" = Option<TalkName>, Query, description = "Whether posts that speak of the weather are included; default all"),
    ),
    responses(
        (status = 200, description = "The relation", body = RelationAnswer),
        (status = 304, description = "The answer matches if-none-match"),
        (status = 400, response = ProblemBody),
        (status = 429, response = ProblemBody),
        (status = 500, response = ProblemBody),
        (status = 503, response = ProblemBody),
    ),
)]
pub(crate) async fn relation(
    State(state): State<ServerState>,
    RawQuery(raw): RawQuery,
) -> Result<Json<RelationAnswer>, Problem> {
    let config = &state.deps.config;
    let request = RelationRequest::parse(config, raw.as_deref())
        .map_err(|problem| problem.with_example(EXAMPLE))?;
    let deadline = Deadline::after(config.request_timeout);
    let (city, range, variable) = (request.city.id, request.range, request.variable);
    let rows = hours_with_variable(&*state.deps.store, deadline, city, range, variable).await?;
    let bound = config.stray_bound;
    let max = config.max_concurrent_relations;
    let permit = acquire_permit(&state.relation_permits, (max, "relations"), deadline).await?;
    // The bootstrap takes tens of milliseconds, too long for the threads that answer other requests.
    // It holds its permit until it ends, also if the client is gone.
    let compute = move || {
        let _permit = permit;
        RelationAnswer::compute(&request, &rows, bound)
    };
    let answer = tokio::task::spawn_blocking(compute).await;
    answer.map(Json).map_err(|error| {
        tracing::error!(%error, "relation failed");
        Problem::internal()
    })
}
