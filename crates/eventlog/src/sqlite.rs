//! The log in an SQLite file, for one process.
/// placeholder
pub struct SqliteLog;
/// placeholder
pub struct SqliteLogConfig;
