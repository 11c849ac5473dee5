//! The data folder: who holds it, and the log and the store in it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use moodvane_eventlog::{SqliteLog, SqliteLogConfig};
use moodvane_store::SqliteStore;

use crate::config::AppConfig;

const FILE: &str = "moodvane.db";
const LOCK: &str = "moodvane.lock";

/// The log and the store of a data folder, held by this process alone.
pub(crate) struct Data {
    pub(crate) log: SqliteLog,
    pub(crate) store: SqliteStore,
    _lock: File,
}

impl Data {
    /// Opens the folder, making it where it is absent. Fails where another process holds it: two
    /// would fold the same log at the same time.
    pub(crate) fn open(config: &AppConfig) -> anyhow::Result<Self> {
        let (dir, partitions) = (&config.data_dir, config.log.partitions);
        fs::create_dir_all(dir)
            .with_context(|| format!("cannot make the data folder {}", dir.display()))?;
        let lock = hold(dir)?;
        let path = dir.join(FILE);
        let log = SqliteLog::open(SqliteLogConfig {
            path: path.clone(),
            partitions,
        })?;
        let store = SqliteStore::open(&path)?;
        Ok(Self {
            log,
            store,
            _lock: lock,
        })
    }

    /// The rows of a folder that another process may hold.
    pub(crate) fn store_of(dir: &Path) -> anyhow::Result<SqliteStore> {
        Ok(SqliteStore::open(&existing(dir)?)?)
    }

    /// The log of a folder that another process may hold.
    pub(crate) fn log_of(dir: &Path) -> anyhow::Result<SqliteLog> {
        // Partitions are never taken away, so that one asks for nothing.
        let config = SqliteLogConfig {
            path: existing(dir)?,
            partitions: 1,
        };
        Ok(SqliteLog::open(config)?)
    }
}

fn existing(dir: &Path) -> anyhow::Result<PathBuf> {
    let path = dir.join(FILE);
    if !path.exists() {
        bail!(
            "there is no {}: nothing was stored in this folder yet",
            path.display()
        );
    }
    Ok(path)
}

fn hold(dir: &Path) -> anyhow::Result<File> {
    let path = dir.join(LOCK);
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another moodvane works in {}: stop it, or choose another folder with --data",
            dir.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
