//! What can go wrong with the store.

use moodvane_model::HourSlot;
use thiserror::Error;

/// Why the store could not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store cannot be reached or does not answer now; asking again later may help.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// The store turns us away: the login or a certificate is wrong. Waiting does not mend it.
    #[error("the store refuses us: {0}")]
    Refused(String),
    /// The store's own data is not as it was written.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The store was made by another version.
    #[error("the store has schema version {found}, this program knows {known}")]
    Schema {
        /// The version found.
        found: i64,
        /// The version that this program knows.
        known: i64,
    },
    /// No run of this name is registered.
    #[error("no run is called {0}")]
    UnknownRun(String),
    /// A run that answers cannot be deleted.
    #[error("run {run} answers for hours from {from} on; let another run answer for them first")]
    Answers {
        /// The run.
        run: String,
        /// The first hour that it answers for.
        from: HourSlot,
    },
}
