//! The rows of a run that was deleted: partition by partition, each hidden for good.
//!
//! The write timestamp of these deletions is above all others. That is safe only because the name
//! under which the rows lie is never used again; see [`StoredRun`].

use futures::TryStreamExt;
use scylla::client::session::Session;

use super::rows::Cell;
use super::runs::StoredRun;
use super::statements::Statements;
use crate::StoreError;

/// Above the write timestamp of any row, late writes included.
const ABOVE_ALL: i64 = i64::MAX;

/// Hides every row of the run. Can be repeated, and taken up again where it failed.
pub(super) async fn rows_of(
    session: &Session,
    statements: &Statements,
    run: &StoredRun,
) -> Result<(), StoreError> {
    let timestamp = Cell::Number(ABOVE_ALL);
    // Every partition of every run is looked at: runs are deleted rarely.
    let pager = session
        .execute_iter(statements.partitions.clone(), ())
        .await?;
    let mut partitions = pager.rows_stream::<(String, String, String)>()?;
    while let Some((of, city, month)) = partitions.try_next().await? {
        if of == run.as_str() {
            let place = [Cell::Text(&of), Cell::Text(&city), Cell::Text(&month)];
            let values = [timestamp, place[0], place[1], place[2]];
            session
                .execute_unpaged(&statements.delete_partials, values.as_slice())
                .await?;
        }
    }
    for statement in [&statements.delete_gaps, &statements.delete_progress] {
        let values = [timestamp, Cell::Text(run.as_str())];
        session
            .execute_unpaged(statement, values.as_slice())
            .await?;
    }
    Ok(())
}
