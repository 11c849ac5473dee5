//! What the handlers share.

use std::sync::Arc;

use moodvane_eventlog::EventLog;
use moodvane_runtime::{Clock, Readiness};
use moodvane_store::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::ServerConfig;
use crate::client::Clients;
use crate::observe::Counts;

/// All that the server is made of.
pub struct ServerDeps {
    /// Where the hours are.
    pub store: Arc<dyn Store>,
    /// The log; only asked whether it answers.
    pub log: Arc<dyn EventLog>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How to behave.
    pub config: ServerConfig,
    /// The checks of the whole process.
    pub readiness: Readiness,
    /// Where the process counts.
    pub registry: prometheus::Registry,
    /// Cancelled once the process is to end; from then on it is not ready.
    pub shutdown: CancellationToken,
}

/// The handlers' shared state; cheap to clone.
#[derive(Clone)]
pub(crate) struct State(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) app: ServerDeps,
    pub(crate) counts: Counts,
    /// One permit per request for weather that may be answered at once.
    pub(crate) permits: Semaphore,
    /// One permit per relation that may be worked out at once.
    pub(crate) relations: Arc<Semaphore>,
    /// Where clients have a rate.
    pub(crate) clients: Option<Clients>,
}

impl State {
    pub(crate) fn new(app: ServerDeps) -> Self {
        Self(Arc::new(Shared {
            counts: Counts::new(&app.registry),
            permits: Semaphore::new(app.config.max_concurrent_requests),
            relations: Arc::new(Semaphore::new(app.config.max_concurrent_relations)),
            clients: app
                .config
                .rate_limit
                .map(|rate| Clients::new(rate, app.config.trusted_proxies.clone())),
            app,
        }))
    }
}

impl std::ops::Deref for State {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}
