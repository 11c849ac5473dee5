//! The National Weather Service against an HTTP server of this test: unusable and old observations,
//! and stations that report nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use moodvane_ingester::{SourceConfig, WeatherConfig, WeatherProvider};
use moodvane_model::Topic;
use moodvane_runtime::VirtualClock;
use serde_json::{Value, json};

use support::log::{FakeLog, eventually};
use support::{GRACE, Rig, config, new_york, serve, source};

/// The stations, the nearest first.
const STATIONS: [&str; 3] = ["KAAA", "KBBB", "KCCC"];
const POLL: Duration = Duration::from_secs(60);

/// Observations of a station, the latest first: the time and the temperature.
type Reports = Vec<(&'static str, Option<f64>)>;

#[derive(Clone, Default)]
struct Service {
    reports: Arc<Mutex<BTreeMap<&'static str, Reports>>>,
    /// The paths of all requests for observations.
    requests: Arc<Mutex<Vec<String>>>,
}

fn observation((time, celsius): (&str, Option<f64>)) -> Value {
    json!({ "properties": {
        "timestamp": format!("{time}:00+00:00"),
        "temperature": { "unitCode": "wmoUnit:degC", "value": celsius, "qualityControl": "V" },
    } })
}

impl Service {
    fn set(
        &self,
        station: &'static str,
        reports: impl IntoIterator<Item = (&'static str, Option<f64>)>,
    ) {
        let reports = reports.into_iter().collect();
        self.reports.lock().unwrap().insert(station, reports);
    }

    fn reports(&self, station: &str) -> Reports {
        let reports = self.reports.lock().unwrap();
        reports.get(station).cloned().unwrap_or_default()
    }

    /// The stations asked for their latest observation since the last call.
    fn asked(&self) -> Vec<String> {
        let requests = std::mem::take(&mut *self.requests.lock().unwrap());
        let latest = requests
            .iter()
            .filter_map(|path| path.strip_suffix("/latest"));
        latest.map(str::to_owned).collect()
    }

    async fn start(&self, log: &Arc<FakeLog>, clock: &Arc<VirtualClock>) -> Rig {
        let router = Router::new()
            .route("/points/{place}", get(point))
            .route("/gridpoints/A/1,1/stations", get(stations))
            .route("/stations/{id}/observations/latest", get(latest))
            .route("/stations/{id}/observations", get(recent));
        let address = serve(router.with_state(self.clone())).await;
        let weather = WeatherConfig {
            id: source("nws"),
            provider: WeatherProvider::Nws {
                contact: "ops@example.org".to_owned(),
            },
            base_url: format!("http://{address}").parse().unwrap(),
            cities: vec![new_york()],
            poll: POLL,
            calls_per_day: None,
            history_days: 0,
        };
        let config = config(vec![SourceConfig::Weather(weather)]);
        Rig::start_with(log, config, clock.clone())
    }
}

async fn point() -> Response {
    let stations = "https://api.weather.gov/gridpoints/A/1,1/stations";
    let point = json!({ "properties": { "observationStations": stations } });
    point.to_string().into_response()
}

async fn stations() -> Response {
    let station = |(i, id): (usize, &&str)| {
        let longitude = -74.0 + 0.1 * i as f64;
        json!({
            "geometry": { "coordinates": [longitude, 40.7] },
            "properties": { "stationIdentifier": id },
        })
    };
    let features: Vec<_> = STATIONS.iter().enumerate().map(station).collect();
    json!({ "features": features }).to_string().into_response()
}

async fn latest(State(service): State<Service>, Path(id): Path<String>) -> Response {
    service
        .requests
        .lock()
        .unwrap()
        .push(format!("{id}/latest"));
    match service.reports(&id).first() {
        Some(report) => observation(*report).to_string().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn recent(State(service): State<Service>, Path(id): Path<String>) -> Response {
    service
        .requests
        .lock()
        .unwrap()
        .push(format!("{id}/recent"));
    let features: Vec<_> = service.reports(&id).into_iter().map(observation).collect();
    json!({ "features": features }).to_string().into_response()
}

fn keys(times: &[&str]) -> Vec<String> {
    let key = |time: &&str| {
        let at = moodvane_model::Timestamp::parse_rfc3339(&format!("{time}:00Z")).unwrap();
        format!("new-york:nws:{}", at.millis())
    };
    times.iter().map(key).collect()
}

/// Advances the clock by `span` and waits until the source waits for its next poll.
async fn pass(clock: &VirtualClock, span: Duration) {
    eventually("a wait for the next poll", || {
        clock.pending_sleeps().contains(&POLL)
    })
    .await;
    clock.advance(span);
}

#[actix::test]
async fn uses_recent_observations_where_the_latest_has_no_temperature() {
    let (log, service) = (FakeLog::new(), Service::default());
    let clock = Arc::new(VirtualClock::new(support::now()));
    service.set(
        "KAAA",
        [
            ("2024-05-03T10:15", None),
            ("2024-05-03T09:51", Some(11.0)),
            ("2024-05-03T08:51", Some(10.0)),
        ],
    );
    let rig = service.start(&log, &clock).await;
    eventually("both", || log.count(Topic::Temperature) == 2).await;
    rig.ingester.drain(GRACE).await;
    let expected = keys(&["2024-05-03T08:51", "2024-05-03T09:51"]);
    assert_eq!(log.keys(Topic::Temperature), expected);
    assert_eq!(rig.dropped("no_value"), 1);
    assert_eq!(service.asked(), ["KAAA"], "it reports");
    assert!(rig.status().stale.is_empty());
}

#[actix::test]
async fn asks_next_station_where_nearest_reports_nothing_and_returns_to_it() {
    let (log, service) = (FakeLog::new(), Service::default());
    let clock = Arc::new(VirtualClock::new(support::now()));
    service.set("KBBB", [("2024-05-03T07:51", Some(40.0))]);
    service.set("KCCC", [("2024-05-03T09:51", Some(11.0))]);
    let rig = service.start(&log, &clock).await;
    eventually("the farthest", || log.count(Topic::Temperature) == 1).await;
    assert_eq!(service.asked(), STATIONS);
    pass(&clock, POLL).await;
    eventually("another poll", || {
        !service.requests.lock().unwrap().is_empty()
    })
    .await;
    pass(&clock, Duration::ZERO).await;
    assert_eq!(service.asked(), ["KCCC"], "it is remembered");

    service.set("KAAA", [("2024-05-03T11:15", Some(12.0))]);
    pass(&clock, Duration::from_secs(3_600)).await;
    eventually("the nearest", || log.count(Topic::Temperature) == 2).await;
    assert_eq!(service.asked(), ["KAAA"], "it is tried again after an hour");
    rig.ingester.drain(GRACE).await;
    let expected = keys(&["2024-05-03T09:51", "2024-05-03T11:15"]);
    assert_eq!(log.keys(Topic::Temperature), expected);
}

#[actix::test]
async fn leaves_out_old_observation_where_no_station_reports() {
    let (log, service) = (FakeLog::new(), Service::default());
    let clock = Arc::new(VirtualClock::new(support::now()));
    service.set("KBBB", [("2024-04-30T09:51", Some(33.0))]);
    let rig = service.start(&log, &clock).await;
    eventually("the drop", || rig.dropped("too_old") == 1).await;
    assert_eq!(service.asked(), STATIONS);
    pass(&clock, POLL).await;
    eventually("the next drop", || rig.dropped("too_old") == 2).await;
    assert_eq!(service.asked(), ["KBBB"], "one station until the next walk");
    pass(&clock, Duration::from_secs(600)).await;
    eventually("the third drop", || rig.dropped("too_old") == 3).await;
    assert_eq!(service.asked(), STATIONS);
    assert_eq!(rig.status().stale.len(), 1);
    rig.ingester.drain(GRACE).await;
    assert_eq!(log.count(Topic::Temperature), 0);
}
