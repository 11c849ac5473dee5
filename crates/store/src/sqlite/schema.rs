//! Tables and connections of the store in SQLite.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::StoreError;

const VERSION: i64 = 1;
/// Another process may hold the file for a moment, never for long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

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
            Some(DatabaseCorrupt | NotADatabase) => Self::Corrupt(error.to_string().into()),
            _ => Self::Unavailable(error.to_string().into()),
        }
    }
}

/// A connection to the store's file, made if absent.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(|e| {
        StoreError::Unavailable(format!("cannot open {}: {e}", path.display()).into())
    })?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// A transaction that writes, holding the file's write lock from its beginning.
pub(super) fn begin(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// Makes the tables where they are absent.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = begin(connection)?;
    transaction.execute_batch(TABLES)?;
    let found: Option<i64> =
        transaction.query_row("SELECT MAX(version) FROM store_schema", [], |row| {
            row.get(0)
        })?;
    match found {
        None => {
            transaction.execute("INSERT INTO store_schema (version) VALUES (?1)", [VERSION])?;
        }
        Some(VERSION) => {}
        Some(found) => {
            return Err(StoreError::Schema {
                found,
                supported: VERSION,
            });
        }
    }
    Ok(transaction.commit()?)
}
