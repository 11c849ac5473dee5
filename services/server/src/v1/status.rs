//! `GET /v1/status`: the lag behind the log and the last hour of each source.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use moodvane_eventlog::Watermarks;
use moodvane_model::{
    CityId, HourRange, HourSlot, ProgressKey, RunId, SourceId, StaleNote, Timestamp, Topic,
};
use moodvane_store::RunInfo;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::deadline::Deadline;
use crate::problem::{Example, Problem, ProblemBody};
use crate::query::Query;
use crate::state::ServerState;
use crate::store_reads;
use crate::zone::Zone;

/// How far back the last hour of a source is searched.
const LOOK_BACK_HOURS: i32 = 168;
/// The time-out of the log, which the answer does not need.
const LOG_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the notes of stale weather are kept before they are read again.
const NOTES_INTERVAL: Duration = Duration::from_secs(30);
/// An older note is of a source that was removed or stopped. Running sources renew theirs each
/// hour, or with each request if they make fewer.
const NOTE_VALID_MS: i64 = 25 * 3_600_000;

/// The status of the system.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// The version of the server.
    version: &'static str,
    /// The current time (RFC 3339).
    now: String,
    /// The run that serves the current hour; null if nothing was folded yet.
    run: Option<String>,
    runs: Vec<Run>,
    /// The number of gaps: records that retention removed before the run folded them.
    gaps: Option<usize>,
    /// The lag of the run behind the log, by topic; null if the log is unavailable.
    topics: Option<Vec<Lag>>,
    /// The last hour with data from each source, within a week, and since when its weather is stale.
    sources: Vec<StatusSource>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Run {
    id: String,
    /// The first hour that it serves (UTC); null if it serves none.
    serves_from: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Lag {
    #[schema(example = "tweet")]
    topic: &'static str,
    partitions: usize,
    /// The number of records that are not in the rows yet.
    lag: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatusSource {
    city: String,
    #[schema(example = "open-meteo")]
    id: String,
    /// The start of the last hour; null if there was none within a week.
    last_hour: Option<String>,
    /// The time of the provider's latest observation while the weather is stale; null otherwise.
    stale_since: Option<String>,
}

/// The lag behind the log and the last hour of each source.
#[utoipa::path(
    get, path = "/v1/status", tag = "v1",
    responses(
        (status = 200, description = "The status", body = Status),
        (status = 400, response = ProblemBody),
        (status = 429, response = ProblemBody),
        (status = 500, response = ProblemBody),
        (status = 503, response = ProblemBody),
    ),
)]
pub(crate) async fn status(
    State(state): State<ServerState>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Status>, Problem> {
    Query::parse(raw.as_deref(), &[])
        .map_err(|problem| problem.with_example(Example::Get("/v1/status")))?;
    let deadline = Deadline::after(state.deps.config.request_timeout);
    deadline
        .run(read_status(&state, deadline))
        .await
        .map_err(|_| store_reads::store_timeout(deadline))?
        .map(Json)
}

async fn read_status(state: &ServerState, deadline: Deadline) -> Result<Status, Problem> {
    let now = state.deps.clock.now();
    let hour = HourSlot::containing(now);
    let store = &state.deps.store;
    let runs = store
        .runs()
        .await
        .map_err(|error| Problem::from_store(&error))?;
    let run = serving_run(&runs, hour).cloned();
    let (mut gaps, mut topics) = (None, None);
    if let Some(run) = &run {
        let stored = store
            .gaps(run)
            .await
            .map_err(|error| Problem::from_store(&error))?;
        gaps = Some(stored.len());
        topics = lags(state, run).await?;
    }
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        now: now.to_string(),
        run: run.map(|run| run.to_string()),
        runs: runs.iter().map(Run::from).collect(),
        gaps,
        topics,
        sources: sources(state, deadline, hour).await?,
    })
}

/// The run that serves an hour: the one with the latest switch.
fn serving_run(runs: &[RunInfo], hour: HourSlot) -> Option<&RunId> {
    let switched = runs
        .iter()
        .filter(|run| run.serves_from.is_some_and(|from| from <= hour));
    switched
        .max_by_key(|run| run.serves_from)
        .map(|run| &run.id)
}

