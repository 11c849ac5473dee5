//! Deletes the rows of a deleted run, partition by partition.
//!
//! The write timestamp of these deletions is above all others. That is safe only because the stored
//! name is never used again; see [`StoredRun`].

use futures::TryStreamExt;
use scylla::client::session::Session;

use super::rows::Cell;
use super::runs::StoredRun;
use super::statements::Statements;
use crate::StoreError;

/// Above the write timestamp of every row, delayed writes included.
const MAX_TIMESTAMP: i64 = i64::MAX;

/// Deletes every row of the run. Idempotent: a retry continues after a failure.
pub(super) async fn delete_rows(
    session: &Session,
    statements: &Statements,
    run: &StoredRun,
) -> Result<(), StoreError> {
    let timestamp = Cell::Number(MAX_TIMESTAMP);
    // This lists the partitions of all runs: deletions are rare.
    let pager = session
        .execute_iter(statements.partitions.clone(), ())
        .await?;
    let mut partitions = pager.rows_stream::<(String, String, String)>()?;
    while let Some((owner, city, month)) = partitions.try_next().await? {
        if owner == run.as_str() {
            let merge = &statements.merge;
            let year = month.get(..4).unwrap_or_default();
            // The rows last: as long as there are some, a retry finds this partition.
            let deletions = [
                (&merge.delete_merged_hours, year),
                (&merge.delete_merged_hours, &month),
                (&merge.delete_fold_offsets, year),
                (&merge.delete_fold_offsets, &month),
                (&statements.delete_partials, &month),
            ];
            for (statement, block) in deletions {
                let key = [&owner, &city, block].map(Cell::Text);
                let values = [timestamp, key[0], key[1], key[2]];
                session
                    .execute_unpaged(statement, values.as_slice())
                    .await?;
            }
        }
    }
    let by_run = [
        &statements.delete_gaps,
        &statements.delete_progress,
        &statements.delete_calibration,
        &statements.merge.delete_rebuild,
    ];
    for statement in by_run {
        let values = [timestamp, Cell::Text(run.as_str())];
        session
            .execute_unpaged(statement, values.as_slice())
            .await?;
    }
    Ok(())
}
