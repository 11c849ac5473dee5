//! The journal of runs: which runs are registered, and which run serves from which hour on.
//!
//! Terms: an *event* is the registration of a run, a switch to it, or its deletion. A run that is
//! registered again after a deletion has the next *generation*, and its rows have another stored name.
//!
//! Guarantee: events are only appended, each under the next number, by a lightweight transaction: of
//! two concurrent appends one fails and reads the journal again. An append with unknown outcome is
//! looked up before the next attempt.

use std::sync::Arc;

use moodvane_model::{ContextError, HourSlot, RunId};
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};

use super::rows::Cell;
use crate::serving::{Serving, first_served_hour};
use crate::{RunInfo, StoreError};

/// The only journal of a keyspace.
const JOURNAL: &str = "runs";
/// The maximum number of attempts of an append that conflicts with others.
const MAX_ATTEMPTS: u32 = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventKind {
    Registered,
    Switched,
    Deleted,
}

impl EventKind {
    fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Switched => "switched",
            Self::Deleted => "deleted",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Registered, Self::Switched, Self::Deleted]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| {
                StoreError::Corrupt(
                    format!(
                        "unknown run event \"{text}\", expected registered, switched or deleted"
                    )
                    .into(),
                )
            })
    }
}

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) number: i64,
    pub(super) kind: EventKind,
    pub(super) run: RunId,
    pub(super) serves_from: Option<HourSlot>,
}

/// The name of a run in its rows. The tombstones of a deleted run would hide new rows too, whose write
/// timestamps are offsets: so each generation of a run has another stored name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct StoredRun(Arc<str>);

impl StoredRun {
    fn new(run: &RunId, generation: usize) -> Self {
        match generation {
            0 => Self(run.as_str().into()),
            _ => Self(format!("{run}~{generation}").into()),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A registered run.
pub(super) struct RegisteredRun<'e> {
    pub(super) run: &'e RunId,
    pub(super) stored: StoredRun,
    serves_from: Option<HourSlot>,
    /// The number of the run's latest event.
    latest_event: i64,
}

/// The registered runs, in the order of their registration.
pub(super) fn registered_runs(events: &[Event]) -> Vec<RegisteredRun<'_>> {
    let mut runs: Vec<RegisteredRun<'_>> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        if event.kind == EventKind::Deleted {
            runs.retain(|other| *other.run != event.run);
            continue;
        }
        let updated = RegisteredRun {
            run: &event.run,
            stored: StoredRun::new(&event.run, deletions(&events[..at], &event.run)),
            serves_from: event.serves_from,
            latest_event: event.number,
        };
        match runs.iter_mut().find(|other| other.run == updated.run) {
            Some(existing) => *existing = updated,
            None => runs.push(updated),
        }
    }
    runs
}

fn deletions(events: &[Event], run: &RunId) -> usize {
    let deletes = |event: &&Event| event.kind == EventKind::Deleted && event.run == *run;
    events.iter().filter(deletes).count()
}

/// The stored names of all deleted generations of a run.
pub(super) fn deleted_names(events: &[Event], run: &RunId) -> Vec<StoredRun> {
    let generations = 0..deletions(events, run);
    generations
        .map(|generation| StoredRun::new(run, generation))
        .collect()
}

/// All runs, in the order of their registration.
pub(super) fn runs(events: &[Event]) -> Vec<RunInfo> {
    let info = |run: RegisteredRun<'_>| RunInfo {
        id: run.run.clone(),
        serves_from: run.serves_from,
    };
    registered_runs(events).into_iter().map(info).collect()
}

/// The serving runs, the latest switch first.
pub(super) fn serving(events: &[Event]) -> Vec<Serving<StoredRun>> {
    let mut runs = registered_runs(events);
    runs.sort_by_key(|run| std::cmp::Reverse(run.latest_event));
    let serves = |RegisteredRun {
                      stored: run,
                      serves_from,
                      ..
                  }| serves_from.map(|from| Serving { run, from });
    runs.into_iter().filter_map(serves).collect()
}

/// The event that registers a run; `None` where it is registered. The first run serves all hours.
pub(super) fn registration(events: &[Event], run: &RunId) -> Result<Option<Event>, StoreError> {
    if find(events, run).is_some() {
        return Ok(None);
    }
    let first = match events.is_empty() {
        true => HourSlot::from_index(0).ok(),
        false => None,
    };
    Ok(Some(next(events, EventKind::Registered, run, first)))
}

