//! The state that the handlers share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::EventLog;
use moodvane_model::StaleNote;
use moodvane_runtime::{Clock, Readiness};
use moodvane_store::Store;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::ServerConfig;
use crate::http_metrics::HttpMetrics;
use crate::v1::EffectCache;

/// The dependencies of a server.
pub struct ServerDeps {
    /// The store of the hours.
    pub store: Arc<dyn Store>,
    /// The log; the server reads only its watermarks.
    pub log: Arc<dyn EventLog>,
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// The configuration.
    pub config: ServerConfig,
    /// The readiness checks of the process.
    pub readiness: Readiness,
    /// The registry of the process's metrics.
    pub registry: prometheus::Registry,
    /// Cancelled when the process shuts down; from then on it is not ready.
    pub shutdown: CancellationToken,
}

/// The shared state; cheap to clone.
#[derive(Clone)]
pub(crate) struct ServerState(Arc<SharedState>);

pub(crate) struct SharedState {
    pub(crate) deps: ServerDeps,
    pub(crate) metrics: HttpMetrics,
    /// One permit for each relation that may be computed at once.
    pub(crate) relation_permits: Arc<Semaphore>,
    /// One permit for each effect that may be computed at once.
    pub(crate) effect_permits: Arc<Semaphore>,
    /// The computed effects.
    pub(crate) effects: EffectCache,
    /// The notes of stale weather in the log, and the uptime at which they were read.
    pub(crate) stale_notes: Mutex<Option<(Duration, Vec<StaleNote>)>>,
}

impl ServerState {
    pub(crate) fn new(deps: ServerDeps) -> Self {
        Self(Arc::new(SharedState {
            metrics: HttpMetrics::new(&deps.registry),
            relation_permits: Arc::new(Semaphore::new(deps.config.max_concurrent_relations)),
            effect_permits: Arc::new(Semaphore::new(deps.config.effect.max_concurrent)),
            effects: EffectCache::new(deps.config.effect.cache_entries),
            stale_notes: Mutex::default(),
            deps,
        }))
    }
}

impl Deref for ServerState {
    type Target = SharedState;
    fn deref(&self) -> &SharedState {
        &self.0
    }
}
