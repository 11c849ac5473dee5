//! Under which names the rows of runs lie, as far as the journal was read.
//!
//! A process that learnt a name keeps it: where a run is deleted while it still folds it, what it
//! writes lies under the old name and stays hidden.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use moodvane_model::RunId;

use super::runs::{Known, StoredRun};

#[derive(Default)]
pub(super) struct Names(Mutex<HashMap<RunId, StoredRun>>);

impl Names {
    /// A panic while the lock is held leaves nothing half done: each change is one call.
    fn map(&self) -> MutexGuard<'_, HashMap<RunId, StoredRun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, run: &RunId) -> Option<StoredRun> {
        self.map().get(run).cloned()
    }

    pub(super) fn learn(&self, known: Vec<Known<'_>>) {
        let names = known.into_iter().map(|k| (k.run.clone(), k.stored));
        self.map().extend(names);
    }

    pub(super) fn forget(&self, run: &RunId) {
        self.map().remove(run);
    }
}
