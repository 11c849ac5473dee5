//! The journal of runs: which are known, and which serves from which hour on.
//!
//! Terms: an *event* is a run's registration, a switch to it, or its deletion. A run that was
//! deleted and registered again has another *life*, and its rows lie under another name.
//!
//! Guarantee: events are only ever appended, each under the next number, by a lightweight
//! transaction: of two services that append at once one sees that it was second and looks again.
//! An append whose outcome is unknown is looked for before it is tried again.

use std::sync::Arc;

use moodvane_model::{HourSlot, RunId};
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};

use super::rows::Cell;
use crate::serving::{Serving, first_answered};
use crate::{RunInfo, StoreError};

/// The one journal of a keyspace.
const JOURNAL: &str = "runs";
/// How often an append is tried while others append too.
const ATTEMPTS: u32 = 32;

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
                StoreError::Corrupt(format!("\"{text}\" is not an event of a run").into())
            })
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) number: i64,
    pub(super) kind: EventKind,
    pub(super) run: RunId,
    pub(super) serves_from: Option<HourSlot>,
}

/// The name under which the rows of a run lie. What hides the rows of a deleted run would hide
/// new ones too, as their write timestamps are offsets: so a later life has another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredRun(Arc<str>);

impl StoredRun {
    fn of(run: &RunId, life: usize) -> Self {
        match life {
            0 => Self(run.as_str().into()),
            _ => Self(format!("{run}~{life}").into()),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A run, as the events so far leave it.
pub(super) struct Known<'e> {
    pub(super) run: &'e RunId,
    pub(super) stored: StoredRun,
    serves_from: Option<HourSlot>,
    /// The number of the event that let it serve.
    since: i64,
}

/// What the events add up to: runs in the order of their registration.
pub(super) fn known(events: &[Event]) -> Vec<Known<'_>> {
    let mut known: Vec<Known<'_>> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        if event.kind == EventKind::Deleted {
            known.retain(|there| *there.run != event.run);
            continue;
        }
        let now = Known {
            run: &event.run,
            stored: StoredRun::of(&event.run, deletions(&events[..at], &event.run)),
            serves_from: event.serves_from,
            since: event.number,
        };
        match known.iter_mut().find(|there| there.run == now.run) {
            Some(there) => *there = now,
            None => known.push(now),
        }
    }
    known
}

fn deletions(events: &[Event], run: &RunId) -> usize {
    let deletes = |event: &&Event| event.kind == EventKind::Deleted && event.run == *run;
    events.iter().filter(deletes).count()
}

/// The names of all lives of a run that ended.
pub(super) fn ended(events: &[Event], run: &RunId) -> Vec<StoredRun> {
    let lives = 0..deletions(events, run);
    lives.map(|life| StoredRun::of(run, life)).collect()
}

/// All runs, in the order of their registration.
pub(super) fn runs(events: &[Event]) -> Vec<RunInfo> {
    let info = |known: Known<'_>| RunInfo {
        id: known.run.clone(),
        serves_from: known.serves_from,
    };
    known(events).into_iter().map(info).collect()
}

/// The runs that serve, the last switched first.
pub(super) fn serving(events: &[Event]) -> Vec<Serving<StoredRun>> {
    let mut known = known(events);
    known.sort_by_key(|known| std::cmp::Reverse(known.since));
    let serves = |Known {
                      stored: run,
                      serves_from,
                      ..
                  }| serves_from.map(|from| Serving { run, from });
    known.into_iter().filter_map(serves).collect()
}

/// The event by which a run becomes known, unless it is: the first serves from the first hour on.
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

/// The event by which a run serves, unless it was the last to be switched to, from that hour.
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

/// The event by which a run is forgotten, unless it is. A run that answers for any hour stays.
pub(super) fn deletion(events: &[Event], run: &RunId) -> Result<Option<Event>, StoreError> {
    let Some(known) = find(events, run) else {
        return match deletions(events, run) {
            0 => Err(StoreError::UnknownRun(run.to_string())),
            _ => Ok(None),
        };
    };
    match first_answered(&serving(events), &known.stored) {
        Some(from) => Err(StoreError::RunServing {
            run: run.to_string(),
            from,
        }),
        None => Ok(Some(next(events, EventKind::Deleted, run, None))),
    }
}

fn find<'e>(events: &'e [Event], run: &RunId) -> Option<Known<'e>> {
    known(events).into_iter().find(|known| known.run == run)
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
            let corrupt = |e: moodvane_model::ModelError| StoreError::Corrupt(e.to_string().into());
            Ok(Event {
                number,
                kind: EventKind::parse(kind)?,
                run: RunId::new(run),
                serves_from: from.map(str::parse).transpose().map_err(corrupt)?,
            })
        })
        .collect()
}

/// Appends what `decide` finds missing, until nothing is.
pub(super) async fn append(
    session: &Session,
    read_latest: &PreparedStatement,
    insert: &PreparedStatement,
    decide: impl Fn(&[Event]) -> Result<Option<Event>, StoreError>,
) -> Result<(), StoreError> {
    let mut failure = StoreError::Unavailable("others kept changing the runs".into());
    for _ in 0..ATTEMPTS {
        let events = read(session, read_latest).await?;
        let Some(event) = decide(&events)? else {
            return Ok(());
        };
        match insert_if_free(session, insert, &event).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Whether the event's number was free, so that it is written.
async fn insert_if_free(
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
        from.as_deref().map_or(Cell::Nothing, Cell::Text),
    ];
    let answer = session
        .execute_unpaged(insert, values.as_slice())
        .await?
        .into_rows_result()?;
    let row = answer.first_row::<Row>()?;
    match row.columns.first() {
        Some(Some(CqlValue::Boolean(applied))) => Ok(*applied),
        _ => Err(StoreError::Corrupt(
            "a conditional write was answered without a verdict".into(),
        )),
    }
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
