//! The store in an SQLite file, for one process.
/// placeholder
pub struct SqliteStore;
