//! Progress and gaps: one partition per run, a row per partition of the log.

use moodvane_model::{
    Anchor, ContextError, Incarnation, Offset, Partition, Progress, ProgressKey, RunId, Topic,
};
use scylla::value::CqlTimestamp;

use super::Inner;
use super::rows::{self, Cell};
use super::runs::StoredRun;
use crate::{Gap, StoreError};

type GapColumns<'a> = (
    &'a str,
    i64,
    i64,
    i64,
    i64,
    Option<CqlTimestamp>,
    CqlTimestamp,
);

impl Inner {
    /// The write timestamp is the offset plus one, so that progress never moves back.
    pub(super) async fn put_progress(&self, row: Progress) -> Result<(), StoreError> {
        let run = self.require_run(&row.key.run).await?;
        let [run, topic, incarnation, partition] = key_cells(&run, &row.key);
        let values = [
            run,
            topic,
            incarnation,
            partition,
            Cell::Number(rows::offset(row.next)?),
            row.anchor.map_or(Ok(Cell::Null), anchor_offset)?,
            row.anchor
                .map_or(Cell::Null, |a| Cell::Timestamp(a.written_at)),
            row.anchor
                .map_or(Cell::Null, |a| Cell::Number(a.key_hash.cast_signed())),
            Cell::Number(rows::write_timestamp(row.next)?),
        ];
        self.session
            .execute_unpaged(&self.statements.put_progress, values.as_slice())
            .await?;
        Ok(())
    }

    pub(super) async fn progress(&self, key: &ProgressKey) -> Result<Option<Progress>, StoreError> {
        let Some(run) = self.stored_run(&key.run).await? else {
            return Ok(None);
        };
        let found = self
            .session
            .execute_unpaged(&self.statements.progress, key_cells(&run, key).as_slice())
            .await?
            .into_rows_result()?;
        let row =
            found.maybe_first_row::<(i64, Option<i64>, Option<CqlTimestamp>, Option<i64>)>()?;
        let Some((next, offset, written_at, key_hash)) = row else {
            return Ok(None);
        };
        Ok(Some(Progress {
            key: key.clone(),
            next: Offset(next.cast_unsigned()),
            anchor: rows::anchor((offset, written_at, key_hash))?,
        }))
    }

    /// Of two gaps with the same first offset the longer one stays.
    pub(super) async fn put_gap(&self, gap: &Gap) -> Result<(), StoreError> {
        let run = self.require_run(&gap.key.run).await?;
        let [run, topic, incarnation, partition] = key_cells(&run, &gap.key);
        let values = [
            run,
            topic,
            incarnation,
            partition,
            Cell::Number(rows::offset(gap.from)?),
            Cell::Number(rows::offset(gap.to)?),
            gap.after.map_or(Cell::Null, Cell::Timestamp),
            Cell::Timestamp(gap.found_at),
            Cell::Number(rows::write_timestamp(gap.to)?),
        ];
        self.session
            .execute_unpaged(&self.statements.put_gap, values.as_slice())
            .await?;
        Ok(())
    }

    pub(super) async fn gaps(&self, run: &RunId) -> Result<Vec<Gap>, StoreError> {
        let Some(stored) = self.stored_run(run).await? else {
            return Ok(Vec::new());
        };
        let found = self
            .session
            .execute_unpaged(&self.statements.gaps, (stored.as_str(),))
            .await?
            .into_rows_result()?;
        found
            .rows::<GapColumns<'_>>()?
            .map(|row| gap(run, row?))
            .collect()
    }
}

fn key_cells<'a>(run: &'a StoredRun, key: &ProgressKey) -> [Cell<'a>; 4] {
    [
        Cell::Text(run.as_str()),
        Cell::Text(key.topic.name()),
        Cell::Number(i64::from(key.incarnation.0)),
        Cell::Number(i64::from(key.partition.0)),
    ]
}

fn anchor_offset(anchor: Anchor) -> Result<Cell<'static>, StoreError> {
    rows::offset(anchor.offset).map(Cell::Number)
}

fn gap(run: &RunId, columns: GapColumns<'_>) -> Result<Gap, StoreError> {
    fn corrupt(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::Corrupt(ContextError::caused_by("invalid value in table gap", error))
    }
    let (topic, incarnation, partition, from, to, after, found_at) = columns;
    Ok(Gap {
        key: ProgressKey {
            run: run.clone(),
            topic: topic.parse::<Topic>().map_err(corrupt)?,
            incarnation: Incarnation(incarnation.try_into().map_err(corrupt)?),
            partition: Partition(partition.try_into().map_err(corrupt)?),
        },
        from: Offset(from.cast_unsigned()),
        to: Offset(to.cast_unsigned()),
        after: after.map(rows::timestamp).transpose()?,
        found_at: rows::timestamp(found_at)?,
    })
}
