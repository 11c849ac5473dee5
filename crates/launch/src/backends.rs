//! The log and the store that the configuration names.
//!
//! `[eventlog] kind` is `sqlite` or `kafka`, `[store] kind` is `sqlite` or `cassandra`. SQLite is for
//! one process; Kafka and Cassandra are for any number.

mod cassandra;
mod kafka;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::{EventLog, KafkaConfig, KafkaLog, SqliteLog, SqliteLogConfig};
use moodvane_runtime::Settings;
use moodvane_store::{CassandraConfig, CassandraStore, SqliteStore, Store};

/// The file of the embedded profile, in the data folder.
const FILE: &str = "moodvane.db";

/// Which log.
#[derive(Debug, Clone)]
pub enum LogChoice {
    /// A file, for one process.
    Sqlite {
        /// Partitions of each topic.
        partitions: u32,
        /// How long records stay.
        retention: Duration,
    },
    /// A cluster.
    Kafka(Box<KafkaConfig>),
}

/// Which store.
#[derive(Debug, Clone)]
pub enum StoreChoice {
    /// A file, for one process.
    Sqlite,
    /// A cluster.
    Cassandra(Box<CassandraConfig>),
}

/// The log and the store of a configuration.
#[derive(Debug, Clone)]
pub struct Backends {
    /// The log.
    pub log: LogChoice,
    /// The store.
    pub store: StoreChoice,
}

impl Backends {
    /// Reads `[eventlog]` and `[store]`. `None` where there is a fault; the settings then hold all
    /// of them.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let log = read_log(settings);
        let store = read_store(settings);
        Some(Self {
            log: log?,
            store: store?,
        })
    }

    /// Notes a fault where a backend is for one process only.
    pub fn must_be_shared(&self, settings: &Settings) {
        let alone = "is for the all-in-one binary moodvane; services of their own need";
        if matches!(self.log, LogChoice::Sqlite { .. }) {
            settings
                .section("eventlog")
                .fault("kind", format!("{alone} kafka"));
        }
        if matches!(self.store, StoreChoice::Sqlite) {
            settings
                .section("store")
                .fault("kind", format!("{alone} cassandra"));
        }
    }

    /// Whether either of them is a file in the data folder.
    #[must_use]
    pub fn uses_folder(&self) -> bool {
        matches!(self.log, LogChoice::Sqlite { .. }) || matches!(self.store, StoreChoice::Sqlite)
    }

    /// Opens the log.
    ///
    /// # Errors
    /// Where it cannot be opened or reached.
    pub async fn open_log(&self, folder: &Path) -> anyhow::Result<Arc<dyn EventLog>> {
        Ok(match &self.log {
            LogChoice::Sqlite { partitions, .. } => {
                Arc::new(open_sqlite(folder.join(FILE), *partitions)?)
            }
            LogChoice::Kafka(config) => Arc::new(KafkaLog::open((**config).clone()).await?),
        })
    }

    /// Opens the store.
    ///
    /// # Errors
    /// Where it cannot be opened or reached.
    pub async fn open_store(&self, folder: &Path) -> anyhow::Result<Arc<dyn Store>> {
        Ok(match &self.store {
            StoreChoice::Sqlite => Arc::new(SqliteStore::open(&folder.join(FILE))?),
            StoreChoice::Cassandra(config) => Arc::new(CassandraStore::connect(config).await?),
        })
    }
}

fn open_sqlite(path: PathBuf, partitions: u32) -> anyhow::Result<SqliteLog> {
    Ok(SqliteLog::open(SqliteLogConfig { path, partitions })?)
}

fn read_log(settings: &Settings) -> Option<LogChoice> {
    let section = settings.section("eventlog");
    let partitions = section.number("partitions", 1..=1_024u32);
    let hours = section.number("retention_hours", 1..=876_000u64);
    let kafka = kafka::read(settings);
    let kind = section.text("kind")?;
    let (partitions, retention) = (partitions?, Duration::from_secs(hours? * 3600));
    match kind.as_str() {
        "sqlite" => Some(LogChoice::Sqlite {
            partitions,
            retention,
        }),
        "kafka" => {
            let config = KafkaConfig {
                partitions,
                retention: Some(retention),
                ..kafka?
            };
            Some(LogChoice::Kafka(Box::new(config)))
        }
        _ => {
            section.fault("kind", "must be sqlite or kafka");
            None
        }
    }
}

fn read_store(settings: &Settings) -> Option<StoreChoice> {
    let section = settings.section("store");
    let cassandra = cassandra::read(settings);
    match section.text("kind")?.as_str() {
        "sqlite" => Some(StoreChoice::Sqlite),
        "cassandra" => Some(StoreChoice::Cassandra(Box::new(cassandra?))),
        _ => {
            section.fault("kind", "must be sqlite or cassandra");
            None
        }
    }
}
