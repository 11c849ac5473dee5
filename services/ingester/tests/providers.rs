//! The source of every weather provider against the simulator, which implements all their APIs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::USER_AGENT;
use axum::response::IntoResponse;
use moodvane_ingester::{ApiKey, SourceConfig, WeatherConfig, WeatherProvider};
use moodvane_model::{Observation, Timestamp, Topic, Variable};
use moodvane_runtime::ManualClock;
use moodvane_simulator::{Simulator, SimulatorConfig};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use support::log::{FakeLog, eventually};
use support::simulated::ConstantScorer;
use support::{GRACE, Rig, new_york, now, serve, source};

async fn simulate(seed: u64) -> (Simulator, Arc<ManualClock>) {
    let start = Timestamp::parse_rfc3339("2024-05-01T00:00:00Z").unwrap();
    let config = SimulatorConfig {
        seed,
        posts_per_hour: 1,
        ..SimulatorConfig::new(new_york(), source("open-meteo"), start)
    };
    let clock = Arc::new(ManualClock::new(now()));
    let address = "127.0.0.1:0".parse().unwrap();
    let end = CancellationToken::new();
    let scorer = Box::new(ConstantScorer);
    let simulator = moodvane_simulator::start(config, scorer, address, clock.clone(), end);
    (simulator.await.unwrap(), clock)
}

fn key(key: &str) -> ApiKey {
    ApiKey::new(key.to_owned())
}

