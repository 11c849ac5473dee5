//! Merges the rows of closed periods, in the background, when a reader had to read them.
//!
//! A period is *closed* when the log has moved on past the time in which late posts arrive, and
//! *settled* when every partition of the log has progress above its fold offset: then no write below
//! that offset changes a row. A settled period has one content, so several servers may merge it.
//!
//! Guarantee: every value that is stored equals the rows at its fold offsets. To that end a merge reads
//! every replica, so nothing is merged while a node is down, and rejects rows above their fold offset:
//! those that changed meanwhile, and those of version 0.1.0. A value whose fold offsets or rebuild
//! number change before it is stored is not valid.

use std::collections::HashMap;
use std::sync::Weak;

use futures::TryStreamExt;
use moodvane_model::{CityId, HourRow, HourSlot, Offset};
use scylla::deserialize::row::{ColumnIterator, DeserializeRow};
use scylla::deserialize::{DeserializationError, TypeCheckError};
use scylla::frame::response::result::ColumnSpec;
use scylla::value::CqlTimestamp;
use tokio::sync::mpsc;

use super::Inner;
use super::fold_offsets::{self, Block, FoldOffsets, LogPartition};
use super::merged::{MergeRequest, MergedAt, stored_values};
use super::periods::Period;
use super::rebuilds;
use super::rows::{self, Cell, HourPart, SUMS_COUNT};
use super::runs::StoredRun;
use crate::StoreError;

/// A post may be created 24 hours before it is received.
const LATE_HOURS: i32 = 25;
/// A larger value is not stored. A month of ten sources has some 500 KB.
const MAX_BYTES: usize = 1 << 20;
/// Waiting requests. Further ones are dropped: the next reader makes them again.
const MAX_WAITING: usize = 128;

/// Where readers leave the periods that are to be merged.
pub(super) struct MergeQueue(mpsc::Sender<MergeRequest>);

impl MergeQueue {
    pub(super) fn new() -> (Self, mpsc::Receiver<MergeRequest>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        (Self(sender), receiver)
    }

    pub(super) fn push(&self, requests: Vec<MergeRequest>) {
        for request in requests {
            if let Err(error) = self.0.try_send(request) {
                tracing::debug!(%error, "merge of hours postponed");
            }
        }
    }
}

/// Merges until the store is dropped.
pub(super) async fn run(inner: Weak<Inner>, mut requests: mpsc::Receiver<MergeRequest>) {
    while let Some(request) = requests.recv().await {
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = inner.merge(&request).await {
            let error: &dyn std::error::Error = &error;
            tracing::info!(error, city = %request.city, "cannot merge hours, they are read from their rows");
        }
    }
}

/// The progress of all partitions of the log.
#[derive(Default)]
struct LogProgress {
    next: HashMap<LogPartition, Offset>,
    /// The hour in which the latest folded record was written.
    latest: Option<HourSlot>,
}

impl LogProgress {
    fn is_past(&self, period: Period) -> bool {
        let last = period.range().end().checked_add(LATE_HOURS);
        self.latest
            .zip(last)
            .is_some_and(|(latest, last)| latest > last)
    }

    fn covers(&self, offsets: &FoldOffsets) -> bool {
        offsets
            .iter()
            .all(|(at, through)| self.next.get(&at).is_some_and(|next| *next > through))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MergeOutcome {
    Merged,
    WasMerged,
    /// Rows are missing, may change, are above their fold offset, or are too many.
    NotSettled,
}

impl Inner {
    /// Merges the periods of a request that are closed and settled. Returns how many were stored.
    pub(super) async fn merge(&self, request: &MergeRequest) -> Result<usize, StoreError> {
        let progress = self.log_progress(&request.run).await?;
        let (mut merged, mut months) = (0, Vec::new());
        for period in &request.periods {
            let in_merged_month = months.contains(&period.month());
            if in_merged_month || !progress.is_past(*period) {
                continue;
            }
            let outcome = self.merge_period(request, *period, &progress).await?;
            merged += usize::from(outcome == MergeOutcome::Merged);
            if let (Period::Month(month), true) = (period, outcome != MergeOutcome::NotSettled) {
                months.push(*month);
            }
        }
        Ok(merged)
    }

    async fn log_progress(&self, run: &StoredRun) -> Result<LogProgress, StoreError> {
        type Columns<'a> = (&'a str, i64, i64, i64, Option<CqlTimestamp>);
        let statement = &self.statements.merge.settled_progress;
        let values = (run.as_str(),);
        let found = self.session.execute_unpaged(statement, values).await?;
        let found = found.into_rows_result()?;
        let mut progress = LogProgress::default();
        for row in found.rows::<Columns<'_>>()? {
            let (topic, incarnation, partition, next, written_at) = row?;
            let at = LogPartition::parse(topic, incarnation, partition)?;
            progress.next.insert(at, Offset(next.cast_unsigned()));
            if let Some(written_at) = written_at {
                let hour = HourSlot::containing(rows::timestamp(written_at)?);
                progress.latest = progress.latest.max(Some(hour));
            }
        }
        Ok(progress)
    }

