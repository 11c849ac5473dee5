//! The error of the store.
//!
//! Convention: `Display` says what failed and does not repeat the cause. The cause is the error's
//! `source`. `{:#}` prints both, and so does any caller that walks the chain.

use moodvane_model::{ContextError, HourSlot};
use thiserror::Error;

/// Why an operation of the store failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store is unreachable or does not answer in time. A retry may succeed.
    #[error(transparent)]
    Unavailable(ContextError),
    /// The store rejects this client: the login or a certificate is wrong. A retry does not help.
    #[error(transparent)]
    Rejected(ContextError),
    /// Data of the store does not have the expected form.
    #[error(transparent)]
    Corrupt(ContextError),
    /// Another version of this program created the store.
    #[error("store has schema version {found}, this program supports {supported}")]
    Schema {
        /// The version found.
        found: i64,
        /// The version that this program supports.
        supported: i64,
    },
    /// No run of this name is registered.
    #[error("no run is called {0}")]
    UnknownRun(String),
    /// A run that serves hours cannot be deleted.
    #[error("run {run} serves hours from {from} on; switch these hours to another run first")]
    RunServing {
        /// The run.
        run: String,
        /// The first hour that it serves.
        from: HourSlot,
    },
}
