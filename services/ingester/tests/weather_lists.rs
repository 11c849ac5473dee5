//! The Open-Meteo source with many cities: one request for up to fifty, and errors that cost only their
//! own city.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use moodvane_ingester::{SourceConfig, WeatherConfig};
use moodvane_model::{City, CityId, Topic};
use moodvane_runtime::VirtualClock;
use moodvane_upstream::open_meteo::history_calls;
use serde_json::{Value, json};

use support::log::{FakeLog, eventually};
use support::open_meteo::{CannedResponse, Server, current, history, millis};
use support::{GRACE, Rig, config, now};

/// Open-Meteo allows 600 calls a minute; the source makes 500.
const CALL_PACE: Duration = Duration::from_millis(120);

/// A city at this latitude.
fn city(id: &str, latitude: f64) -> City {
    let id = CityId::parse(id).unwrap();
    City::new(id, id.as_str(), &[], (latitude, 10.0), "UTC").unwrap()
}

fn cities(n: u16) -> Vec<City> {
    (1..=n)
        .map(|n| city(&format!("city-{n}"), f64::from(n)))
        .collect()
}

async fn rig(server: &Server, log: &Arc<FakeLog>, cities: Vec<City>, days: u8) -> Rig {
    let config = WeatherConfig {
        cities,
        history_days: days,
        ..server.config().await
    };
    Rig::start(log, vec![SourceConfig::Weather(config)])
}

/// As [`rig`], with a clock that the test advances.
fn rig_with(log: &Arc<FakeLog>, weather: WeatherConfig) -> (Rig, Arc<VirtualClock>) {
    let weather = WeatherConfig {
        poll: Duration::from_secs(60),
        ..weather
    };
    let clock = Arc::new(VirtualClock::new(now()));
    let sources = vec![SourceConfig::Weather(weather)];
    let rig = Rig::start_with(log, config(sources), clock.clone());
    (rig, clock)
}

/// Waits until the source waits for `span`, and advances the clock by it.
async fn pass(clock: &VirtualClock, span: Duration) {
    eventually("a wait", || clock.pending_sleeps().contains(&span)).await;
    clock.advance(span);
}

/// The number of cities of each request.
fn list_lengths(server: &Server, parameter: &str) -> Vec<usize> {
    let requests = server.requests(parameter);
    let lists = requests.iter().map(|query| query["latitude"].split(','));
    lists.map(Iterator::count).collect()
}

fn list(elements: Vec<CannedResponse>) -> CannedResponse {
    let bodies: Vec<Value> = elements
        .iter()
        .map(|(_, body)| serde_json::from_str(body).unwrap())
        .collect();
    (StatusCode::OK, json!(bodies).to_string())
}

#[actix::test]
async fn fetches_fifty_cities_by_each_request() {
    let (log, server) = (
        FakeLog::new(),
        Server::new([current("2024-05-03T10:00", 11.0)]),
    );
    let weather = WeatherConfig {
        cities: cities(60),
        ..server.config().await
    };
    let (rig, clock) = rig_with(&log, weather);
    eventually("fifty cities", || log.count(Topic::Temperature) == 50).await;
    pass(&clock, CALL_PACE * 50).await;
    eventually("all cities", || log.count(Topic::Temperature) == 60).await;
    assert_eq!(list_lengths(&server, "current"), [50, 10]);
    rig.ingester.drain(GRACE).await;
    let keys: BTreeSet<_> = log.keys(Topic::Temperature).into_iter().collect();
    assert_eq!(keys.len(), 60);
    let last = log.cursor_of("open-meteo:city-60");
    assert_eq!(last, Some(millis("2024-05-03T10:00")));
}

