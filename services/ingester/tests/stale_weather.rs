//! Observations that are old, in the future, or have bad side values, from a provider that answers.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use axum::http::StatusCode;
use moodvane_ingester::SourceState;
use moodvane_model::{Observation, Topic, Variable};
use serde_json::json;

use support::log::{FakeLog, eventually};
use support::open_meteo::{NAME, Server, at, current, key};
use support::{GRACE, new_york};

#[actix::test]
async fn leaves_out_observation_in_the_future_until_its_time_is_plausible() {
    let log = FakeLog::new();
    let server = Server::new([
        current("2024-05-03T10:31", 11.0),
        current("2024-05-03T10:29", 12.5),
    ]);
    let rig = server.rig(&log, 0).await;
    eventually("the plausible one", || log.count(Topic::Temperature) == 1).await;
    rig.ingester.drain(GRACE).await;
    assert_eq!(log.keys(Topic::Temperature), [key("2024-05-03T10:29")]);
    assert_eq!(rig.dropped("future"), 1);
    assert_eq!(rig.errors("future"), 0, "the provider answered");
    let error = rig.status().last_error.unwrap();
    assert!(error.contains("processor.ahead_s ahead"), "{error}");
    assert!(rig.status().stale.is_empty());
}

const STALE_CURSOR: &str = "open-meteo:new-york:stale";

#[actix::test]
async fn leaves_out_weather_of_three_days_ago_and_reports_it() {
    let log = FakeLog::new();
    let server = Server::new([
        current("2024-04-30T10:00", 33.0),
        current("2024-04-30T10:00", 33.0),
        current("2024-04-30T10:00", 33.0),
    ]);
    let rig = server.rig(&log, 0).await;
    eventually("some polls", || rig.dropped("too_old") > 5).await;
    let status = rig.status();
    assert_eq!(status.state, SourceState::Running, "the provider answers");
    let since = at("2024-04-30T10:00");
    assert_eq!(status.stale, [(new_york().id, since)].into());
    assert!(status.last_error.unwrap().contains("2024-04-30T10:00"));
    let actors = rig.ingester.actor_tree().actors;
    let actor = actors
        .iter()
        .find(|actor| actor.name == "open-meteo")
        .unwrap();
    assert_eq!(actor.stale_since, Some(since.to_string()));
    assert_eq!(
        actor.stale,
        [("new-york".to_owned(), since.to_string())].into()
    );
    rig.ingester.drain(GRACE).await;
    assert_eq!(
        log.count(Topic::Temperature),
        0,
        "its hour is not the current one"
    );
    assert_eq!(log.cursor_of(NAME), None);
    let note = format!("{}:{}", since.millis(), support::now().millis());
    assert_eq!(log.cursor_of(STALE_CURSOR), Some(note));
    assert_eq!(log.saves(), 1, "one note, not one a poll");
}

#[actix::test]
async fn reports_late_weather_as_stale_and_counts_it_in_its_hour() {
    let log = FakeLog::new();
    log.set_cursor(STALE_CURSOR, "1:2");
    let server = Server::new([
        current("2024-05-03T07:19", 9.0),
        current("2024-05-03T07:19", 9.0),
        current("2024-05-03T10:15", 12.5),
    ]);
    let rig = server.rig(&log, 0).await;
    eventually("stale", || !rig.status().stale.is_empty()).await;
    eventually("fresh again", || rig.status().stale.is_empty()).await;
    eventually("both", || log.count(Topic::Temperature) == 2).await;
    rig.ingester.drain(GRACE).await;
    let keys = [key("2024-05-03T07:19"), key("2024-05-03T10:15")];
    assert_eq!(log.keys(Topic::Temperature), keys);
    assert_eq!(log.cursor_of(STALE_CURSOR), Some("fresh".to_owned()));
}

#[actix::test]
async fn bad_side_value_costs_only_itself_and_is_counted_once() {
    let log = FakeLog::new();
    let response = json!({
        "current_units": {
            "time": "iso8601", "temperature_2m": "°C", "relative_humidity_2m": "%",
            "wind_speed_10m": "undefined", "surface_pressure": "hPa"
        },
        "current": {
            "time": "2024-05-03T10:15", "temperature_2m": 11.5, "relative_humidity_2m": 103,
            "wind_speed_10m": 3.0, "surface_pressure": 0
        },
    });
    let server = Server::new([(StatusCode::OK, response.to_string())]);
    let rig = server.rig(&log, 0).await;
    eventually("some polls", || rig.dropped("unchanged") > 3).await;
    rig.ingester.drain(GRACE).await;
    let observation = Observation::from_json(&log.values(Topic::Temperature)[0]).unwrap();
    let value = |variable| observation.readings.get(variable).map(|q| q.value());
    let found = [Variable::Temperature, Variable::Humidity, Variable::Wind].map(value);
    assert_eq!(found, [Some(11.5), Some(100.0), None]);
    assert_eq!(rig.omitted("wind", "unit"), 1, "not once a poll");
    assert_eq!(rig.omitted("pressure", "impossible_value"), 1);
    assert_eq!(rig.status().last_error, None);
}
