//! The calibrations of the scorers of runs, by stored name.
//!
//! A calibration never changes, so a process keeps each that it read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moodvane_model::{Calibration, ContextError};
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;

use super::runs::StoredRun;
use crate::StoreError;

/// The calibrations that this process read.
#[derive(Default)]
pub(super) struct Calibrations(Mutex<HashMap<StoredRun, Arc<Calibration>>>);

impl Calibrations {
    /// Ignores poisoning: each change is one call.
    fn map(&self) -> MutexGuard<'_, HashMap<StoredRun, Arc<Calibration>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calibration of a run; `None` where it has none.
    pub(super) async fn get(
        &self,
        session: &Session,
        statement: &PreparedStatement,
        run: &StoredRun,
    ) -> Result<Option<Arc<Calibration>>, StoreError> {
        if let Some(known) = self.map().get(run) {
            return Ok(Some(Arc::clone(known)));
        }
        let found = session.execute_unpaged(statement, (run.as_str(),)).await?;
        let found = found.into_rows_result()?;
        let Some((text,)) = found.maybe_first_row::<(String,)>()? else {
            return Ok(None);
        };
        let calibration: Calibration = text.parse().map_err(|e| {
            StoreError::Corrupt(ContextError::caused_by("invalid calibration of a run", e))
        })?;
        let calibration = Arc::new(calibration);
        self.map().insert(run.clone(), Arc::clone(&calibration));
        Ok(Some(calibration))
    }
}

/// Stores the calibration of a run.
pub(super) async fn put(
    session: &Session,
    statement: &PreparedStatement,
    run: &StoredRun,
    calibration: &Calibration,
) -> Result<(), StoreError> {
    let values = (run.as_str(), calibration.to_string());
    session.execute_unpaged(statement, values).await?;
    Ok(())
}