#[actix::test]
async fn history_of_all_cities_is_requested_in_lists() {
    let log = FakeLog::new();
    // City 1 was polled two days ago, the others never.
    log.set_cursor("open-meteo:city-1", &millis("2024-05-01T23:30"));
    let hours = ["2024-05-02T00:00", "2024-05-03T09:00"];
    let server = Server::new([
        (StatusCode::BAD_GATEWAY, String::new()),
        history(&hours),
        current("2024-05-03T10:15", 12.5),
    ]);
    let rig = rig(&server, &log, cities(3), 92).await;
    eventually("all hours", || log.count(Topic::Temperature) == 3 * 3).await;
    rig.ingester.drain(GRACE).await;
    assert_eq!(list_lengths(&server, "hourly"), [3, 3]);
    let requests = server.requests("hourly");
    assert_eq!(requests[1]["past_days"], "92", "the longest gap counts");
}

#[actix::test]
async fn long_history_of_many_cities_is_several_requests() {
    let log = FakeLog::new();
    let server = Server::new([
        history(&["2024-05-02T00:00"]),
        history(&["2024-05-02T00:00"]),
        history(&["2024-05-02T00:00"]),
        current("2024-05-03T10:15", 12.5),
    ]);
    // 500 days of all cities are the most of a request: five cities with 92 days and today.
    let weather = WeatherConfig {
        cities: cities(12),
        history_days: 92,
        ..server.config().await
    };
    let (rig, clock) = rig_with(&log, weather);
    for _ in 0..2 {
        pass(&clock, CALL_PACE.mul_f64(history_calls(92) * 5.0)).await;
    }
    eventually("all hours", || log.count(Topic::Temperature) == 2 * 12).await;
    rig.ingester.drain(GRACE).await;
    assert_eq!(list_lengths(&server, "hourly"), [5, 5, 2]);
}

#[actix::test]
async fn rejected_city_costs_no_other() {
    let (log, server) = (
        FakeLog::new(),
        Server::new([current("2024-05-03T10:00", 11.0)]),
    );
    let mut all = cities(8);
    all.insert(5, city("null-island", 0.0));
    let rig = rig(&server, &log, all, 0).await;
    eventually("the others", || log.count(Topic::Temperature) == 8).await;
    let polled = server.requests("current").len();
    eventually("more polls", || {
        server.requests("current").len() > polled + 20
    })
    .await;
    assert!(rig.errors("status") > 2, "each failure is counted");
    assert_eq!(rig.status().restarts, 0);
    rig.ingester.drain(GRACE).await;
    let null_island = |query: &&HashMap<String, String>| query["latitude"] == "0";
    let requests = server.requests("current");
    assert!(requests.iter().filter(null_island).count() > 2);
    let lists_with_it = requests
        .iter()
        .filter(|query| query["latitude"].split(',').any(|latitude| latitude == "0"))
        .filter(|query| query["latitude"] != "0");
    assert!(lists_with_it.count() <= 4, "the list is split once");
}

#[actix::test]
async fn unusable_part_of_response_costs_only_its_city() {
    let log = FakeLog::new();
    let good = || current("2024-05-03T10:00", 11.0);
    let bad = || (StatusCode::OK, json!({ "current": {} }).to_string());
    let server = Server::new([list(vec![good(), bad(), good()])]);
    let rig = rig(&server, &log, cities(3), 0).await;
    eventually("failures", || rig.errors("missing_field") > 2).await;
    eventually("the others", || log.count(Topic::Temperature) == 2).await;
    let error = rig.status().last_error.unwrap();
    assert!(
        error.contains("city-2") && error.contains("current.time"),
        "{error}"
    );
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn response_of_other_length_is_an_error() {
    let log = FakeLog::new();
    let good = || current("2024-05-03T10:00", 11.0);
    let server = Server::new([list(vec![good(), good(), good()])]);
    let rig = rig(&server, &log, cities(2), 0).await;
    eventually("failures", || rig.errors("wrong_count") > 2).await;
    assert_eq!(log.count(Topic::Temperature), 0);
    let error = rig.status().last_error.unwrap();
    assert!(error.contains("3 cities, expected 1"), "{error}");
    rig.ingester.drain(GRACE).await;
}
