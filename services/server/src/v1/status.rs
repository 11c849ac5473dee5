//! `GET /v1/status`: how far the rows are, and what was heard last.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{self, RawQuery};
use moodvane_eventlog::Watermarks;
use moodvane_model::{CityId, HourRange, HourSlot, ProgressKey, RunId, SourceId, Topic};
use moodvane_store::RunInfo;
use serde::Serialize;
use tokio::time::{Instant, timeout, timeout_at};
use utoipa::ToSchema;

use crate::openapi::ProblemSchema;
use crate::problem::{Example, Problem};
use crate::query::Query;
use crate::state::State;
use crate::weather;
use crate::zone::Zone;

/// How far back a source's last hour is looked for.
const LOOK_BACK_HOURS: i32 = 168;
/// How long the log may take; its absence is a part of the answer.
const LOG_TIMEOUT: Duration = Duration::from_secs(2);

/// How the whole is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// The server's version.
    version: &'static str,
    /// The present moment (RFC 3339).
    now: String,
    /// The fold that answers for the present hour; null where nothing was folded yet.
    run: Option<String>,
    runs: Vec<Run>,
    /// How many times records were lost before the run could fold them.
    gaps: Option<usize>,
    /// How far the run is behind the log, by topic; null where the log does not answer.
    topics: Option<Vec<Lag>>,
    /// The last hour in which each source was heard, within a week.
    sources: Vec<Source>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Run {
    id: String,
    /// The first hour that it answers for (UTC); null while it only folds.
    serves_from: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Lag {
    #[schema(example = "tweet")]
    topic: &'static str,
    partitions: usize,
    /// Records of the log that are not yet in the rows.
    lag: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusSource)]
struct Source {
    city: String,
    #[schema(example = "open-meteo")]
    id: String,
    /// The last hour's first moment.
    last_hour: Option<String>,
}

/// How far the rows are, and what was heard last.
#[utoipa::path(
    get, path = "/v1/status", tag = "v1",
    responses(
        (status = 200, description = "The status", body = Status),
        (status = 400, response = ProblemSchema),
        (status = 429, response = ProblemSchema),
        (status = 500, response = ProblemSchema),
        (status = 503, response = ProblemSchema),
    ),
)]
pub(crate) async fn status(
    extract::State(state): extract::State<State>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Status>, Problem> {
    Query::read(raw.as_deref(), &[]).map_err(|p| p.like(Example::Get("/v1/status")))?;
    let deadline = Instant::now() + state.app.config.request_timeout;
    timeout_at(deadline, told(&state, deadline))
        .await
        .map_err(|_| weather::late_store(&state))?
        .map(Json)
}

async fn told(state: &State, deadline: Instant) -> Result<Status, Problem> {
    let now = state.app.clock.now();
    let hour = HourSlot::containing(now);
    let store = &state.app.store;
    let runs = store.runs().await.map_err(|error| Problem::store(&error))?;
    let run = serving(&runs, hour).cloned();
    let (mut gaps, mut topics) = (None, None);
    if let Some(run) = &run {
        let found = store
            .gaps(run)
            .await
            .map_err(|error| Problem::store(&error))?;
        gaps = Some(found.len());
        topics = lags(state, run).await?;
    }
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        now: now.to_string(),
        run: run.map(|run| run.to_string()),
        runs: runs.iter().map(Run::of).collect(),
        gaps,
        topics,
        sources: sources(state, deadline, hour).await?,
    })
}

/// The run that answers for an hour: that of the latest switch.
fn serving(runs: &[RunInfo], hour: HourSlot) -> Option<&RunId> {
    let switched = runs
        .iter()
        .filter(|run| run.serves_from.is_some_and(|from| from <= hour));
    switched
        .max_by_key(|run| run.serves_from)
        .map(|run| &run.id)
}

/// `None` where the log does not answer.
async fn lags(state: &State, run: &RunId) -> Result<Option<Vec<Lag>>, Problem> {
    let mut lags = Vec::new();
    for topic in Topic::ALL {
        let Ok(Ok(marks)) = timeout(LOG_TIMEOUT, state.app.log.watermarks(topic)).await else {
            return Ok(None);
        };
        let mut lag = 0;
        for mark in &marks {
            lag += behind(state, run, mark).await?;
        }
        lags.push(Lag {
            topic: topic.name(),
            partitions: marks.len(),
            lag,
        });
    }
    Ok(Some(lags))
}

/// How many records of a partition are not yet in the rows.
async fn behind(state: &State, run: &RunId, mark: &Watermarks) -> Result<u64, Problem> {
    let key = ProgressKey {
        run: run.clone(),
        topic: mark.at.topic,
        incarnation: state.app.config.incarnation,
        partition: mark.at.partition,
    };
    let progress = state.app.store.progress(&key).await;
    let progress = progress.map_err(|error| Problem::store(&error))?;
    let next = progress.map_or(mark.low, |progress| progress.next.max(mark.low));
    Ok(mark.high.0.saturating_sub(next.0))
}

async fn sources(state: &State, deadline: Instant, hour: HourSlot) -> Result<Vec<Source>, Problem> {
    let begin = hour.checked_add(-LOOK_BACK_HOURS).unwrap_or(hour);
    // A record's own time may lie a little ahead of its reception.
    let end = hour.checked_add(1).unwrap_or(hour);
    let week = HourRange::new(begin, end).map_err(|_| Problem::internal())?;
    let mut last: BTreeMap<(CityId, SourceId), HourSlot> = BTreeMap::new();
    for city in &state.app.config.cities {
        for row in weather::hours(state, deadline, city.id, week).await? {
            for source in row.sources.keys() {
                last.insert((city.id, *source), row.hour);
            }
        }
    }
    let told = last.into_iter().map(|((city, id), hour)| Source {
        city: city.to_string(),
        id: id.to_string(),
        last_hour: Zone::UTC.moment(hour),
    });
    Ok(told.collect())
}

impl Run {
    fn of(run: &RunInfo) -> Self {
        Self {
            id: run.id.to_string(),
            serves_from: run.serves_from.and_then(|hour| Zone::UTC.moment(hour)),
        }
    }
}
