//! The log and the store that the configuration selects.
//!
//! `[eventlog] kind` is `sqlite` or `kafka`, `[store] kind` is `sqlite` or `cassandra`. SQLite serves
//! one process; Kafka and Cassandra serve any number.

mod cassandra;
mod kafka;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::{EventLog, KafkaConfig, KafkaLog, LogError, SqliteLog, SqliteLogConfig};
use moodvane_retry::{Backoff, Retry};
use moodvane_runtime::{Check, Settings, SystemClock};
use moodvane_store::{CassandraConfig, CassandraStore, SqliteStore, Store, StoreError};
use tokio_util::sync::CancellationToken;

/// The database file in the data directory: log and rows.
pub const SQLITE_FILE: &str = "moodvane.db";

/// The configuration of the event log.
#[derive(Debug, Clone)]
pub enum EventLogConfig {
    /// A file, for one process.
    Sqlite {
        /// Partitions of each topic.
        partitions: u32,
        /// How long records are kept.
        retention: Duration,
    },
    /// A cluster.
    Kafka(Box<KafkaConfig>),
}

/// The configuration of the store.
#[derive(Debug, Clone)]
pub enum StoreConfig {
    /// A file, for one process.
    Sqlite,
    /// A cluster.
    Cassandra(Box<CassandraConfig>),
}

/// The log and the store of a configuration.
#[derive(Debug, Clone)]
pub struct Backends {
    /// The log.
    pub log: EventLogConfig,
    /// The store.
    pub store: StoreConfig,
}

impl Backends {
    /// Reads `[eventlog]` and `[store]`. Returns `None` on a fault, which `settings` then holds.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let log = read_log(settings);
        let store = read_store(settings);
        Some(Self {
            log: log?,
            store: store?,
        })
    }

    /// Adds a fault for each backend that only one process can use.
    pub fn require_shared(&self, settings: &Settings) {
        let alone = "is only for the all-in-one binary moodvane; separate services need";
        if self.log.is_file() {
            settings
                .section("eventlog")
                .fault("kind", format!("{alone} kafka"));
        }
        if self.store.is_file() {
            settings
                .section("store")
                .fault("kind", format!("{alone} cassandra"));
        }
    }

    /// Whether the log or the store is a file in the data directory.
    #[must_use]
    pub fn uses_data_dir(&self) -> bool {
        self.log.is_file() || self.store.is_file()
    }

    /// Opens the log.
    ///
    /// # Errors
    /// If it cannot be opened or reached.
    pub async fn open_log(&self, data_dir: &Path) -> anyhow::Result<Arc<dyn EventLog>> {
        Ok(match &self.log {
            EventLogConfig::Sqlite { .. } => Arc::new(open_sqlite_log(data_dir, &self.log)?),
            EventLogConfig::Kafka(config) => Arc::new(KafkaLog::open((**config).clone()).await?),
        })
    }

    /// Opens the log without waiting for a connection, for a caller that only reads its watermarks.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open_log_lazily(&self, data_dir: &Path) -> anyhow::Result<Arc<dyn EventLog>> {
        Ok(match &self.log {
            EventLogConfig::Sqlite { .. } => Arc::new(open_sqlite_log(data_dir, &self.log)?),
            EventLogConfig::Kafka(config) => Arc::new(KafkaLog::new((**config).clone())?),
        })
    }

    /// Opens the store.
    ///
    /// # Errors
    /// If it cannot be opened or reached.
    pub async fn open_store(&self, data_dir: &Path) -> anyhow::Result<Arc<dyn Store>> {
        Ok(match &self.store {
            StoreConfig::Sqlite => Arc::new(SqliteStore::open(&data_dir.join(SQLITE_FILE))?),
            StoreConfig::Cassandra(config) => Arc::new(CassandraStore::connect(config).await?),
        })
    }
}

