//! The log and the store that the configuration names, and who holds the folder of those that are
//! files.

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

const LOCK: &str = "moodvane.lock";

/// The log and the store. Where either is a file, its folder is held by this process alone.
pub(crate) struct Data {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) store: Arc<dyn Store>,
    /// A log that is a file removes what is too old only when told to.
    pub(crate) retained: Option<(SqliteLog, Duration)>,
    _lock: Option<File>,
}

impl Data {
    /// Opens both, making what is absent, and waits for servers that do not answer yet. Fails
    /// where another process holds the folder: two would fold the same log at the same time.
    pub(crate) async fn open(config: &AppConfig) -> anyhow::Result<Self> {
        let (dir, backends) = (&config.data_dir, &config.backends);
        let lock = match backends.uses_data_dir() {
            true => Some(make_and_hold(dir)?),
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
            bail!("stopped while waiting for the log and the store");
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
    /// Both as they are, beside other processes that may use them too: nothing is made, nobody is
    /// waited for, nothing is held.
    pub(crate) async fn beside(config: &AppConfig) -> anyhow::Result<Self> {
        Ok(Self {
            log: log_of(config, &config.data_dir).await?,
            store: store_of(config, &config.data_dir).await?,
            retained: None,
            _lock: None,
        })
    }
}

/// The store, which other processes may use too; nothing is made, and nobody is waited for.
pub(crate) async fn store_of(config: &AppConfig, dir: &Path) -> anyhow::Result<Arc<dyn Store>> {
    if config.backends.store.is_file() {
        must_exist(dir)?;
    }
    config.backends.open_store(dir).await
}

/// The log, likewise.
pub(crate) async fn log_of(config: &AppConfig, dir: &Path) -> anyhow::Result<Arc<dyn EventLog>> {
    if config.backends.log.is_file() {
        must_exist(dir)?;
    }
    config.backends.open_log(dir).await
}

fn must_exist(dir: &Path) -> anyhow::Result<()> {
    let path = dir.join(SQLITE_FILE);
    if !path.exists() {
        bail!(
            "there is no {}: nothing was stored in this folder yet",
            path.display()
        );
    }
    Ok(())
}

fn make_and_hold(dir: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(dir)
        .with_context(|| format!("cannot make the data folder {}", dir.display()))?;
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
