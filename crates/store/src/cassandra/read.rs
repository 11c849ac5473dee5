//! The hours of a city: a partition per month and run, read in parallel and page by page.

use futures::{StreamExt, TryStreamExt, stream};
use moodvane_model::{CityId, HourRange, HourRow, Sums, Variable};
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;

use super::months::{Month, months};
use super::rows::{Cell, HourPart, SUMS_COUNT, SUMS_WITH_COUNT};
use super::runs::{Event, StoredRun, serving};
use crate::StoreError;
use crate::serving::spans;

/// Partitions that are read at the same time: a year for one city at once.
const PARALLEL: usize = 13;
/// A partition should stay below so many rows; beyond it is read all the same, and said.
const PARTITION_ROWS: usize = 100_000;

/// One partition, and the hours of it that are wanted.
struct Part {
    run: StoredRun,
    city: CityId,
    month: Month,
    span: HourRange,
}

/// What is wanted of the hours' weather.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'s> {
    /// All of it, by this statement.
    All(&'s PreparedStatement),
    /// One variable, by this statement.
    Only(Variable, &'s PreparedStatement),
}

/// The hours of a city that have anything, in order, each by the run that serves it.
pub(super) async fn hours(
    session: &Session,
    wanted: Wanted<'_>,
    events: &[Event],
    city: CityId,
    range: HourRange,
) -> Result<Vec<HourRow>, StoreError> {
    let mut parts = Vec::new();
    for (run, span) in spans(&serving(events), range) {
        parts.extend(months(span).into_iter().map(|(month, span)| Part {
            run: run.clone(),
            city,
            month,
            span,
        }));
    }
    // Kept in order, so that what comes out is in order of the hours.
    stream::iter(parts)
        .map(|part| async move {
            match wanted {
                Wanted::All(statement) => {
                    let sums = HourPart::<SUMS_COUNT>::sums;
                    read(session, statement, part, sums).await
                }
                Wanted::Only(variable, statement) => {
                    let sums = |row: &HourPart<SUMS_WITH_COUNT>| row.sums_with(variable);
                    read(session, statement, part, sums).await
                }
            }
        })
        .buffered(PARALLEL)
        .try_concat()
        .await
}

async fn read<const N: usize>(
    session: &Session,
    statement: &PreparedStatement,
    part: Part,
    sums: impl Fn(&HourPart<N>) -> Sums,
) -> Result<Vec<HourRow>, StoreError> {
    let month = part.month.to_string();
    let begin = part.span.begin().to_string();
    let end = part.span.end().to_string();
    let values = [
        Cell::Text(part.run.as_str()),
        Cell::Text(part.city.as_str()),
        Cell::Text(&month),
        Cell::Text(&begin),
        Cell::Text(&end),
    ];
    let pager = session
        .execute_iter(statement.clone(), values.as_slice())
        .await?;
    let mut rows = pager.rows_stream::<HourPart<N>>()?;
    let mut hours: Vec<HourRow> = Vec::new();
    let mut count = 0usize;
    while let Some(row) = rows.try_next().await? {
        count += 1;
        if hours.last().is_none_or(|last| last.hour != row.hour) {
            hours.push(HourRow::empty(part.city, row.hour));
        }
        if let Some(last) = hours.last_mut() {
            last.add(row.source, &sums(&row));
        }
    }
    if count > PARTITION_ROWS {
        tracing::warn!(
            city = %part.city, %month, run = part.run.as_str(), rows = count, bound = PARTITION_ROWS,
            "a partition has more rows than it should"
        );
    }
    Ok(hours)
}
