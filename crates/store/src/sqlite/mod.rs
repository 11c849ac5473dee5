//! The store in an SQLite file, for one process.
//!
//! A write replaces a row only where its offset is higher (I2), in one transaction per call. Readers
//! have their own connections and never wait for a writer (WAL).

mod rows;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use moodvane_model::{
    Calibration, CityId, ContextError, HourRange, HourRow, HourSlot, PartialHour, PartialKey,
    Progress, ProgressKey, RunId, Variable,
};
use rusqlite::{Connection, params};

use crate::serving::{Serving, first_served_hour, spans};
use crate::{Gap, RunInfo, Store, StoreError};

/// The maximum number of idle read connections.
const IDLE_READERS: usize = 8;

/// The store in an SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

/// Ignores poisoning: SQLite rolls back a transaction that is dropped before its commit.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SqliteStore {
    /// Opens the store; creates the file and its tables if missing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the file cannot be opened or written;
    /// [`StoreError::Schema`] where another version created it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut writer = schema::connect(path)?;
        schema::migrate(&mut writer)?;
        let inner = Inner {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(|e| StoreError::Unavailable(ContextError::caused_by("store task failed", e)))?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn register_run(&self, run: &RunId) -> Result<(), StoreError> {
        let run = run.clone();
        self.blocking(move |inner| inner.register_run(&run)).await
    }

    async fn put_calibration(
        &self,
        run: &RunId,
        calibration: &Calibration,
    ) -> Result<(), StoreError> {
        let (run, text) = (run.clone(), calibration.to_string());
        self.blocking(move |inner| inner.put_calibration(&run, &text))
            .await
    }

    async fn runs(&self) -> Result<Vec<RunInfo>, StoreError> {
        self.blocking(|inner| inner.read(runs)).await
    }

    async fn switch_run(&self, run: &RunId, from: HourSlot) -> Result<(), StoreError> {
        let run = run.clone();
        self.blocking(move |inner| inner.switch_run(&run, from))
            .await
    }

    async fn delete_run(&self, run: &RunId) -> Result<(), StoreError> {
        let run = run.clone();
        self.blocking(move |inner| inner.delete_run(&run)).await
    }

    async fn partials(&self, keys: Vec<PartialKey>) -> Result<Vec<PartialHour>, StoreError> {
        self.blocking(move |inner| inner.read(|connection| partials(connection, keys)))
            .await
    }

    async fn put_partials(&self, rows: Vec<PartialHour>) -> Result<(), StoreError> {
        self.blocking(move |inner| inner.put_partials(&rows)).await
    }

    async fn progress(&self, key: &ProgressKey) -> Result<Option<Progress>, StoreError> {
        let key = key.clone();
        self.blocking(move |inner| inner.read(|connection| rows::progress(connection, key)))
            .await
    }

    async fn put_progress(&self, rows: Vec<Progress>) -> Result<(), StoreError> {
        self.blocking(move |inner| inner.put_progress(&rows)).await
    }

    async fn put_gap(&self, gap: Gap) -> Result<(), StoreError> {
        self.blocking(move |inner| inner.put_gap(&gap)).await
    }

    async fn gaps(&self, run: &RunId) -> Result<Vec<Gap>, StoreError> {
        let run = run.clone();
        self.blocking(move |inner| inner.read(|connection| rows::gaps(connection, &run)))
            .await
    }

    async fn hours(&self, city: CityId, range: HourRange) -> Result<Vec<HourRow>, StoreError> {
        self.blocking(move |inner| inner.read(|connection| hours(connection, city, range, None)))
            .await
    }

    async fn hours_with_variable(
        &self,
        city: CityId,
        range: HourRange,
        variable: Variable,
    ) -> Result<Vec<HourRow>, StoreError> {
        let only = Some(variable);
        self.blocking(move |inner| inner.read(|connection| hours(connection, city, range, only)))
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.blocking(|inner| {
            inner.read(|connection| {
                Ok(connection.query_row("SELECT 1 FROM store_schema", [], |_| Ok(()))?)
            })
        })
        .await
    }
}

