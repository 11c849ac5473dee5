//! Tables, connections and encodings of the log in SQLite.

use std::path::Path;
use std::time::Duration;

use moodvane_model::{ContextError, Offset, Partition, Topic};
use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, ToSql, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use crate::{DeadLetter, LogError, TopicPartition, Watermarks};

const VERSION: i64 = 1;
/// Another process holds the write lock only briefly.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS log_schema (version INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS log_stream (stream INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS log_partition (
        stream INTEGER NOT NULL, partition INTEGER NOT NULL,
        low INTEGER NOT NULL DEFAULT 0, high INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (stream, partition)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log_record (
        stream INTEGER NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL,
        written_at_ms INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, headers TEXT,
        PRIMARY KEY (stream, partition, position)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log_cursor (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log_group (
        name TEXT NOT NULL, stream INTEGER NOT NULL, partition INTEGER NOT NULL,
        committed INTEGER NOT NULL,
        PRIMARY KEY (name, stream, partition)) WITHOUT ROWID;
";

/// The number of a topic, or of its dead letters, in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stream(i64);

impl Stream {
    pub(super) const ALL: [Self; 4] = [Self(0), Self(1), Self(2), Self(3)];

    pub(super) fn live(topic: Topic) -> Self {
        match topic {
            Topic::Temperature => Self(0),
            Topic::Tweet => Self(1),
        }
    }

    pub(super) fn dead(topic: Topic) -> Self {
        Self(Self::live(topic).0 + 2)
    }
}

impl ToSql for Stream {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(Value::Integer(self.0)))
    }
}

impl From<rusqlite::Error> for LogError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => {
                Self::Corrupt(ContextError::caused_by("sqlite log is corrupt", error))
            }
            _ => Self::Unavailable(ContextError::caused_by("sqlite log failed", error)),
        }
    }
}

/// A connection to the log's file, which is created if missing.
pub(super) fn connect(path: &Path) -> Result<Connection, LogError> {
    let connection = Connection::open(path).map_err(|e| {
        let message = format!("cannot open sqlite log {}", path.display());
        LogError::Unavailable(ContextError::caused_by(message, e))
    })?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    Ok(connection)
}

/// Begins a transaction that holds the write lock from its start: one that begins with a read cannot
/// wait for the lock later.
pub(super) fn begin_write(connection: &mut Connection) -> Result<Transaction<'_>, LogError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// Creates the tables and at least `partitions` partitions; returns the number of partitions.
pub(super) fn migrate(connection: &mut Connection, partitions: u32) -> Result<u32, LogError> {
    let transaction = begin_write(connection)?;
    transaction.execute_batch(TABLES)?;
    let found: Option<i64> =
        transaction.query_row("SELECT MAX(version) FROM log_schema", [], |row| row.get(0))?;
    match found {
        None => {
            transaction.execute("INSERT INTO log_schema (version) VALUES (?1)", [VERSION])?;
        }
        Some(VERSION) => {}
        Some(found) => {
            return Err(LogError::Mismatch(format!(
                "log has schema version {found}, this program supports {VERSION}; use the version that created it, or another data folder"
            ).into()));
        }
    }
    let existing: u32 = transaction.query_row(
        "SELECT COALESCE(MAX(partition) + 1, 0) FROM log_partition",
        [],
        |row| row.get(0),
    )?;
    let partitions = partitions.max(existing);
    for topic in Topic::ALL {
        let names = [
            (Stream::live(topic), topic.name()),
            (Stream::dead(topic), topic.dead_letter_name()),
        ];
        for (stream, name) in names {
            transaction.execute(
                "INSERT OR IGNORE INTO log_stream (stream, name) VALUES (?1, ?2)",
                params![stream, name],
            )?;
            for partition in 0..partitions {
                transaction.execute(
                    "INSERT OR IGNORE INTO log_partition (stream, partition) VALUES (?1, ?2)",
                    params![stream, partition],
                )?;
            }
        }
    }
    transaction.commit()?;
    Ok(partitions)
}

/// The watermarks of every partition of a topic.
pub(super) fn watermarks(
    connection: &Connection,
    topic: Topic,
) -> Result<Vec<Watermarks>, LogError> {
    let mut select = connection.prepare_cached(
        "SELECT partition, low, high FROM log_partition WHERE stream = ?1 ORDER BY partition",
    )?;
    let rows = select.query_map(params![Stream::live(topic)], |row| {
        let at = TopicPartition {
            topic,
            partition: Partition(row.get(0)?),
        };
        let (low, high) = (row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64);
        Ok(Watermarks {
            topic_partition: at,
            low: Offset(low),
            high: Offset(high),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[derive(Serialize, Deserialize)]
struct Headers {
    reason: String,
    partition: u32,
    offset: u64,
}

/// The headers of a dead letter as JSON: reason, partition and offset.
pub(super) fn encode_headers(letter: &DeadLetter) -> String {
    let headers = Headers {
        reason: letter.reason.clone(),
        partition: letter.topic_partition.partition.0,
        offset: letter.offset.0,
    };
    serde_json::to_string(&headers).unwrap_or_default()
}

/// The dead letter of a row.
pub(super) fn decode_dead_letter(
    topic: Topic,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: &str,
) -> Result<DeadLetter, LogError> {
    let headers: Headers = serde_json::from_str(headers).map_err(|e| {
        LogError::Corrupt(ContextError::caused_by(
            "cannot decode headers of dead letter",
            e,
        ))
    })?;
    let at = TopicPartition {
        topic,
        partition: Partition(headers.partition),
    };
    Ok(DeadLetter {
        topic_partition: at,
        offset: Offset(headers.offset),
        key,
        value,
        reason: headers.reason,
    })
}
