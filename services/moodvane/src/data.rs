//! The log and the store that the configuration selects, and the lock of the data directory.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use moodvane_eventlog::{EventLog, SqliteLog};
use moodvane_launch::{EventLogConfig, SQLITE_FILE, connect_with_retry, open_sqlite_log};
use moodvane_runtime::{Readiness, cancel_on_signal};
use moodvane_store::Store;
use tokio_util::sync::CancellationToken;

use crate::config::AppConfig;

const LOCK_FILE: &str = "moodvane.lock";

/// The log and the store. If either is a file, this process holds the lock of the data directory.
pub(crate) struct Data {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) store: Arc<dyn Store>,
    /// The SQLite log and its retention, which the pipeline must enforce.
    pub(crate) retained: Option<(SqliteLog, Duration)>,
    _lock: Option<File>,
}

impl Data {
    /// Opens both, creates absent files, and waits for unavailable servers. Fails if another process
    /// holds the lock: both would fold the same log concurrently.
    pub(crate) async fn open(config: &AppConfig) -> anyhow::Result<Self> {
        let (dir, backends) = (&config.data_dir, &config.backends);
        let lock = match backends.uses_data_dir() {
            true => Some(create_and_lock(dir)?),
            false => None,
        };
        let stop = CancellationToken::new();
        let signals = tokio::spawn(cancel_on_signal(stop.clone()));
        let readiness = Readiness::new();
        let check = readiness.check("data");
        let retained = match &backends.log {
            EventLogConfig::Sqlite { retention, .. } => {
                Some((open_sqlite_log(dir, &backends.log)?, *retention))
            }
            EventLogConfig::Kafka(_) => None,
        };
        let log = connect_with_retry(&check, &stop, async || match &retained {
            Some((log, _)) => Ok(Arc::new(log.clone()) as Arc<dyn EventLog>),
            None => backends.open_log(dir).await,
        });
        let log = log.await?;
        let store =
            connect_with_retry(&check, &stop, async || backends.open_store(dir).await).await?;
        signals.abort();
        let (Some(log), Some(store)) = (log, store) else {
            bail!("interrupted while waiting for the log and the store");
        };
        Ok(Self {
            log,
            store,
            retained,
            _lock: lock,
        })
    }
}

impl Data {
    /// Opens both without creating, waiting or locking, beside other processes.
    pub(crate) async fn open_existing(config: &AppConfig) -> anyhow::Result<Self> {
        Ok(Self {
            log: open_existing_log(config, &config.data_dir).await?,
            store: open_existing_store(config, &config.data_dir).await?,
            retained: None,
            _lock: None,
        })
    }
}

/// Opens the store without creating, waiting or locking, beside other processes.
pub(crate) async fn open_existing_store(
    config: &AppConfig,
    dir: &Path,
) -> anyhow::Result<Arc<dyn Store>> {
    if config.backends.store.is_file() {
        require_database(dir)?;
    }
    config.backends.open_store(dir).await
}

/// As [`open_existing_store`], for the log.
pub(crate) async fn open_existing_log(
    config: &AppConfig,
    dir: &Path,
) -> anyhow::Result<Arc<dyn EventLog>> {
    if config.backends.log.is_file() {
        require_database(dir)?;
    }
    config.backends.open_log(dir).await
}

fn require_database(dir: &Path) -> anyhow::Result<()> {
    let path = dir.join(SQLITE_FILE);
    if !path.exists() {
        bail!(
            "there is no {}: this directory has no data yet",
            path.display()
        );
    }
    Ok(())
}

fn create_and_lock(dir: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(dir)
        .with_context(|| format!("cannot create the data directory {}", dir.display()))?;
    let path = dir.join(LOCK_FILE);
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another moodvane works in {}: stop it, or choose another directory with --data",
            dir.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
