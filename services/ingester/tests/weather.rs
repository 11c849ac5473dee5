//! The Open-Meteo source against an HTTP server of this test.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::process::Command;

use axum::http::StatusCode;
use moodvane_ingester::{SourceConfig, SourceState, WeatherConfig};
use moodvane_model::{City, CityId, Observation, Topic};
use tempfile::TempDir;

use support::log::{FakeLog, eventually};
use support::open_meteo::{NAME, Server, at, current, history, key, millis};
use support::{GRACE, Rig, SHORT, new_york, source};

#[actix::test]
async fn publishes_unchanged_observation_once() {
    let log = FakeLog::new();
    let server = Server::new([
        current("2024-05-03T10:00", 11.0),
        current("2024-05-03T10:00", 11.0),
        current("2024-05-03T10:15", 12.5),
        current("2024-05-03T10:00", 11.0),
    ]);
    let rig = server.rig(&log, 0).await;
    eventually("some polls", || server.requests("current").len() > 8).await;
    rig.ingester.drain(GRACE).await;
    let keys = [key("2024-05-03T10:00"), key("2024-05-03T10:15")];
    assert_eq!(log.keys(Topic::Temperature), keys);
    assert_eq!(log.cursor_of(NAME), Some(millis("2024-05-03T10:15")));
    let (seen, unchanged) = (rig.seen(), rig.dropped("unchanged"));
    assert!(
        unchanged >= 5 && seen == unchanged + 2,
        "{seen} {unchanged}"
    );
    assert!(server.requests("hourly").is_empty());
    let observation = Observation::from_json(&log.values(Topic::Temperature)[1]).unwrap();
    assert_eq!(observation.received_at, support::now());
    let status = rig.status();
    assert_eq!((status.records, status.last_error), (2, None));
    assert_eq!(status.last_event, Some(at("2024-05-03T10:15")));
}

#[actix::test]
async fn counts_failed_responses_and_continues_polling() {
    let log = FakeLog::new();
    let status = |status| (status, "no".to_owned());
    let server = Server::new([
        status(StatusCode::TOO_MANY_REQUESTS),
        status(StatusCode::BAD_GATEWAY),
        (StatusCode::OK, "x".repeat((1 << 20) + 1)),
        (StatusCode::OK, "<html>".to_owned()),
        current("2024-05-03T10:00", 11.0),
    ]);
    let rig = server.rig(&log, 0).await;
    eventually("the observation", || log.count(Topic::Temperature) == 1).await;
    let errors = ["status", "too_long", "not_json"].map(|reason| rig.errors(reason));
    assert_eq!(errors, [2, 1, 1]);
    let status = rig.status();
    assert_eq!((status.state, status.restarts), (SourceState::Running, 0));
    assert!(status.last_error.unwrap().contains("not JSON"));
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn reports_tls_error_without_key() {
    let (log, server) = (FakeLog::new(), Server::new([]));
    let mut config = server.config().await;
    let secure = config.base_url.as_str().replace("http://", "https://") + "?apikey=secret";
    config.base_url = secure.parse().unwrap();
    let rig = Rig::start(&log, vec![SourceConfig::Weather(config)]);
    eventually("a failure", || rig.errors("request") > 0).await;
    let error = rig.status().last_error.unwrap();
    assert!(
        error.contains("request failed") && !error.contains("secret"),
        "{error}"
    );
    assert_eq!(rig.status().restarts, 0, "no panic");
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn polls_other_cities_while_one_fails() {
    let (log, server) = (
        FakeLog::new(),
        Server::new([current("2024-05-03T10:00", 11.0)]),
    );
    let id = CityId::parse("null-island").unwrap();
    let names = ["null island".to_owned()];
    let nowhere = City::new(id, "Null Island", &names, (0.0, 0.0), "UTC").unwrap();
    let config = WeatherConfig {
        cities: vec![nowhere, new_york()],
        ..server.config().await
    };
    let rig = Rig::start(&log, vec![SourceConfig::Weather(config)]);
    eventually("failures and an observation", || {
        rig.errors("status") > 2 && log.count(Topic::Temperature) == 1
    })
    .await;
    assert_eq!(log.keys(Topic::Temperature), [key("2024-05-03T10:00")]);
    assert_eq!(rig.status().restarts, 0);
    rig.ingester.drain(GRACE).await;
}

#[test]
fn connects_to_loopback_without_certificates_or_proxy() {
    // A process with threads cannot change its environment.
    let none = TempDir::new().unwrap();
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "counts_failed_responses_and_continues_polling"])
        .env("SSL_CERT_FILE", none.path().join("none.pem"))
        .env("SSL_CERT_DIR", none.path())
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&done.stdout);
    assert!(stdout.contains("1 passed"), "{stdout}");
}