/// Every provider with its kind.
fn providers() -> [(&'static str, WeatherProvider); 6] {
    let contact = "ops@example.org".to_owned();
    [
        ("open-meteo", WeatherProvider::OpenMeteo),
        ("openweathermap", WeatherProvider::OpenWeatherMap(key("k"))),
        ("weatherbit", WeatherProvider::Weatherbit(key("k"))),
        ("apixu", WeatherProvider::Apixu(key("k"))),
        ("weatherstack", WeatherProvider::Weatherstack(key("k"))),
        ("nws", WeatherProvider::Nws { contact }),
    ]
}

fn config(id: &str, provider: WeatherProvider, base_url: Url) -> WeatherConfig {
    WeatherConfig {
        id: source(id),
        provider,
        base_url,
        cities: vec![new_york()],
        poll: Duration::from_millis(3),
        calls_per_day: None,
        history_days: 0,
    }
}

/// The observations in the log, by source.
fn observed(log: &FakeLog) -> BTreeMap<String, Vec<Observation>> {
    let mut all = BTreeMap::<String, Vec<Observation>>::new();
    for value in log.values(Topic::Temperature) {
        let observation = Observation::from_json(&value).unwrap();
        all.entry(observation.source.to_string())
            .or_default()
            .push(observation);
    }
    all
}

#[actix::test]
async fn publishes_equal_observations_of_all_providers_once() {
    let (simulator, clock) = simulate(7).await;
    let log = FakeLog::new();
    let sources = providers()
        .map(|(id, provider)| SourceConfig::Weather(config(id, provider, simulator.base_url())));
    let n = sources.len();
    let rig = Rig::start(&log, sources.to_vec());
    eventually("an observation each", || log.count(Topic::Temperature) == n).await;
    clock.set(now().checked_add_millis(900_000).unwrap());
    eventually("the next ones", || log.count(Topic::Temperature) == 2 * n).await;
    let requests = simulator.stats().current;
    eventually("more polls", || simulator.stats().current > requests + 30).await;
    rig.ingester.drain(GRACE).await;

    let all = observed(&log);
    assert_eq!(all.len(), n, "{:?}", all.keys());
    let expected = &all["open-meteo"];
    let times = expected
        .iter()
        .map(|o| o.observed_at.to_string())
        .collect::<Vec<_>>();
    assert_eq!(
        times,
        ["2024-05-03T10:15:00Z", "2024-05-03T10:30:00Z"]
            .map(|at| { Timestamp::parse_rfc3339(at).unwrap().to_string() })
    );
    for (id, observations) in &all {
        assert_eq!(observations.len(), 2, "{id}");
        for (found, expected) in observations.iter().zip(expected) {
            assert_eq!(found.observed_at, expected.observed_at, "{id}");
            assert_agrees(id, found, expected);
        }
    }
}

/// Temperatures are equal; other variables agree within the resolution of the provider.
fn assert_agrees(id: &str, found: &Observation, expected: &Observation) {
    for variable in Variable::ALL {
        let value = |o: &Observation| o.readings.get(variable).map(|quantity| quantity.value());
        let (found, expected) = (value(found), value(expected).unwrap());
        let tolerance = match variable {
            Variable::Temperature | Variable::Humidity => 0.0,
            // Open-Meteo reports the last quarter of an hour, in hundredths of a millimetre.
            Variable::Precipitation => 0.021,
            Variable::Wind => 0.1,
            // A station reports classes of eighths; the widest class spans three.
            Variable::Cloud => {
                if id == "nws" {
                    25.0
                } else {
                    0.0
                }
            }
            // Some providers report sea-level pressure, 1.2 hPa more.
            Variable::Pressure => 1.3,
        };
        match found {
            Some(found) => assert!(
                (found - expected).abs() <= tolerance,
                "{id}: {variable} {found}, expected {expected}"
            ),
            None => assert_eq!(variable, Variable::Precipitation, "{id}"),
        }
    }
}

#[actix::test]
async fn reports_expired_key_without_revealing_it() {
    let (simulator, _clock) = simulate(8).await;
    let log = FakeLog::new();
    let expired = [
        (
            "openweathermap",
            WeatherProvider::OpenWeatherMap(key("expired")),
            "status 401",
        ),
        (
            "weatherbit",
            WeatherProvider::Weatherbit(key("expired")),
            "status 401",
        ),
        (
            "apixu",
            WeatherProvider::Apixu(key("expired")),
            "status 401",
        ),
        (
            "weatherstack",
            WeatherProvider::Weatherstack(key("expired")),
            "101: Invalid API key",
        ),
    ];
    let mut sources: Vec<_> = expired
        .iter()
        .map(|(id, provider, _)| config(id, provider.clone(), simulator.base_url()))
        .collect();
    assert!(!format!("{sources:?}").contains("expired"), "{sources:?}");
    sources.push(config(
        "nws",
        providers()[5].1.clone(),
        simulator.base_url(),
    ));
    let rig = Rig::start(
        &log,
        sources.into_iter().map(SourceConfig::Weather).collect(),
    );
    eventually("an error each and an observation", || {
        let status = rig.ingester.status();
        let failed = status.iter().filter(|status| status.last_error.is_some());
        failed.count() == expired.len() && log.count(Topic::Temperature) == 1
    })
    .await;
    let status = rig.ingester.status();
    for (status, (id, _, expected)) in status.iter().zip(&expired) {
        let error = status.last_error.clone().unwrap();
        assert!(
            error.contains(expected) && !error.contains("expired"),
            "{id}: {error}"
        );
        assert_eq!(status.restarts, 0, "{id}");
    }
    assert_eq!(status[4].last_error, None);
    assert_eq!(observed(&log).into_keys().collect::<Vec<_>>(), ["nws"]);
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn fills_gap_from_nws_history() {
    let (simulator, _clock) = simulate(9).await;
    let log = FakeLog::new();
    let since = now().checked_add_millis(-3 * 3_600_000).unwrap();
    log.set_cursor("nws:new-york", &since.millis().to_string());
    let nws = WeatherConfig {
        history_days: 7,
        ..config("nws", providers()[5].1.clone(), simulator.base_url())
    };
    let rig = Rig::start(&log, vec![SourceConfig::Weather(nws)]);
    eventually("three hours and now", || log.count(Topic::Temperature) == 4).await;
    rig.ingester.drain(GRACE).await;
    let key = |at: &str| {
        let at = Timestamp::parse_rfc3339(&format!("2024-05-03T{at}:00Z")).unwrap();
        format!("new-york:nws:{}", at.millis())
    };
    let expected = ["08:00", "09:00", "10:00", "10:15"].map(key);
    assert_eq!(log.keys(Topic::Temperature), expected);
}

/// Path and user agent of each request.
type Requests = Arc<Mutex<Vec<(String, String)>>>;

#[actix::test]
async fn finds_nearest_station_once_and_sends_contact() {
    let requests = Requests::default();
    let respond = async |State(requests): State<Requests>, request: Request| {
        let path = request.uri().path().to_owned();
        let agent = request.headers()[USER_AGENT].to_str().unwrap().to_owned();
        let n = requests.lock().unwrap().len();
        requests.lock().unwrap().push((path.clone(), agent));
        let value = json!({ "unitCode": "wmoUnit:degC", "value": 11.5 });
        let response = match path.as_str() {
            "/points/40.7,-74" => json!({ "properties": {
                "observationStations": "https://api.weather.gov/gridpoints/OKX/1,2/stations"
            } }),
            "/gridpoints/OKX/1,2/stations" => json!({ "features": [
                { "geometry": { "coordinates": [-73.9, 40.7] }, "properties": { "stationIdentifier": "KNYC" } }
            ] }),
            _ => json!({ "properties": {
                "timestamp": format!("2024-05-03T10:{:02}:00+00:00", n % 60), "temperature": value
            } }),
        };
        response.to_string().into_response()
    };
    let address = serve(Router::new().fallback(respond).with_state(requests.clone())).await;
    let log = FakeLog::new();
    let base = format!("http://{address}").parse().unwrap();
    let nws = config("nws", providers()[5].1.clone(), base);
    let rig = Rig::start(&log, vec![SourceConfig::Weather(nws)]);
    eventually("some observations", || log.count(Topic::Temperature) >= 3).await;
    rig.ingester.drain(GRACE).await;
    let requests = requests.lock().unwrap();
    let paths: Vec<_> = requests.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths[..2],
        ["/points/40.7,-74", "/gridpoints/OKX/1,2/stations"]
    );
    let latest = "/stations/KNYC/observations/latest";
    assert!(paths[2..].iter().all(|path| *path == latest), "{paths:?}");
    let agent = concat!("moodvane/", env!("CARGO_PKG_VERSION"), " (ops@example.org)");
    assert!(
        requests.iter().all(|(_, sent)| sent == agent),
        "{requests:?}"
    );
}

#[actix::test]
async fn keeps_request_budget_across_restart() {
    let (simulator, _clock) = simulate(10).await;
    let log = FakeLog::new();
    let cursor = "weatherbit:new-york:asked";
    let daily = |calls| WeatherConfig {
        calls_per_day: NonZeroU32::new(calls),
        ..config("weatherbit", providers()[2].1.clone(), simulator.base_url())
    };
    // 48 a day: one every half an hour.
    let rig = Rig::start(&log, vec![SourceConfig::Weather(daily(48))]);
    eventually("the first", || log.count(Topic::Temperature) == 1).await;
    rig.ingester.drain(GRACE).await;
    assert_eq!(log.cursor_of(cursor), Some(now().millis().to_string()));
    assert_eq!(simulator.stats().current, 1);

    // A restart: the next request is half an hour away.
    let others = providers()[0].1.clone();
    let other = config("open-meteo", others, simulator.base_url());
    let sources = vec![
        SourceConfig::Weather(daily(48)),
        SourceConfig::Weather(other),
    ];
    let rig = Rig::start(&log, sources);
    eventually("many polls of another", || simulator.stats().current > 20).await;
    assert_eq!(rig.seen(), 0);
    rig.ingester.drain(GRACE).await;

    // A restart half an hour after the last request.
    let earlier = now().checked_add_millis(-1_800_000).unwrap();
    log.set_cursor(cursor, &earlier.millis().to_string());
    let rig = Rig::start(&log, vec![SourceConfig::Weather(daily(48))]);
    eventually("a response", || rig.seen() == 1).await;
    rig.ingester.drain(GRACE).await;
}