/// The event that switches to a run; `None` where the latest switch is the same.
pub(super) fn switch(
    events: &[Event],
    run: &RunId,
    from: HourSlot,
) -> Result<Option<Event>, StoreError> {
    if find(events, run).is_none() {
        return Err(StoreError::UnknownRun(run.to_string()));
    }
    let switches = |event: &&Event| event.kind == EventKind::Switched;
    let last = events.iter().rev().find(switches);
    let done = last.is_some_and(|last| last.run == *run && last.serves_from == Some(from));
    Ok((!done).then(|| next(events, EventKind::Switched, run, Some(from))))
}

/// The event that deletes a run; `None` where it is deleted. Rejects a run that serves an hour.
pub(super) fn deletion(events: &[Event], run: &RunId) -> Result<Option<Event>, StoreError> {
    let Some(registered) = find(events, run) else {
        return match deletions(events, run) {
            0 => Err(StoreError::UnknownRun(run.to_string())),
            _ => Ok(None),
        };
    };
    match first_served_hour(&serving(events), &registered.stored) {
        Some(from) => Err(StoreError::RunServing {
            run: run.to_string(),
            from,
        }),
        None => Ok(Some(next(events, EventKind::Deleted, run, None))),
    }
}

fn find<'e>(events: &'e [Event], run: &RunId) -> Option<RegisteredRun<'e>> {
    registered_runs(events)
        .into_iter()
        .find(|registered| registered.run == run)
}

fn next(events: &[Event], kind: EventKind, run: &RunId, serves_from: Option<HourSlot>) -> Event {
    Event {
        number: events.last().map_or(1, |last| last.number + 1),
        kind,
        run: run.clone(),
        serves_from,
    }
}

/// Reads the journal.
pub(super) async fn read(
    session: &Session,
    statement: &PreparedStatement,
) -> Result<Vec<Event>, StoreError> {
    let found = session
        .execute_unpaged(statement, (JOURNAL,))
        .await?
        .into_rows_result()?;
    found
        .rows::<(i64, &str, &str, Option<&str>)>()?
        .map(|row| {
            let (number, kind, run, from) = row?;
            let corrupt = |e: moodvane_model::ModelError| {
                StoreError::Corrupt(ContextError::caused_by(
                    "invalid hour in table run_event",
                    e,
                ))
            };
            Ok(Event {
                number,
                kind: EventKind::parse(kind)?,
                run: RunId::new(run),
                serves_from: from.map(str::parse).transpose().map_err(corrupt)?,
            })
        })
        .collect()
}

/// Appends the event that `decide` returns; retries after a conflict with another append.
pub(super) async fn append(
    session: &Session,
    read_latest: &PreparedStatement,
    insert: &PreparedStatement,
    decide: impl Fn(&[Event]) -> Result<Option<Event>, StoreError>,
) -> Result<(), StoreError> {
    let mut failure =
        StoreError::Unavailable("too many concurrent changes of the runs, try again".into());
    for _ in 0..MAX_ATTEMPTS {
        let events = read(session, read_latest).await?;
        let Some(event) = decide(&events)? else {
            return Ok(());
        };
        match insert_if_absent(session, insert, &event).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Writes the event if its number is free; whether it was.
async fn insert_if_absent(
    session: &Session,
    insert: &PreparedStatement,
    event: &Event,
) -> Result<bool, StoreError> {
    let from = event.serves_from.map(|hour| hour.to_string());
    let values = [
        Cell::Text(JOURNAL),
        Cell::Number(event.number),
        Cell::Text(event.kind.name()),
        Cell::Text(event.run.as_str()),
        from.as_deref().map_or(Cell::Null, Cell::Text),
    ];
    let answer = session
        .execute_unpaged(insert, values.as_slice())
        .await?
        .into_rows_result()?;
    let row = answer.first_row::<Row>()?;
    match row.columns.first() {
        Some(Some(CqlValue::Boolean(applied))) => Ok(*applied),
        _ => Err(StoreError::Corrupt(
            "result of a conditional write has no column [applied]".into(),
        )),
    }
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