impl Inner {
    /// Runs `work` on its own read connection.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = lock(&self.readers).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => schema::connect(&self.path)?,
        };
        let result = work(&reader);
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(reader);
        }
        result
    }

    fn register_run(&self, run: &RunId) -> Result<(), StoreError> {
        let mut writer = lock(&self.writer);
        let transaction = schema::begin_write(&mut writer)?;
        transaction.execute(
            "INSERT OR IGNORE INTO run (name, serves_from, switched) VALUES (?1,
                CASE WHEN EXISTS (SELECT 1 FROM run) THEN NULL ELSE 0 END,
                CASE WHEN EXISTS (SELECT 1 FROM run) THEN NULL ELSE 0 END)",
            [run.as_str()],
        )?;
        Ok(transaction.commit()?)
    }

    fn put_calibration(&self, run: &RunId, text: &str) -> Result<(), StoreError> {
        let changed = lock(&self.writer).execute(
            "UPDATE run SET calibration = ?2 WHERE name = ?1",
            params![run.as_str(), text],
        )?;
        if changed == 0 {
            Err(StoreError::UnknownRun(run.to_string()))
        } else {
            Ok(())
        }
    }

    fn switch_run(&self, run: &RunId, from: HourSlot) -> Result<(), StoreError> {
        let changed = lock(&self.writer).execute(
            "UPDATE run SET serves_from = ?2,
                switched = (SELECT COALESCE(MAX(switched), 0) + 1 FROM run)
             WHERE name = ?1",
            params![run.as_str(), from.index()],
        )?;
        if changed == 0 {
            Err(StoreError::UnknownRun(run.to_string()))
        } else {
            Ok(())
        }
    }

    fn delete_run(&self, run: &RunId) -> Result<(), StoreError> {
        let mut writer = lock(&self.writer);
        let transaction = schema::begin_write(&mut writer)?;
        let number = require_run(&transaction, run)?;
        if let Some(from) = first_served_hour(&serving(&transaction)?, &number) {
            return Err(StoreError::RunServing {
                run: run.to_string(),
                from,
            });
        }
        rows::delete_run(&transaction, number, run)?;
        Ok(transaction.commit()?)
    }

    fn put_partials(&self, all: &[PartialHour]) -> Result<(), StoreError> {
        let mut writer = lock(&self.writer);
        let transaction = schema::begin_write(&mut writer)?;
        for row in all {
            let number = require_run(&transaction, &row.key.run)?;
            rows::put_partial(&transaction, number, row)?;
        }
        Ok(transaction.commit()?)
    }

    fn put_progress(&self, all: &[Progress]) -> Result<(), StoreError> {
        let mut writer = lock(&self.writer);
        let transaction = schema::begin_write(&mut writer)?;
        for row in all {
            require_run(&transaction, &row.key.run)?;
            rows::put_progress(&transaction, row)?;
        }
        Ok(transaction.commit()?)
    }

    fn put_gap(&self, gap: &Gap) -> Result<(), StoreError> {
        let mut writer = lock(&self.writer);
        let transaction = schema::begin_write(&mut writer)?;
        require_run(&transaction, &gap.key.run)?;
        rows::put_gap(&transaction, gap)?;
        Ok(transaction.commit()?)
    }
}

/// The number of a registered run.
fn require_run(connection: &Connection, run: &RunId) -> Result<i64, StoreError> {
    rows::run_number(connection, run)?.ok_or_else(|| StoreError::UnknownRun(run.to_string()))
}

fn runs(connection: &Connection) -> Result<Vec<RunInfo>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT name, serves_from FROM run ORDER BY number")?;
    let rows = select.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<u32>>(1)?))
    })?;
    rows.map(|row| {
        let (name, from) = row?;
        let serves_from = from.map(rows::hour).transpose()?;
        Ok(RunInfo {
            id: RunId::new(name),
            serves_from,
        })
    })
    .collect()
}

fn partials(
    connection: &Connection,
    keys: Vec<PartialKey>,
) -> Result<Vec<PartialHour>, StoreError> {
    let mut found = Vec::new();
    for key in keys {
        let Some(number) = rows::run_number(connection, &key.run)? else {
            continue;
        };
        found.extend(rows::partial(connection, number, key)?);
    }
    Ok(found)
}

/// The hours of a city, each from the run that serves it.
fn hours(
    connection: &Connection,
    city: CityId,
    range: HourRange,
    only: Option<Variable>,
) -> Result<Vec<HourRow>, StoreError> {
    let mut merged = Vec::new();
    for (number, span) in spans(&serving(connection)?, range) {
        let first = merged.len();
        rows::merged_hours(connection, number, city, span, only, &mut merged)?;
        if merged.len() > first {
            let calibration = rows::calibration(connection, number)?.map(Arc::new);
            for row in &mut merged[first..] {
                row.calibration.clone_from(&calibration);
            }
        }
    }
    Ok(merged)
}

/// The serving runs, the latest switch first.
fn serving(connection: &Connection) -> Result<Vec<Serving<i64>>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT number, serves_from FROM run WHERE serves_from IS NOT NULL ORDER BY switched DESC",
    )?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (run, from) = row?;
        Ok(Serving {
            run,
            from: rows::hour(from)?,
        })
    })
    .collect()
}
