//! A server over a fake store and a fake log in memory, which fail on demand.
#![allow(dead_code)]

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use moodvane_analysis::OutlierBound;
use moodvane_eventlog::{
    Consumer, DeadLetter, EventLog, LogError, NewRecord, TopicPartition, Watermarks,
};
use moodvane_model::{
    Calibration, City, CityId, HourRange, HourRow, HourSlot, Incarnation, Observation, Offset,
    PartialHour, PartialKey, Partition, Progress, ProgressKey, Readings, RunId, Score, Sentiment,
    SourceId, Sums, Topic,
};
use moodvane_runtime::{ManualClock, Readiness};
use moodvane_server::{ConnectionLimits, EffectLimits, ServerConfig, ServerDeps, router};
use moodvane_store::{Gap, RunInfo, Store, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How a fake behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FakeMode {
    Healthy,
    Unavailable,
    Corrupt,
    Hanging,
    Panicking,
}

/// The mode of a fake, set by tests.
pub(crate) struct ModeSwitch(AtomicU8);

impl ModeSwitch {
    fn new() -> Self {
        Self(AtomicU8::new(FakeMode::Healthy as u8))
    }

    pub(crate) fn set(&self, mode: FakeMode) {
        self.0.store(mode as u8, Ordering::SeqCst);
    }

    fn get(&self) -> FakeMode {
        let modes = [
            FakeMode::Healthy,
            FakeMode::Unavailable,
            FakeMode::Corrupt,
            FakeMode::Hanging,
            FakeMode::Panicking,
        ];
        modes[usize::from(self.0.load(Ordering::SeqCst))]
    }
}

pub(crate) struct FakeStore {
    pub(crate) mode: ModeSwitch,
    /// Notified when a read of a hanging store has started.
    pub(crate) read_started: Notify,
    /// Releases one read of a hanging store.
    pub(crate) release_read: Notify,
    rows: Vec<HourRow>,
}

impl FakeStore {
    pub(crate) fn new(rows: Vec<HourRow>) -> Self {
        Self {
            mode: ModeSwitch::new(),
            read_started: Notify::new(),
            release_read: Notify::new(),
            rows,
        }
    }

    async fn run_mode(&self) -> Result<(), StoreError> {
        match self.mode.get() {
            FakeMode::Healthy => Ok(()),
            FakeMode::Unavailable => Err(StoreError::Unavailable("the disk is gone".into())),
            FakeMode::Corrupt => Err(StoreError::Corrupt("row 7".into())),
            FakeMode::Hanging => {
                self.read_started.notify_one();
                self.release_read.notified().await;
                Ok(())
            }
            FakeMode::Panicking => panic!("a bug in the store"),
        }
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn register_run(&self, _: &RunId) -> Result<(), StoreError> {
        unimplemented!("the server does not write")
    }
    async fn put_calibration(&self, _: &RunId, _: &Calibration) -> Result<(), StoreError> {
        unimplemented!("the server does not write")
    }
    async fn runs(&self) -> Result<Vec<RunInfo>, StoreError> {
        self.run_mode().await?;
        let run = |id: &str, from: Option<&str>| RunInfo {
            id: RunId::new(id),
            serves_from: from.map(|from| from.parse().unwrap()),
        };
        Ok(vec![
            run("old", Some("1970-01-01 00")),
            run("new", Some("2018-01-01 00")),
            run("later", Some("2030-01-01 00")),
            run("beside", None),
        ])
    }
    async fn switch_run(&self, _: &RunId, _: HourSlot) -> Result<(), StoreError> {
        unimplemented!("the server does not write")
    }
    async fn delete_run(&self, _: &RunId) -> Result<(), StoreError> {
        unimplemented!("the server does not write")
    }
    async fn partials(&self, _: Vec<PartialKey>) -> Result<Vec<PartialHour>, StoreError> {
        unimplemented!("the server reads only merged hours")
    }
    async fn put_partials(&self, _: Vec<PartialHour>) -> Result<(), StoreError> {
        unimplemented!("the server does not write")
    }
    async fn progress(&self, key: &ProgressKey) -> Result<Option<Progress>, StoreError> {
        self.run_mode().await?;
        assert_eq!(key.run.as_str(), "new");
        Ok((key.partition == Partition(0)).then(|| Progress {
            key: key.clone(),
            next: Offset(90),
            anchor: None,
        }))
    }
    async fn put_progress(&self, _: Vec<Progress>) -> Result<(), StoreError> {
        unimplemented!("the server does not write")
    }
    async fn put_gap(&self, _: Gap) -> Result<(), StoreError> {
        unimplemented!("the server does not write")
    }
    async fn gaps(&self, _: &RunId) -> Result<Vec<Gap>, StoreError> {
        self.run_mode().await?;
        Ok(Vec::new())
    }
    async fn hours(&self, city: CityId, range: HourRange) -> Result<Vec<HourRow>, StoreError> {
        self.run_mode().await?;
        let is_requested =
            |row: &&HourRow| row.city == city && (range.begin()..=range.end()).contains(&row.hour);
        Ok(self.rows.iter().filter(is_requested).cloned().collect())
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.run_mode().await
    }
}

pub(crate) struct FakeLog {
    pub(crate) mode: ModeSwitch,
    /// Names and values.
    pub(crate) cursors: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl EventLog for FakeLog {
    async fn publish(&self, _: Topic, _: Vec<NewRecord>) -> Result<(), LogError> {
        unimplemented!("the server does not write")
    }
    async fn publish_dead_letters(&self, _: Vec<DeadLetter>) -> Result<(), LogError> {
        unimplemented!("the server does not write")
    }
    async fn dead_letters(&self, _: Topic, _: usize) -> Result<Vec<DeadLetter>, LogError> {
        unimplemented!("the server reads no record")
    }
    async fn cursor(&self, _: &str) -> Result<Option<String>, LogError> {
        unimplemented!("the server reads no cursor")
    }
    async fn cursors_with_suffix(&self, suffix: &str) -> Result<Vec<(String, String)>, LogError> {
        match self.mode.get() {
            FakeMode::Healthy => {}
            FakeMode::Hanging => std::future::pending().await,
            _ => return Err(LogError::Unavailable("no broker".into())),
        }
        let cursors = self.cursors.lock().unwrap();
        let found = cursors.iter().filter(|(name, _)| name.ends_with(suffix));
        Ok(found.cloned().collect())
    }
    async fn save_cursor(&self, _: &str, _: &str) -> Result<(), LogError> {
        unimplemented!("the server does not write")
    }
    async fn watermarks(&self, topic: Topic) -> Result<Vec<Watermarks>, LogError> {
        let partition = |partition, low, high| Watermarks {
            topic_partition: TopicPartition {
                topic,
                partition: Partition(partition),
            },
            low: Offset(low),
            high: Offset(high),
        };
        match self.mode.get() {
            FakeMode::Healthy => Ok(vec![partition(0, 0, 100), partition(1, 40, 45)]),
            FakeMode::Hanging => std::future::pending().await,
            _ => Err(LogError::Unavailable("no broker".into())),
        }
    }
    fn consumer(&self, _: &str, _: &[Topic]) -> Result<Box<dyn Consumer>, LogError> {
        unimplemented!("the server consumes nothing")
    }
}

fn city(id: &str, name: &str, zone: &str) -> City {
    City::new(CityId::parse(id).unwrap(), name, &[], (40.5, -74.0), zone).unwrap()
}

/// The current time of the server.
pub(crate) const NOW: &str = "2018-01-01 09";

pub(crate) fn config() -> ServerConfig {
    ServerConfig {
        address: "127.0.0.1:0".parse().unwrap(),
        default_city: CityId::parse("new-york").unwrap(),
        cities: vec![
            city("new-york", "New York", "America/New_York"),
            city("paris", "Paris", "Europe/Paris"),
        ],
        incarnation: Incarnation(1),
        max_body_bytes: 1024,
        max_range_hours: 48,
        max_page_hours: 24,
        cors_origins: Vec::new(),
        request_timeout: std::time::Duration::from_secs(5),
        max_concurrent_requests: 8,
        max_concurrent_relations: 4,
        effect: EffectLimits {
            max_cities: 2,
            max_hours: 10_000,
            max_concurrent: 1,
            timeout: Duration::from_secs(60),
            cache_entries: 4,
        },
        connections: ConnectionLimits {
            head_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            max_connections: 1024,
        },
        rate_limit: None,
        trusted_proxies: Vec::new(),
        stray_bound: OutlierBound::STANDARD,
        drain_timeout: std::time::Duration::from_secs(1),
    }
}

/// The server under test, with handles for tests.
pub(crate) struct TestApp {
    pub(crate) router: Router,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) log: Arc<FakeLog>,
    pub(crate) readiness: Readiness,
    pub(crate) registry: prometheus::Registry,
    pub(crate) shutdown: CancellationToken,
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The problem's type, after checking what all problems have in common.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        for member in ["title", "detail"] {
            assert!(!json[member].as_str().unwrap().is_empty(), "{member}");
        }
        if self.status.is_client_error() {
            let path = json["example"]["path"].as_str().unwrap();
            assert!(path == "/weather" || path.starts_with("/v1/"), "{path}");
        }
        json["type"].as_str().unwrap().to_owned()
    }
}