    async fn merge_period(
        &self,
        request: &MergeRequest,
        period: Period,
        progress: &LogProgress,
    ) -> Result<MergeOutcome, StoreError> {
        let block = Block::of(&request.run, request.city, period);
        let name = period.name();
        let merged_at = self.merged_at(&block, &name).await?;
        let is_settled = merged_at.rebuild.is_complete()
            && !merged_at.offsets.is_empty()
            && progress.covers(&merged_at.offsets);
        if !is_settled {
            return Ok(MergeOutcome::NotSettled);
        }
        if self.is_merged(&block, &name, &merged_at).await? {
            return Ok(MergeOutcome::WasMerged);
        }
        let Some(hours) = self.merge_rows(request, period, &merged_at.offsets).await? else {
            return Ok(MergeOutcome::NotSettled);
        };
        let bytes = merged_at.encode(&hours);
        let (city, size_bytes) = (request.city, bytes.len());
        if size_bytes > MAX_BYTES {
            tracing::warn!(%city, period = name, size_bytes, limit = MAX_BYTES, "merged hours are too large to keep");
            return Ok(MergeOutcome::NotSettled);
        }
        let mut values = block.key(&name).to_vec();
        values.push(Cell::Bytes(&bytes));
        let statement = &self.statements.merge.put_merged_hours;
        self.session.execute_unpaged(statement, values).await?;
        tracing::debug!(%city, period = name, size_bytes, "hours merged");
        Ok(MergeOutcome::Merged)
    }

    /// What a merge depends on now.
    async fn merged_at(&self, block: &Block, name: &str) -> Result<MergedAt, StoreError> {
        let (session, merge) = (&self.session, &self.statements.merge);
        let offsets = &merge.settled_fold_offsets;
        let mut offsets = fold_offsets::read(session, offsets, block, (name, name)).await?;
        Ok(MergedAt {
            rebuild: rebuilds::read(session, &merge.settled_rebuild, &block.run).await?,
            offsets: offsets.remove(name).unwrap_or_default(),
        })
    }

    async fn is_merged(
        &self,
        block: &Block,
        name: &str,
        now: &MergedAt,
    ) -> Result<bool, StoreError> {
        let (session, merge) = (&self.session, &self.statements.merge);
        let stored = stored_values(session, merge, block, (name, name)).await?;
        let stored = stored.get(name).and_then(|bytes| MergedAt::split(bytes));
        Ok(stored.is_some_and(|(at, _)| at == *now))
    }

    /// The hours of all replicas' rows; `None` where a row is above its fold offset.
    async fn merge_rows(
        &self,
        request: &MergeRequest,
        period: Period,
        offsets: &FoldOffsets,
    ) -> Result<Option<Vec<HourRow>>, StoreError> {
        let MergeRequest { run, city, .. } = request;
        let (month, range) = (period.month().to_string(), period.range());
        let (begin, end) = (range.begin().to_string(), range.end().to_string());
        let values = [run.as_str(), city.as_str(), &month, &begin, &end].map(Cell::Text);
        let statement = self.statements.merge.settled_rows.clone();
        let pager = self.session.execute_iter(statement, values.as_slice());
        let mut rows = pager.await?.rows_stream::<RowToMerge>()?;
        let mut hours = Vec::new();
        while let Some(row) = rows.try_next().await? {
            if offsets
                .get(row.at)
                .is_none_or(|through| through < row.through_offset)
            {
                return Ok(None);
            }
            add_part(&mut hours, *city, &row.part);
        }
        Ok(Some(hours))
    }
}

/// Adds a row to its hour; the rows are in order of the hours.
fn add_part(hours: &mut Vec<HourRow>, city: CityId, part: &HourPart<SUMS_COUNT>) {
    if hours.last().is_none_or(|last| last.hour != part.hour) {
        hours.push(HourRow::empty(city, part.hour));
    }
    if let Some(last) = hours.last_mut() {
        last.add(part.source, &part.sums());
    }
}

/// A partial row: columns `topic, incarnation, partition, through_offset`, then those of [`HourPart`].
struct RowToMerge {
    at: LogPartition,
    through_offset: Offset,
    part: HourPart<SUMS_COUNT>,
}

impl<'f, 'm> DeserializeRow<'f, 'm> for RowToMerge {
    fn type_check(specs: &[ColumnSpec]) -> Result<(), TypeCheckError> {
        let before = rows::before_sums(specs, 7, SUMS_COUNT)?;
        rows::check::<&str>(&before[..1])?;
        rows::check::<i64>(&before[1..4])?;
        HourPart::<SUMS_COUNT>::type_check(&specs[4..])
    }

    fn deserialize(mut row: ColumnIterator<'f, 'm>) -> Result<Self, DeserializationError> {
        let topic: &str = rows::next(&mut row)?;
        let (incarnation, partition) = (rows::next(&mut row)?, rows::next(&mut row)?);
        let at = LogPartition::parse(topic, incarnation, partition);
        Ok(Self {
            at: at.map_err(DeserializationError::new)?,
            through_offset: Offset(rows::next::<i64>(&mut row)?.cast_unsigned()),
            part: HourPart::deserialize(row)?,
        })
    }
}
