//! The store: writes partial hours and progress, reads hour rows.
//!
//! # From concept to type
//!
//! | concept | type |
//! | --- | --- |
//! | The **store** of partial hours, progress, gaps and runs | [`Store`] |
//! | The store in Cassandra, for many processes | [`CassandraStore`], [`CassandraConfig`] |
//! | The store in an SQLite file, for one process | [`SqliteStore`] |
//! | A **fold run**, and the first hour that it serves | [`RunInfo`] |
//! | A **gap**: records that retention deleted before they were folded | [`Gap`] |
//! | A failed operation | [`StoreError`] |
//!
//! A **partial hour** is the contribution of one partition and one source to an hour. **Progress** is
//! the offset below which all records of a partition are in the rows. The run that **serves** an hour
//! is the one whose rows readers get.
//!
//! # Guarantees
//!
//! - A row is written as a whole. Of two versions the one with the higher offset wins, in any order
//!   of arrival (I2).
//! - Every write is idempotent. Nothing is incremented.
//!
//! # Must not know
//!
//! This crate does not know records, the content of topics, scoring or HTTP.

mod cassandra;
mod error;
mod merged_hours;
mod post_values;
mod serving;
mod sqlite;
mod varint;

use async_trait::async_trait;
use moodvane_model::{
    Calibration, CityId, HourRange, HourRow, HourSlot, Offset, PartialHour, PartialKey, Progress,
    ProgressKey, RunId, Timestamp, Variable,
};

pub use cassandra::{
    CassandraConfig, CassandraConfigError, CassandraStore, Consistency, ContactPoint, Credentials,
    HoursConsistency, Keyspace, Secret, TlsRoots,
};
pub use error::StoreError;
pub use sqlite::SqliteStore;

/// A registered run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    /// Its name.
    pub id: RunId,
    /// The first hour that the run serves; `None` while it only folds.
    pub serves_from: Option<HourSlot>,
}

/// Records that retention deleted before they were folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The partition.
    pub key: ProgressKey,
    /// The first missing offset.
    pub from: Offset,
    /// The first offset after the gap.
    pub to: Offset,
    /// When the last record before the gap was written, if known.
    pub after: Option<Timestamp>,
    /// When the gap was detected.
    pub found_at: Timestamp,
}

/// Stores partial hours, progress, gaps and runs.
#[async_trait]
pub trait Store: Send + Sync {
    /// Registers a run. The first run of a store serves all hours; a later one serves none before
    /// [`Store::switch_run`].
    async fn register_run(&self, run: &RunId) -> Result<(), StoreError>;

    /// Stores the calibration of a registered run's scorer, which the hours of the run carry. A run
    /// always has the same one, so storing it again has no effect.
    async fn put_calibration(
        &self,
        run: &RunId,
        calibration: &Calibration,
    ) -> Result<(), StoreError>;

    /// All runs, in the order in which they were registered.
    async fn runs(&self) -> Result<Vec<RunInfo>, StoreError>;

    /// Makes `run` serve the hours from `from` on; earlier hours stay with the previous run.
    async fn switch_run(&self, run: &RunId, from: HourSlot) -> Result<(), StoreError>;

    /// Unregisters a run and deletes all its rows. Rejects a run that serves an hour. After a failure
    /// the run may be unregistered already; a retry deletes the remaining rows. A run that is
    /// registered again starts without rows.
    async fn delete_run(&self, run: &RunId) -> Result<(), StoreError>;

    /// The existing partial hours of these keys, in no order.
    async fn partials(&self, keys: Vec<PartialKey>) -> Result<Vec<PartialHour>, StoreError>;

    /// Writes partial hours as a whole. An existing row with a higher or equal offset stays.
    async fn put_partials(&self, rows: Vec<PartialHour>) -> Result<(), StoreError>;

    /// The progress of a partition.
    async fn progress(&self, key: &ProgressKey) -> Result<Option<Progress>, StoreError>;

    /// Writes progress of a registered run. An existing row with a higher or equal offset stays.
    async fn put_progress(&self, rows: Vec<Progress>) -> Result<(), StoreError>;

    /// Announces that a rebuild of a registered run begins, which restores lost rows: until
    /// [`Store::finish_rebuild`] readers use nothing that was derived from the rows. A store that derives
    /// nothing ignores it.
    async fn begin_rebuild(&self, run: &RunId) -> Result<(), StoreError> {
        let _ = run;
        Ok(())
    }

    /// Announces that a rebuild is complete. After an interrupted one the next rebuild does so.
    async fn finish_rebuild(&self, run: &RunId) -> Result<(), StoreError> {
        let _ = run;
        Ok(())
    }

    /// Stores a gap.
    async fn put_gap(&self, gap: Gap) -> Result<(), StoreError>;

    /// All gaps of a run.
    async fn gaps(&self, run: &RunId) -> Result<Vec<Gap>, StoreError>;

    /// The hours of a city that have rows, in order, each from the run that serves it.
    async fn hours(&self, city: CityId, range: HourRange) -> Result<Vec<HourRow>, StoreError>;

    /// The same hours with their posts and at least this weather variable. A store may read less data
    /// for it; whether the rows have other weather variables is unspecified.
    async fn hours_with_variable(
        &self,
        city: CityId,
        range: HourRange,
        variable: Variable,
    ) -> Result<Vec<HourRow>, StoreError> {
        let _ = variable;
        self.hours(city, range).await
    }

    /// Checks that the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}