impl TestApp {
    pub(crate) fn with_rows(rows: Vec<HourRow>) -> Self {
        Self::with_config(rows, config())
    }

    pub(crate) fn with_config(rows: Vec<HourRow>, config: ServerConfig) -> Self {
        let store = Arc::new(FakeStore::new(rows));
        let log = Arc::new(FakeLog {
            mode: ModeSwitch::new(),
            cursors: Mutex::default(),
        });
        let readiness = Readiness::default();
        let registry = prometheus::Registry::new();
        let shutdown = CancellationToken::new();
        let deps = ServerDeps {
            store: store.clone(),
            log: log.clone(),
            clock: Arc::new(ManualClock::new(NOW.parse::<HourSlot>().unwrap().start())),
            config,
            readiness: readiness.clone(),
            registry: registry.clone(),
            shutdown: shutdown.clone(),
        };
        Self {
            router: router(deps),
            store,
            log,
            readiness,
            registry,
            shutdown,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            // Compressed responses are not text; their tests check only headers.
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Body::empty()).await
    }

    pub(crate) async fn get_with(&self, path: &str, header: (&str, &str)) -> Answer {
        let request = Request::builder().uri(path).header(header.0, header.1);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn weather(&self, body: &str) -> Answer {
        self.call("POST", "/weather", body.to_owned()).await
    }
}

/// An hour of New York with posts of these classes and these temperatures by source.
pub(crate) fn hour(slot: &str, classes: &[u8], temperatures: &[(&str, f64)]) -> HourRow {
    hour_of("new-york", slot, classes, temperatures)
}

pub(crate) fn hour_of(
    city: &str,
    slot: &str,
    classes: &[u8],
    temperatures: &[(&str, f64)],
) -> HourRow {
    let slot: HourSlot = slot.parse().unwrap();
    let mut row = HourRow::empty(CityId::parse(city).unwrap(), slot);
    let mut posts = Sums::default();
    for class in classes {
        let score = Score::new(Sentiment::try_from(*class).unwrap(), 2.0);
        posts.add_post(slot.start(), Some(score));
    }
    row.add(SourceId::parse("bluesky").unwrap(), &posts);
    for (source, celsius) in temperatures {
        let source = SourceId::parse(source).unwrap();
        let mut sums = Sums::default();
        let observation = Observation {
            city: row.city,
            source,
            observed_at: slot.start(),
            received_at: slot.start(),
            readings: Readings::new(*celsius).unwrap(),
        };
        sums.add_observation(slot.start(), &observation);
        row.add(source, &sums);
    }
    row
}
