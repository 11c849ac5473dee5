//! The journal of runs: which are known, and which serves from which hour on.
//!
//! Terms: an *event* is a run's registration or a switch to it.
//!
//! Guarantee: events are only ever appended, each under the next number, by a lightweight
//! transaction: of two services that append at once one sees that it was second and looks again.
//! An append whose outcome is unknown is looked for before it is tried again.

use moodvane_model::{HourSlot, RunId};
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};

use super::rows::Cell;
use crate::serving::Serving;
use crate::{RunInfo, StoreError};

/// The one journal of a keyspace.
const JOURNAL: &str = "runs";
/// How often an append is tried while others append too.
const ATTEMPTS: u32 = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventKind {
    Registered,
    Switched,
}

impl EventKind {
    fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Switched => "switched",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Registered, Self::Switched]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| StoreError::Corrupt(format!("\"{text}\" is not an event of a run")))
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

/// A run, as the events so far leave it.
struct Known<'e> {
    run: &'e RunId,
    serves_from: Option<HourSlot>,
    /// The number of the event that let it serve.
    since: i64,
}

/// What the events add up to: runs in the order of their registration.
fn known(events: &[Event]) -> Vec<Known<'_>> {
    let mut known: Vec<Known<'_>> = Vec::new();
    for event in events {
        let now = Known {
            run: &event.run,
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

/// All runs, in the order of their registration.
pub(super) fn runs(events: &[Event]) -> Vec<RunInfo> {
    let info = |known: Known<'_>| RunInfo {
        id: known.run.clone(),
        serves_from: known.serves_from,
    };
    known(events).into_iter().map(info).collect()
}

/// The runs that serve, the last switched first.
pub(super) fn serving(events: &[Event]) -> Vec<Serving<&RunId>> {
    let mut known = known(events);
    known.sort_by_key(|known| std::cmp::Reverse(known.since));
    let serves = |Known {
                      run, serves_from, ..
                  }| serves_from.map(|from| Serving { run, from });
    known.into_iter().filter_map(serves).collect()
}

/// The event by which a run becomes known, unless it is: the first serves from the first hour on.
pub(super) fn registration(events: &[Event], run: &RunId) -> Result<Option<Event>, StoreError> {
    if events.iter().any(|event| event.run == *run) {
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
    if events.iter().all(|event| event.run != *run) {
        return Err(StoreError::UnknownRun(run.to_string()));
    }
    let switches = |event: &&Event| event.kind == EventKind::Switched;
    let last = events.iter().rev().find(switches);
    let done = last.is_some_and(|last| last.run == *run && last.serves_from == Some(from));
    Ok((!done).then(|| next(events, EventKind::Switched, run, Some(from))))
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
            let corrupt = |e: moodvane_model::ModelError| StoreError::Corrupt(e.to_string());
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
    let mut failure = StoreError::Unavailable("others kept changing the runs".to_owned());
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
            "a conditional write was answered without a verdict".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(text: &str) -> HourSlot {
        text.parse().unwrap()
    }

    fn journal(steps: &[(&str, Option<&str>)]) -> Vec<Event> {
        let mut events = Vec::new();
        for (run, from) in steps {
            let run = RunId::new(*run);
            let event = match from {
                Some(from) => switch(&events, &run, hour(from)).unwrap(),
                None => registration(&events, &run).unwrap(),
            };
            events.extend(event);
        }
        events
    }

    #[test]
    fn the_first_run_serves_from_the_beginning_and_the_latest_switch_comes_first() {
        let events = journal(&[
            ("a", None),
            ("b", None),
            ("c", None),
            ("b", Some("2018-01-01 00")),
            ("a", Some("2019-01-01 00")),
        ]);
        let serving: Vec<_> = serving(&events)
            .iter()
            .map(|s| (s.run.as_str(), s.from.to_string()))
            .collect();
        let at = |run, from: &str| (run, from.to_owned());
        assert_eq!(
            serving,
            [at("a", "2019-01-01 00"), at("b", "2018-01-01 00")]
        );
        let names: Vec<_> = runs(&events).iter().map(|r| r.id.to_string()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn what_is_done_already_is_not_appended_again() {
        let events = journal(&[("a", None), ("b", None), ("b", Some("2018-01-01 00"))]);
        assert_eq!(registration(&events, &RunId::new("b")).unwrap(), None);
        let b = RunId::new("b");
        assert_eq!(switch(&events, &b, hour("2018-01-01 00")).unwrap(), None);
        let other = switch(&events, &b, hour("2018-01-01 01")).unwrap();
        assert_eq!(other.unwrap().number, 4);
    }
}