/// `None` if the log is unavailable.
async fn lags(state: &ServerState, run: &RunId) -> Result<Option<Vec<Lag>>, Problem> {
    let mut lags = Vec::new();
    for topic in Topic::ALL {
        let Ok(Ok(watermarks)) = timeout(LOG_TIMEOUT, state.deps.log.watermarks(topic)).await
        else {
            return Ok(None);
        };
        let mut lag = 0;
        for log in &watermarks {
            lag += partition_lag(state, run, log).await?;
        }
        lags.push(Lag {
            topic: topic.name(),
            partitions: watermarks.len(),
            lag,
        });
    }
    Ok(Some(lags))
}

/// The number of records of a partition that are not in the rows yet.
async fn partition_lag(state: &ServerState, run: &RunId, log: &Watermarks) -> Result<u64, Problem> {
    let key = ProgressKey {
        run: run.clone(),
        topic: log.topic_partition.topic,
        incarnation: state.deps.config.incarnation,
        partition: log.topic_partition.partition,
    };
    let progress = state.deps.store.progress(&key).await;
    let progress = progress.map_err(|error| Problem::from_store(&error))?;
    let next = progress.map_or(log.low, |progress| progress.next.max(log.low));
    Ok(log.high.0.saturating_sub(next.0))
}

async fn sources(
    state: &ServerState,
    deadline: Deadline,
    hour: HourSlot,
) -> Result<Vec<StatusSource>, Problem> {
    let begin = hour.checked_add(-LOOK_BACK_HOURS).unwrap_or(hour);
    // The event time of a record may be slightly ahead of its reception.
    let end = hour.checked_add(1).unwrap_or(hour);
    let week = HourRange::new(begin, end).map_err(|_| Problem::internal())?;
    let stale = stale_sources(state).await;
    let mut last: BTreeMap<(CityId, SourceId), Option<HourSlot>> =
        stale.keys().map(|key| (*key, None)).collect();
    for city in &state.deps.config.cities {
        for row in store_reads::hours(&*state.deps.store, deadline, city.id, week).await? {
            for source in row.sources.keys() {
                last.insert((city.id, *source), Some(row.hour));
            }
        }
    }
    let sources = last.into_iter().map(|((city, id), hour)| StatusSource {
        city: city.to_string(),
        id: id.to_string(),
        last_hour: hour.and_then(|hour| Zone::UTC.rfc3339(hour)),
        stale_since: stale.get(&(city, id)).map(Timestamp::to_string),
    });
    Ok(sources.collect())
}

/// The sources whose ingester noted lately that their weather is stale, each with the time of the
/// latest observation. Empty if the log is unavailable.
async fn stale_sources(state: &ServerState) -> BTreeMap<(CityId, SourceId), Timestamp> {
    let now = state.deps.clock.now().millis();
    let cities = &state.deps.config.cities;
    let notes = stale_notes(state).await.into_iter();
    notes
        .filter(|note| now - note.noted_at.millis() <= NOTE_VALID_MS)
        .filter(|note| cities.iter().any(|city| city.id == note.city))
        .map(|note| ((note.city, note.source), note.since))
        .collect()
}

/// The notes in the log, read at most once in [`NOTES_INTERVAL`]: on Kafka a read passes over all
/// cursors.
async fn stale_notes(state: &ServerState) -> Vec<StaleNote> {
    let uptime = state.deps.clock.uptime();
    let mut last_read = state.stale_notes.lock().await;
    if let Some((read_at, notes)) = &*last_read
        && uptime.saturating_sub(*read_at) < NOTES_INTERVAL
    {
        return notes.clone();
    }
    let cursors = state.deps.log.cursors_with_suffix(StaleNote::SUFFIX);
    let notes: Vec<StaleNote> = match timeout(LOG_TIMEOUT, cursors).await {
        Ok(Ok(cursors)) => {
            let note = |(name, value): &(String, String)| StaleNote::from_cursor(name, value);
            cursors.iter().filter_map(note).collect()
        }
        _ => Vec::new(),
    };
    *last_read = Some((uptime, notes.clone()));
    notes
}

impl From<&RunInfo> for Run {
    fn from(run: &RunInfo) -> Self {
        Self {
            id: run.id.to_string(),
            serves_from: run.serves_from.and_then(|hour| Zone::UTC.rfc3339(hour)),
        }
    }
}
