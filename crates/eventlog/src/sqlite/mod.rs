//! The log in an SQLite file, for one process.
//!
//! One table holds the records, ordered by topic, partition and offset; another holds the watermarks
//! of each partition, written in the same transaction.
//!
//! Guarantee: a publish is one transaction with `synchronous = FULL`: after it returns, the records
//! survive a crash of the process and a loss of power.
//!
//! Must not know: its readers and their progress.

mod consumer;
mod schema;

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use moodvane_model::{ContextError, Timestamp, Topic};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Consumer, DeadLetter, EventLog, LogError, NewRecord, Watermarks, check_size};
use consumer::SqliteConsumer;
use schema::{Stream, decode_dead_letter, encode_headers};

/// The file and the layout of the log.
#[derive(Debug, Clone)]
pub struct SqliteLogConfig {
    /// The file; created if missing.
    pub path: PathBuf,
    /// Partitions per topic, at least 1. A log with more partitions keeps them.
    pub partitions: u32,
}

/// The log in an SQLite file.
#[derive(Clone)]
pub struct SqliteLog {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    partitions: u32,
    writer: Mutex<Connection>,
    appended: AppendSignal,
}

/// Counts publishes, so that a consumer can wait for the next one.
#[derive(Default)]
struct AppendSignal {
    count: Mutex<u64>,
    changed: Condvar,
}

impl AppendSignal {
    fn count(&self) -> u64 {
        *lock(&self.count)
    }

    fn raise(&self) {
        *lock(&self.count) += 1;
        self.changed.notify_all();
    }

    /// Waits until the count is no longer `seen`, at most `wait`.
    fn wait(&self, seen: u64, wait: Duration) {
        let guard = lock(&self.count);
        // The caller reads the log after a time-out and after a signal.
        drop(
            self.changed
                .wait_timeout_while(guard, wait, |count| *count == seen),
        );
    }
}

/// Ignores poisoning: SQLite rolls back a transaction that is dropped before its commit.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SqliteLog {
    /// Opens the log; creates the file and its tables if missing.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] where the file cannot be opened or written;
    /// [`LogError::Mismatch`] where another version created it.
    pub fn open(config: SqliteLogConfig) -> Result<Self, LogError> {
        let mut writer = schema::connect(&config.path)?;
        let partitions = schema::migrate(&mut writer, config.partitions.max(1))?;
        let inner = Inner {
            path: config.path,
            partitions,
            writer: Mutex::new(writer),
            appended: AppendSignal::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The number of partitions of each topic.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.inner.partitions
    }

    /// Deletes records that were written before `before`; returns their number. Offsets do not
    /// change: the low watermark of a partition moves up.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] where the file cannot be written.
    pub async fn delete_records_before(&self, before: Timestamp) -> Result<u64, LogError> {
        self.blocking(move |inner| inner.delete_records_before(before))
            .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(|e| LogError::Unavailable(ContextError::caused_by("log task failed", e)))?
    }
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn publish(&self, topic: Topic, records: Vec<NewRecord>) -> Result<(), LogError> {
        records
            .iter()
            .try_for_each(|record| check_size(&record.key, &record.value))?;
        self.blocking(move |inner| inner.publish(topic, &records))
            .await
    }

    async fn publish_dead_letters(&self, letters: Vec<DeadLetter>) -> Result<(), LogError> {
        self.blocking(move |inner| inner.publish_dead_letters(&letters))
            .await
    }

    async fn dead_letters(&self, topic: Topic, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        self.blocking(move |inner| inner.dead_letters(topic, limit))
            .await
    }

    async fn cursor(&self, name: &str) -> Result<Option<String>, LogError> {
        let name = name.to_owned();
        self.blocking(move |inner| inner.cursor(&name)).await
    }

    async fn cursors_with_suffix(&self, suffix: &str) -> Result<Vec<(String, String)>, LogError> {
        let suffix = suffix.to_owned();
        self.blocking(move |inner| inner.cursors_with_suffix(&suffix))
            .await
    }

    async fn save_cursor(&self, name: &str, cursor: &str) -> Result<(), LogError> {
        let (name, cursor) = (name.to_owned(), cursor.to_owned());
        self.blocking(move |inner| inner.save_cursor(&name, &cursor))
            .await
    }

    async fn watermarks(&self, topic: Topic) -> Result<Vec<Watermarks>, LogError> {
        self.blocking(move |inner| schema::watermarks(&lock(&inner.writer), topic))
            .await
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn consumer(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(SqliteConsumer::open(
            Arc::clone(&self.inner),
            group,
            topics,
        )?))
    }
}

/// A row to append, borrowed from a record or a dead letter.
struct NewRow<'a> {
    key: &'a [u8],
    value: &'a [u8],
    headers: Option<String>,
}

impl Inner {
    fn publish(&self, topic: Topic, records: &[NewRecord]) -> Result<(), LogError> {
        let rows = records.iter().map(|record| NewRow {
            key: &record.key,
            value: &record.value,
            headers: None,
        });
        self.append(Stream::live(topic), rows)?;
        self.appended.raise();
        Ok(())
    }

