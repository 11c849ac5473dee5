//! Tables and connections of the store in SQLite.

use std::path::Path;
use std::time::Duration;

use moodvane_model::ContextError;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::StoreError;

/// The version that this program supports.
const VERSION: i64 = 1 + MIGRATIONS.len() as i64;
/// Another process holds the write lock only briefly.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The steps from version 1 on, each to the next version. A migration only adds.
const MIGRATIONS: [&str; 1] = ["
    ALTER TABLE partial_hour ADD COLUMN post_values BLOB;
    ALTER TABLE run ADD COLUMN calibration TEXT;
"];

/// The tables of version 1.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS store_schema (version INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS run (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        serves_from INTEGER, switched INTEGER);
    CREATE TABLE IF NOT EXISTS partial_hour (
        run INTEGER NOT NULL, city TEXT NOT NULL, hour INTEGER NOT NULL, topic TEXT NOT NULL,
        incarnation INTEGER NOT NULL, partition INTEGER NOT NULL, source TEXT NOT NULL,
        through_offset INTEGER NOT NULL, minutes INTEGER NOT NULL,
        class0 INTEGER, class1 INTEGER, class2 INTEGER, class3 INTEGER, class4 INTEGER,
        score_micros INTEGER, unscored INTEGER,
        temperature_n INTEGER, temperature_sum INTEGER, temperature_min INTEGER, temperature_max INTEGER,
        humidity_n INTEGER, humidity_sum INTEGER, humidity_min INTEGER, humidity_max INTEGER,
        precipitation_n INTEGER, precipitation_sum INTEGER, precipitation_min INTEGER, precipitation_max INTEGER,
        wind_n INTEGER, wind_sum INTEGER, wind_min INTEGER, wind_max INTEGER,
        cloud_n INTEGER, cloud_sum INTEGER, cloud_min INTEGER, cloud_max INTEGER,
        pressure_n INTEGER, pressure_sum INTEGER, pressure_min INTEGER, pressure_max INTEGER,
        PRIMARY KEY (run, city, hour, topic, incarnation, partition, source)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS progress (
        run TEXT NOT NULL, topic TEXT NOT NULL, incarnation INTEGER NOT NULL,
        partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
        anchor_offset INTEGER, anchor_written_at_ms INTEGER, anchor_key_hash INTEGER,
        PRIMARY KEY (run, topic, incarnation, partition)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS gap (
        run TEXT NOT NULL, topic TEXT NOT NULL, incarnation INTEGER NOT NULL,
        partition INTEGER NOT NULL, from_offset INTEGER NOT NULL, to_offset INTEGER NOT NULL,
        after_ms INTEGER, found_at_ms INTEGER NOT NULL,
        PRIMARY KEY (run, topic, incarnation, partition, from_offset)) WITHOUT ROWID;
";

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => {
                Self::Corrupt(ContextError::caused_by("sqlite store is corrupt", error))
            }
            _ => Self::Unavailable(ContextError::caused_by("sqlite store failed", error)),
        }
    }
}

/// A connection to the store's file, which is created if missing.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(|e| {
        let message = format!("cannot open sqlite store {}", path.display());
        StoreError::Unavailable(ContextError::caused_by(message, e))
    })?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Begins a transaction that holds the write lock from its start: one that begins with a read cannot
/// wait for the lock later.
pub(super) fn begin_write(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// Creates missing tables and adds missing columns.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = begin_write(connection)?;
    transaction.execute_batch(TABLES)?;
    let found: Option<i64> =
        transaction.query_row("SELECT MAX(version) FROM store_schema", [], |row| {
            row.get(0)
        })?;
    let done = match found {
        None => 0,
        Some(found @ 1..=VERSION) => usize::try_from(found - 1).unwrap_or_default(),
        Some(found) => {
            return Err(StoreError::Schema {
                found,
                supported: VERSION,
            });
        }
    };
    for migration in &MIGRATIONS[done..] {
        transaction.execute_batch(migration)?;
    }
    if found != Some(VERSION) {
        transaction.execute("INSERT INTO store_schema (version) VALUES (?1)", [VERSION])?;
    }
    Ok(transaction.commit()?)
}
