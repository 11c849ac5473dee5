//! Reads merged hours instead of rows where they are valid.
//!
//! A closed period has its hours in one value, together with the [`FoldOffsets`] that they were merged
//! at. They are valid while these are the fold offsets of the period: a changed row raises them
//! before it is written. So a reader gets what the rows had when it read the fold offsets, and never
//! less. Of a month that is not valid, as the current one, the valid days are used; other days are read
//! from the rows.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, future, stream};
use moodvane_model::{CityId, HourRange, HourRow};
use scylla::client::session::Session;

use super::fold_offsets::{self, Block, FoldOffsets};
use super::periods::{Period, split_by_day};
use super::read::PartitionRange;
use super::rebuilds::{self, RebuildNumber};
use super::runs::StoredRun;
use super::statements::MergeStatements;
use crate::StoreError;
use crate::merged_hours::decode;
use crate::varint::{Reader, push_number};

/// Shorter spans of a month are read from their rows, which are few.
const MIN_SPAN_HOURS: u32 = 96;
/// Concurrent reads of blocks.
const CONCURRENCY: usize = 13;
const VERSION: u8 = 1;

/// What merged hours depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MergedAt {
    pub(super) rebuild: RebuildNumber,
    pub(super) offsets: FoldOffsets,
}

impl MergedAt {
    pub(super) fn encode(&self, hours: &[HourRow]) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        push_number(&mut bytes, self.rebuild.0);
        self.offsets.encode(&mut bytes);
        bytes.extend(crate::merged_hours::encode(hours));
        bytes
    }

    /// Splits a stored value into what it depends on and the encoded hours. `None` where another
    /// version wrote it.
    pub(super) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != VERSION {
            return None;
        }
        let at = Self {
            rebuild: RebuildNumber(reader.number()?),
            offsets: FoldOffsets::decode(&mut reader)?,
        };
        Some((at, reader.rest()))
    }
}

/// A part of the hours to read.
pub(super) enum Piece {
    /// Hours to read from the rows.
    Rows(PartitionRange),
    Merged(Vec<HourRow>),
}

/// Periods that were not merged when they were read.
#[derive(Debug)]
pub(super) struct MergeRequest {
    pub(super) run: StoredRun,
    pub(super) city: CityId,
    pub(super) periods: Vec<Period>,
}

/// The values of a block by name of the period: the encoded hours, `None` where they are not valid.
/// A period without fold offsets is missing.
type Values = HashMap<String, Option<Vec<u8>>>;

/// Decides what is read from where.
pub(super) async fn plan(
    session: &Session,
    statements: &MergeStatements,
    ranges: Vec<PartitionRange>,
) -> Result<(Vec<Piece>, Vec<MergeRequest>), StoreError> {
    let planner = Planner {
        session,
        statements,
        rebuilds: complete_rebuilds(session, statements, &ranges).await?,
    };
    let months = planner.months(&ranges).await?;
    let planned: Vec<_> = stream::iter(ranges)
        .map(|range| planner.plan_month(range, &months))
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let (pieces, requests): (Vec<_>, Vec<_>) = planned.into_iter().unzip();
    let pieces = pieces.into_iter().flatten().collect();
    Ok((pieces, requests.into_iter().flatten().collect()))
}

/// The rebuild number of each run; a run whose rebuild is incomplete is missing.
async fn complete_rebuilds(
    session: &Session,
    statements: &MergeStatements,
    ranges: &[PartitionRange],
) -> Result<HashMap<StoredRun, RebuildNumber>, StoreError> {
    let mut found = HashMap::new();
    for range in ranges.iter().filter(|range| is_long(range)) {
        if !found.contains_key(&range.run) {
            let number = rebuilds::read(session, &statements.rebuild, &range.run).await?;
            found.insert(range.run.clone(), number);
        }
    }
    found.retain(|_, number| number.is_complete());
    Ok(found)
}

fn is_long(range: &PartitionRange) -> bool {
    range.span.hours() >= MIN_SPAN_HOURS
}

struct Planner<'s> {
    session: &'s Session,
    statements: &'s MergeStatements,
    rebuilds: HashMap<StoredRun, RebuildNumber>,
}