    fn publish_dead_letters(&self, letters: &[DeadLetter]) -> Result<(), LogError> {
        for topic in Topic::ALL {
            let rows = letters
                .iter()
                .filter(|letter| letter.topic_partition.topic == topic)
                .map(|letter| {
                    let headers = Some(encode_headers(letter));
                    NewRow {
                        key: &letter.key,
                        value: &letter.value,
                        headers,
                    }
                });
            self.append(Stream::dead(topic), rows)?;
        }
        Ok(())
    }

    fn append<'a>(
        &self,
        stream: Stream,
        rows: impl Iterator<Item = NewRow<'a>>,
    ) -> Result<(), LogError> {
        let mut writer = lock(&self.writer);
        let transaction = schema::begin_write(&mut writer)?;
        let mut ends = Vec::new();
        for partition in 0..self.partitions {
            ends.push(high_watermark(&transaction, stream, partition)?);
        }
        let previous = ends.clone();
        let now = Timestamp::from(chrono::Utc::now()).millis();
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO log_record (stream, partition, position, written_at_ms, key, value, headers)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for row in rows {
                let partition = (xxh3_64(row.key) % u64::from(self.partitions)) as u32;
                let end = &mut ends[partition as usize];
                insert.execute(params![
                    stream,
                    partition,
                    *end,
                    now,
                    row.key,
                    row.value,
                    row.headers
                ])?;
                *end += 1;
            }
        }
        for (partition, (old, new)) in (0u32..).zip(previous.iter().zip(&ends)) {
            if old != new {
                transaction.execute(
                    "UPDATE log_partition SET high = ?3 WHERE stream = ?1 AND partition = ?2",
                    params![stream, partition, new],
                )?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn dead_letters(&self, topic: Topic, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        let writer = lock(&self.writer);
        let mut select = writer.prepare_cached(
            "SELECT key, value, headers FROM log_record WHERE stream = ?1
             ORDER BY written_at_ms, partition, position LIMIT ?2",
        )?;
        let rows = select.query_map(params![Stream::dead(topic), limit as i64], |row| {
            Ok((
                row.get::<_, Vec<u8>>(0)?,
                row.get::<_, Vec<u8>>(1)?,
                row.get::<_, String>(2)?,
            ))
        })?;
        rows.map(|row| {
            let (key, value, headers) = row?;
            decode_dead_letter(topic, key, value, &headers)
        })
        .collect()
    }

    fn cursor(&self, name: &str) -> Result<Option<String>, LogError> {
        Ok(lock(&self.writer)
            .query_row(
                "SELECT value FROM log_cursor WHERE name = ?1",
                [name],
                |row| row.get(0),
            )
            .optional()?)
    }

    fn cursors_with_suffix(&self, suffix: &str) -> Result<Vec<(String, String)>, LogError> {
        let connection = lock(&self.writer);
        let mut select = connection.prepare_cached(
            "SELECT name, value FROM log_cursor WHERE substr(name, -length(?1)) = ?1",
        )?;
        let found = select.query_map([suffix], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn save_cursor(&self, name: &str, cursor: &str) -> Result<(), LogError> {
        lock(&self.writer).execute(
            "INSERT INTO log_cursor (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name, cursor],
        )?;
        Ok(())
    }

    fn delete_records_before(&self, before: Timestamp) -> Result<u64, LogError> {
        let mut removed = 0;
        for stream in Stream::ALL {
            for partition in 0..self.partitions {
                removed += self.delete_partition_records(stream, partition, before)?;
            }
        }
        Ok(removed)
    }

    fn delete_partition_records(
        &self,
        stream: Stream,
        partition: u32,
        before: Timestamp,
    ) -> Result<u64, LogError> {
        let mut writer = lock(&self.writer);
        let transaction = schema::begin_write(&mut writer)?;
        let first_kept: Option<i64> = transaction.query_row(
            "SELECT MIN(position) FROM log_record
             WHERE stream = ?1 AND partition = ?2 AND written_at_ms >= ?3",
            params![stream, partition, before.millis()],
            |row| row.get(0),
        )?;
        let low = first_kept.map_or_else(|| high_watermark(&transaction, stream, partition), Ok)?;
        let removed = transaction.execute(
            "DELETE FROM log_record WHERE stream = ?1 AND partition = ?2 AND position < ?3",
            params![stream, partition, low],
        )?;
        transaction.execute(
            "UPDATE log_partition SET low = MAX(low, ?3) WHERE stream = ?1 AND partition = ?2",
            params![stream, partition, low],
        )?;
        transaction.commit()?;
        Ok(removed as u64)
    }
}

fn high_watermark(
    transaction: &Transaction<'_>,
    stream: Stream,
    partition: u32,
) -> Result<i64, LogError> {
    Ok(transaction
        .prepare_cached("SELECT high FROM log_partition WHERE stream = ?1 AND partition = ?2")?
        .query_row(params![stream, partition], |row| row.get(0))?)
}
