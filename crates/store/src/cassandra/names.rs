//! A cache of the stored names of runs.
//!
//! A process keeps a name that it read: where another process deletes a run that this one still folds,
//! its rows go to the deleted name and stay invisible.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use moodvane_model::RunId;

use super::runs::{RegisteredRun, StoredRun};

#[derive(Default)]
pub(super) struct StoredNames(Mutex<HashMap<RunId, StoredRun>>);

impl StoredNames {
    /// Ignores poisoning: each change is one call.
    fn map(&self) -> MutexGuard<'_, HashMap<RunId, StoredRun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, run: &RunId) -> Option<StoredRun> {
        self.map().get(run).cloned()
    }

    pub(super) fn insert_all(&self, runs: Vec<RegisteredRun<'_>>) {
        let names = runs.into_iter().map(|r| (r.run.clone(), r.stored));
        self.map().extend(names);
    }

    pub(super) fn remove(&self, run: &RunId) {
        self.map().remove(run);
    }
}