impl Planner<'_> {
    /// The values of the months of all ranges.
    async fn months(
        &self,
        ranges: &[PartitionRange],
    ) -> Result<HashMap<Block, Values>, StoreError> {
        let mut spans: HashMap<Block, (String, String)> = HashMap::new();
        for range in ranges.iter().filter(|range| is_long(range)) {
            let month = Period::Month(range.month);
            let block = Block::of(&range.run, range.city, month);
            // The ranges are in order.
            let span = spans.entry(block);
            span.or_insert_with(|| (month.name(), String::new())).1 = month.name();
        }
        stream::iter(spans)
            .map(|(block, (first, last))| async move {
                let values = self.values(&block, (&first, &last)).await?;
                Ok((block, values))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await
    }

    /// The values of the periods of a block from `first` to `last`.
    async fn values(&self, block: &Block, span: (&str, &str)) -> Result<Values, StoreError> {
        let Some(rebuild) = self.rebuilds.get(&block.run) else {
            return Ok(Values::new());
        };
        let statements = self.statements;
        let offsets = fold_offsets::read(self.session, &statements.fold_offsets, block, span);
        let stored = stored_values(self.session, statements, block, span);
        let (offsets, mut stored) = future::try_join(offsets, stored).await?;
        let valid = |name: &str, offsets: FoldOffsets| {
            let bytes = stored.remove(name)?;
            let (merged_at, hours) = MergedAt::split(&bytes)?;
            let now = MergedAt {
                rebuild: *rebuild,
                offsets,
            };
            (merged_at == now).then(|| hours.to_vec())
        };
        let mut valid = valid;
        let values = offsets.into_iter().map(|(name, offsets)| {
            let value = valid(&name, offsets);
            (name, value)
        });
        Ok(values.collect())
    }

    async fn plan_month(
        &self,
        range: PartitionRange,
        months: &HashMap<Block, Values>,
    ) -> Result<(Vec<Piece>, Option<MergeRequest>), StoreError> {
        let month = Period::Month(range.month);
        let block = Block::of(&range.run, range.city, month);
        let values = months.get(&block).filter(|_| is_long(&range));
        let Some(value) = values.and_then(|values| values.get(&month.name())) else {
            return Ok((vec![Piece::Rows(range)], None));
        };
        if let Some(hours) = decode_valid(value.as_deref(), &range, range.span) {
            return Ok((vec![Piece::Merged(hours)], None));
        }
        let days = split_by_day(range.span);
        let (first, last) = (
            Period::day(range.span.begin()),
            Period::day(range.span.end()),
        );
        let block = Block::of(&range.run, range.city, first);
        let names = (first.name(), last.name());
        let values = self.values(&block, (&names.0, &names.1)).await?;
        let (mut pieces, mut unmerged) = (Vec::new(), vec![month]);
        for (day, span) in days {
            let value = values.get(&day.name());
            match decode_valid(value.and_then(Option::as_deref), &range, span) {
                Some(hours) => pieces.push(Piece::Merged(hours)),
                None => {
                    push_rows(&mut pieces, &range, span);
                    // A day without fold offsets has no rows to merge.
                    unmerged.extend(value.map(|_| day));
                }
            }
        }
        let request = MergeRequest {
            run: range.run,
            city: range.city,
            periods: unmerged,
        };
        Ok((pieces, Some(request)))
    }
}

/// Adds hours to read from the rows; consecutive ones are one read.
fn push_rows(pieces: &mut Vec<Piece>, range: &PartitionRange, span: HourRange) {
    if let Some(Piece::Rows(last)) = pieces.last_mut()
        && let Ok(both) = HourRange::new(last.span.begin(), span.end())
    {
        last.span = both;
        return;
    }
    pieces.push(Piece::Rows(PartitionRange {
        span,
        ..range.clone()
    }));
}

/// The hours of a span; `None` where there is no value, or it is unreadable, which the rows make up for.
fn decode_valid(
    value: Option<&[u8]>,
    range: &PartitionRange,
    span: HourRange,
) -> Option<Vec<HourRow>> {
    let calibration = range.calibration.as_ref();
    match decode(value?, range.city, span, calibration) {
        Ok(hours) => Some(hours),
        Err(error) => {
            let month = range.month.to_string();
            tracing::warn!(city = %range.city, %month, %error, "cannot read merged hours, reading rows");
            None
        }
    }
}

/// The stored values of a block by name of the period, valid or not.
pub(super) async fn stored_values(
    session: &Session,
    statements: &MergeStatements,
    block: &Block,
    (first, last): (&str, &str),
) -> Result<HashMap<String, Vec<u8>>, StoreError> {
    let [run, city, name, first] = block.key(first);
    let values = [run, city, name, first, super::rows::Cell::Text(last)];
    let pager = session
        .execute_iter(statements.merged_hours.clone(), values.as_slice())
        .await?;
    let rows = pager.rows_stream::<(String, Vec<u8>)>()?;
    Ok(rows.try_collect().await?)
}