/// Opens the SQLite log in a data directory.
///
/// # Errors
/// If it cannot be opened, or the configuration selects another log.
pub fn open_sqlite_log(data_dir: &Path, config: &EventLogConfig) -> anyhow::Result<SqliteLog> {
    let EventLogConfig::Sqlite { partitions, .. } = config else {
        anyhow::bail!("eventlog.kind is not sqlite");
    };
    Ok(SqliteLog::open(SqliteLogConfig {
        path: data_dir.join(SQLITE_FILE),
        partitions: *partitions,
    })?)
}

impl EventLogConfig {
    /// Whether it is a file in the data directory.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }
}

impl StoreConfig {
    /// Whether it is a file in the data directory.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self, Self::Sqlite)
    }
}

fn read_log(settings: &Settings) -> Option<EventLogConfig> {
    let section = settings.section("eventlog");
    let partitions = section.number("partitions", 1..=1_024u32);
    let hours = section.number("retention_hours", 1..=876_000u64);
    let kafka = kafka::read(settings);
    let kind = section.text("kind")?;
    let (partitions, retention) = (partitions?, Duration::from_secs(hours? * 3600));
    match kind.as_str() {
        "sqlite" => Some(EventLogConfig::Sqlite {
            partitions,
            retention,
        }),
        "kafka" => {
            let config = KafkaConfig {
                partitions,
                retention: Some(retention),
                ..kafka?
            };
            Some(EventLogConfig::Kafka(Box::new(config)))
        }
        _ => {
            section.fault("kind", "must be sqlite or kafka");
            None
        }
    }
}

fn read_store(settings: &Settings) -> Option<StoreConfig> {
    let section = settings.section("store");
    let cassandra = cassandra::read(settings);
    match section.text("kind")?.as_str() {
        "sqlite" => Some(StoreConfig::Sqlite),
        "cassandra" => Some(StoreConfig::Cassandra(Box::new(cassandra?))),
        _ => {
            section.fault("kind", "must be sqlite or cassandra");
            None
        }
    }
}

/// Opens a backend and retries while it is unreachable, since a service may start before its
/// backends. `check` fails meanwhile. Returns `None` if `stop` is cancelled first.
///
/// # Errors
/// The error of an attempt that retrying does not fix.
pub async fn connect_with_retry<T>(
    check: &Check,
    stop: &CancellationToken,
    open: impl AsyncFn() -> anyhow::Result<T>,
) -> anyhow::Result<Option<T>> {
    let retry = Retry {
        backoff: Backoff::BACKEND,
        clock: &SystemClock,
        cancellation: stop,
    };
    let unreachable = |error: &anyhow::Error, delay: Duration| {
        let reason = format!("{error:#}");
        tracing::warn!(
            error = reason,
            retry_in_ms = delay.as_millis() as u64,
            "backend unreachable, retrying"
        );
        check.fail(reason);
    };
    let connecting = retry.run(open, is_transient, unreachable);
    let Some(opened) = stop.run_until_cancelled(connecting).await else {
        return Ok(None);
    };
    let opened = opened?;
    check.ok();
    Ok(Some(opened))
}

fn is_transient(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(LogError::Unavailable(_)))
            || matches!(cause.downcast_ref(), Some(StoreError::Unavailable(_)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_runtime::Readiness;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn retries_only_unreachable_backend() {
        let readiness = Readiness::new();
        let check = readiness.check("store");
        let stop = CancellationToken::new();
        let attempts = Cell::new(0);
        let opened = connect_with_retry(&check, &stop, async || {
            attempts.set(attempts.get() + 1);
            let unavailable = StoreError::Unavailable("no node".into());
            if attempts.get() < 4 {
                Err(unavailable.into())
            } else {
                Ok(attempts.get())
            }
        });
        assert_eq!(opened.await.unwrap(), Some(4));
        assert_eq!(readiness.report(), [("store", Ok(()))]);

        let corrupt = async || Err::<(), _>(StoreError::Corrupt("a row".into()).into());
        assert!(connect_with_retry(&check, &stop, corrupt).await.is_err());

        stop.cancel();
        let unavailable = async || Err::<(), _>(LogError::Unavailable("no broker".into()).into());
        assert_eq!(
            connect_with_retry(&check, &stop, unavailable)
                .await
                .unwrap(),
            None
        );
    }
}
