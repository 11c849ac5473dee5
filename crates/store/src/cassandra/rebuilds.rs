//! The rebuilds of runs, which restore lost rows without raising fold offsets.
//!
//! Hours that were merged while rows were missing must not outlive the rebuild: merged hours
//! carry the number of rebuilds, and are neither read nor written during one.

use moodvane_model::RunId;
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;

use super::Inner;
use super::rows::Cell;
use super::runs::StoredRun;
use crate::StoreError;

/// How often a run began or finished a rebuild: even where the last one is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RebuildNumber(pub(super) u64);

impl RebuildNumber {
    pub(super) fn is_complete(self) -> bool {
        self.0.is_multiple_of(2)
    }
}

pub(super) async fn read(
    session: &Session,
    statement: &PreparedStatement,
    run: &StoredRun,
) -> Result<RebuildNumber, StoreError> {
    let found = session.execute_unpaged(statement, (run.as_str(),)).await?;
    let found = found.into_rows_result()?.maybe_first_row::<(i64,)>()?;
    Ok(RebuildNumber(
        found.map_or(0, |(number,)| number.cast_unsigned()),
    ))
}

impl Inner {
    /// Records that a rebuild begins or that it is complete. Idempotent.
    pub(super) async fn set_rebuild_complete(
        &self,
        run: &RunId,
        complete: bool,
    ) -> Result<(), StoreError> {
        let run = self.require_run(run).await?;
        let merge = &self.statements.merge;
        let number = read(&self.session, &merge.settled_rebuild, &run).await?;
        if number.is_complete() == complete {
            return Ok(());
        }
        let next = Cell::Number(number.0.cast_signed() + 1);
        let values = [Cell::Text(run.as_str()), next, next];
        self.session
            .execute_unpaged(&merge.put_rebuild, values.as_slice())
            .await?;
        Ok(())
    }
}
