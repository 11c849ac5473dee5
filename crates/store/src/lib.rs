//! The store: partial hours and progress in, hour rows out.
//!
//! Terms: a *partial hour* is what one partition and one source contributed to an hour; *progress*
//! says up to where a partition is in the rows; a *run* is the identity of a fold, and the run
//! that *serves* an hour is the one whose rows answer for it.
//!
//! Guarantee: rows are written whole, and of two versions of a row the one with the higher offset
//! wins, whichever arrives later (I2). Every write can be repeated without effect. Nothing is ever
//! incremented.
//!
//! This crate knows nothing of records, topics' contents, scoring or HTTP.

mod cassandra;
mod error;
mod serving;
mod sqlite;

use async_trait::async_trait;
use moodvane_model::{
    CityId, HourRange, HourRow, HourSlot, Offset, PartialHour, PartialKey, Progress, ProgressKey,
    RunId, Timestamp, Variable,
};

pub use cassandra::{
    CassandraConfig, CassandraConfigError, CassandraStore, Consistency, ContactPoint, Credentials,
    HoursConsistency, Keyspace, Secret, TlsRoots,
};
pub use error::StoreError;
pub use sqlite::SqliteStore;

/// A run as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    /// Its name.
    pub id: RunId,
    /// The first hour that it answers for; `None` while it only folds.
    pub serves_from: Option<HourSlot>,
}

/// Records that retention removed before they were folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The partition.
    pub key: ProgressKey,
    /// The first offset that is missing.
    pub from: Offset,
    /// The first offset that is there again.
    pub to: Offset,
    /// When the last record before the gap was written, where that is known.
    pub after: Option<Timestamp>,
    /// When the gap was found.
    pub found_at: Timestamp,
}

/// Keeps the rows.
#[async_trait]
pub trait Store: Send + Sync {
    /// Makes a run known. The first run of a store serves from the first hour on; a later one
    /// serves nothing before [`Store::switch_run`].
    async fn register_run(&self, run: &RunId) -> Result<(), StoreError>;

    /// All runs, in the order in which they were registered.
    async fn runs(&self) -> Result<Vec<RunInfo>, StoreError>;

    /// Lets `run` answer from hour `from` on; earlier hours stay with the run before.
    async fn switch_run(&self, run: &RunId, from: HourSlot) -> Result<(), StoreError>;

    /// Forgets a run and deletes all its rows. A run that answers for any hour is refused. Where it
    /// fails in the middle, the run is forgotten already; asked again, the rest is deleted. A run
    /// that is registered again begins anew.
    async fn delete_run(&self, run: &RunId) -> Result<(), StoreError>;

    /// The partial hours of these keys, where there are any, in no order.
    async fn partials(&self, keys: Vec<PartialKey>) -> Result<Vec<PartialHour>, StoreError>;

    /// Writes partial hours whole. A row that is there with a higher or equal offset stays.
    async fn put_partials(&self, rows: Vec<PartialHour>) -> Result<(), StoreError>;

    /// How far a partition is.
    async fn progress(&self, key: &ProgressKey) -> Result<Option<Progress>, StoreError>;

    /// Writes progress of a registered run. A row that is there with a higher or equal offset stays.
    async fn put_progress(&self, rows: Vec<Progress>) -> Result<(), StoreError>;

    /// Remembers records that were lost before they were folded.
    async fn put_gap(&self, gap: Gap) -> Result<(), StoreError>;

    /// All gaps of a run.
    async fn gaps(&self, run: &RunId) -> Result<Vec<Gap>, StoreError>;

    /// The hours of a city that have anything, in order, each by the run that serves it.
    async fn hours(&self, city: CityId, range: HourRange) -> Result<Vec<HourRow>, StoreError>;

    /// The same hours, each with its posts and at least this one weather variable. A store may read
    /// less for it; what else of the weather is in the rows must not be relied on.
    async fn hours_with_variable(
        &self,
        city: CityId,
        range: HourRange,
        variable: Variable,
    ) -> Result<Vec<HourRow>, StoreError> {
        let _ = variable;
        self.hours(city, range).await
    }

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}
