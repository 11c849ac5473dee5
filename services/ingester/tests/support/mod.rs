//! Support for the tests of sources.

#![allow(dead_code, unreachable_pub)]

pub mod log;
pub mod open_meteo;
pub mod provider;
pub mod settings;
pub mod simulated;

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use moodvane_ingester::{
    Backoff, CircuitConfig, Ingester, IngesterConfig, SourceConfig, SourceStatus, start,
};
use moodvane_model::{City, CityId, EventTimeBounds, SourceId, Timestamp};
use moodvane_runtime::{Clock, ManualClock, Readiness, metrics};
use prometheus::Registry;
use tokio::net::TcpListener;

use self::log::FakeLog;

pub const GRACE: Duration = Duration::from_secs(10);
/// A grace period that is expected to expire.
pub const SHORT: Duration = Duration::from_millis(50);

/// The time at which all tests start.
pub fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2024-05-03T10:20:00Z").unwrap()
}

pub fn new_york() -> City {
    let names = ["new york".to_owned(), "nyc".to_owned()];
    let id = CityId::parse("new-york").unwrap();
    City::new(id, "New York", &names, (40.7, -74.0), "America/New_York").unwrap()
}

pub fn source(id: &str) -> SourceId {
    SourceId::parse(id).unwrap()
}

/// An ingester over `log`.
pub struct Rig {
    pub ingester: Ingester,
    pub registry: Registry,
}

pub fn config(sources: Vec<SourceConfig>) -> IngesterConfig {
    let ms = Duration::from_millis(1);
    IngesterConfig {
        formatters_min: 1,
        formatters_max: 3,
        mailbox: 8,
        batch_posts: 10,
        batches_in_flight: 2,
        backoff: Backoff::new(ms, ms * 5).unwrap(),
        circuit: CircuitConfig {
            failures: 1_000,
            cooldown: ms,
        },
        watchdog_grace: Duration::from_secs(3_600),
        drain: GRACE,
        spool: None,
        bounds: EventTimeBounds::STANDARD,
        sources,
    }
}

impl Rig {
    pub fn start(log: &Arc<FakeLog>, sources: Vec<SourceConfig>) -> Self {
        let clock = Arc::new(ManualClock::new(now()));
        Self::start_with(log, config(sources), clock)
    }

    pub fn start_with(log: &Arc<FakeLog>, config: IngesterConfig, clock: Arc<dyn Clock>) -> Self {
        let registry = Registry::new();
        let log = Arc::clone(log);
        let ingester = start(config, log, clock, &registry, &Readiness::new()).unwrap();
        Self { ingester, registry }
    }

    /// The first source.
    pub fn status(&self) -> SourceStatus {
        self.ingester.status().remove(0)
    }

    /// The value of a counter by its printed name and labels, 0 if absent.
    pub fn counter(&self, name: &str) -> u64 {
        let text = metrics::render(&self.registry);
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.map_or(0, |value| value.trim().parse().unwrap())
    }

    /// The number of messages that the first source has read.
    pub fn seen(&self) -> u64 {
        let id = self.status().id;
        self.counter(&format!(
            "moodvane_ingester_posts_seen_total{{source=\"{id}\"}}"
        ))
    }

    /// The number of errors of the first source with this reason.
    pub fn errors(&self, reason: &str) -> u64 {
        let id = self.status().id;
        self.counter(&format!(
            "moodvane_ingester_source_errors_total{{reason=\"{reason}\",source=\"{id}\"}}"
        ))
    }

    /// The number of values of a variable that observations of the first source lack.
    pub fn omitted(&self, variable: &str, reason: &str) -> u64 {
        let id = self.status().id;
        self.counter(&format!(
            "moodvane_ingester_values_omitted_total{{reason=\"{reason}\",source=\"{id}\",variable=\"{variable}\"}}"
        ))
    }

    pub fn dropped(&self, reason: &str) -> u64 {
        let id = self.status().id;
        // Labels are printed in alphabetical order.
        self.counter(&format!(
            "moodvane_ingester_dropped_total{{reason=\"{reason}\",source=\"{id}\"}}"
        ))
    }
}

/// Serves `router` on loopback for the rest of the test.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    actix::spawn(axum::serve(listener, router).into_future());
    address
}