#[actix::test]
async fn reads_history_once_and_counts_it_as_received_when_observed() {
    let log = FakeLog::new();
    let hours = [
        "2024-05-03T08:00",
        "2024-05-03T09:00",
        "2024-05-03T10:00",
        "2024-05-03T11:00",
    ];
    let server = Server::new([history(&hours), current("2024-05-03T10:15", 12.5)]);
    let rig = server.rig(&log, 30).await;
    eventually("all", || log.count(Topic::Temperature) == 4).await;
    rig.ingester.drain(GRACE).await;
    let expected: Vec<String> = hours[..3]
        .iter()
        .copied()
        .chain(["2024-05-03T10:15"])
        .map(key)
        .collect();
    assert_eq!(
        log.keys(Topic::Temperature),
        expected,
        "11:00 is a forecast"
    );
    let first = Observation::from_json(&log.values(Topic::Temperature)[0]).unwrap();
    assert_eq!(first.received_at, at("2024-05-03T08:00"));
    let requests = server.requests("hourly");
    assert_eq!(
        (requests.len(), requests[0]["past_days"].as_str()),
        (1, "30")
    );

    // A restart: the cursor is minutes old.
    let again = Server::new([current("2024-05-03T10:15", 12.5)]);
    let rig = again.rig(&log, 30).await;
    eventually("some polls", || again.requests("current").len() > 2).await;
    rig.ingester.drain(GRACE).await;
    assert!(again.requests("hourly").is_empty());
    assert_eq!(log.count(Topic::Temperature), 4);
}

#[actix::test]
async fn fills_gap_since_cursor() {
    let log = FakeLog::new();
    log.set_cursor(NAME, &millis("2024-05-01T23:30"));
    let hours = ["2024-05-01T23:00", "2024-05-02T00:00", "2024-05-02T01:00"];
    let server = Server::new([
        (StatusCode::BAD_GATEWAY, String::new()),
        history(&hours),
        current("2024-05-03T10:15", 12.5),
    ]);
    let rig = server.rig(&log, 30).await;
    eventually("all", || log.count(Topic::Temperature) == 3).await;
    rig.ingester.drain(GRACE).await;
    let expected = ["2024-05-02T00:00", "2024-05-02T01:00", "2024-05-03T10:15"].map(key);
    assert_eq!(log.keys(Topic::Temperature), expected);
    let requests = server.requests("hourly");
    assert_eq!(
        (requests.len(), requests[1]["past_days"].as_str()),
        (2, "2")
    );
}

#[actix::test]
async fn moves_cursor_only_after_acknowledgement() {
    let log = FakeLog::new();
    log.hold();
    let server = Server::new([current("2024-05-03T10:00", 11.0)]);
    let rig = server.rig(&log, 0).await;
    eventually("a publish", || log.begun() == 1).await;
    let report = rig.ingester.drain(SHORT).await;
    assert_eq!(report.abandoned, [source("open-meteo")]);
    assert_eq!((log.cursor_of(NAME), log.saves()), (None, 0));
    assert_eq!(
        server.requests("current").len(),
        1,
        "the log exerts back-pressure"
    );
}

#[actix::test]
async fn names_unreadable_cursor_in_error() {
    let log = FakeLog::new();
    log.set_cursor(NAME, "yesterday");
    let server = Server::new([current("2024-05-03T10:00", 11.0)]);
    let rig = server.rig(&log, 0).await;
    eventually("a failure", || rig.status().restarts > 0).await;
    let error = rig.status().last_error.unwrap();
    assert!(
        error.contains(NAME) && error.contains("yesterday"),
        "{error}"
    );
    rig.ingester.drain(GRACE).await;
}
