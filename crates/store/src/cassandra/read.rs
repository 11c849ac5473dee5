//! Reads the hours of a city: one partition per month and run, concurrently and page by page.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use moodvane_model::{Calibration, CityId, HourRange, HourRow, Sums, Variable};
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;

use super::merged::Piece;
use super::months::{Month, split_by_month};
use super::rows::{Cell, HourPart, SUMS_COUNT, SUMS_WITH_COUNT};
use super::runs::{Event, StoredRun, serving};
use crate::StoreError;
use crate::serving::spans;

/// Concurrently read partitions: enough for a year of one city.
const CONCURRENCY: usize = 13;
/// The expected limit of rows of a partition. Above it the read succeeds and logs a warning.
const MAX_PARTITION_ROWS: usize = 100_000;

/// One partition, and the hours to read of it.
#[derive(Clone)]
pub(super) struct PartitionRange {
    pub(super) run: StoredRun,
    pub(super) city: CityId,
    pub(super) month: Month,
    pub(super) span: HourRange,
    /// The calibration of the run's scorer.
    pub(super) calibration: Option<Arc<Calibration>>,
}

/// The weather variables to read, and the statement that reads them.
#[derive(Clone, Copy)]
pub(super) enum Selection<'s> {
    /// All variables.
    All(&'s PreparedStatement),
    /// One variable.
    Variable(Variable, &'s PreparedStatement),
}

/// The partitions that have the hours of a range, in order, each of the run that serves it.
pub(super) fn ranges(events: &[Event], city: CityId, range: HourRange) -> Vec<PartitionRange> {
    let mut ranges = Vec::new();
    for (run, span) in spans(&serving(events), range) {
        ranges.extend(
            split_by_month(span)
                .into_iter()
                .map(|(month, span)| PartitionRange {
                    run: run.clone(),
                    city,
                    month,
                    span,
                    calibration: None,
                }),
        );
    }
    ranges
}

/// The hours of these pieces that have rows, in order.
pub(super) async fn hours(
    session: &Session,
    selection: Selection<'_>,
    pieces: Vec<Piece>,
) -> Result<Vec<HourRow>, StoreError> {
    // `buffered` keeps the order of the hours.
    stream::iter(pieces)
        .map(|piece| async move {
            let partition = match piece {
                Piece::Merged(hours) => return Ok(hours),
                Piece::Rows(partition) => partition,
            };
            match selection {
                Selection::All(statement) => {
                    let sums = HourPart::<SUMS_COUNT>::sums;
                    read(session, statement, partition, sums).await
                }
                Selection::Variable(variable, statement) => {
                    let sums = |row: &HourPart<SUMS_WITH_COUNT>| row.sums_with_variable(variable);
                    read(session, statement, partition, sums).await
                }
            }
        })
        .buffered(CONCURRENCY)
        .try_concat()
        .await
}

async fn read<const N: usize>(
    session: &Session,
    statement: &PreparedStatement,
    partition: PartitionRange,
    sums: impl Fn(&HourPart<N>) -> Sums,
) -> Result<Vec<HourRow>, StoreError> {
    let month = partition.month.to_string();
    let begin = partition.span.begin().to_string();
    let end = partition.span.end().to_string();
    let values = [
        Cell::Text(partition.run.as_str()),
        Cell::Text(partition.city.as_str()),
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
            hours.push(HourRow {
                calibration: partition.calibration.clone(),
                ..HourRow::empty(partition.city, row.hour)
            });
        }
        if let Some(last) = hours.last_mut() {
            last.add(row.source, &sums(&row));
        }
    }
    if count > MAX_PARTITION_ROWS {
        tracing::warn!(
            city = %partition.city, %month, run = partition.run.as_str(), rows = count, limit = MAX_PARTITION_ROWS,
            "cassandra partition has too many rows"
        );
    }
    Ok(hours)
}
