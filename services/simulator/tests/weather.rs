//! Open-Meteo's protocol over a real socket.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use moodvane_simulator::SimulatorConfig;
use serde_json::{Value, json};
use support::{at, config, run};

const PLACE: &str = "v1/forecast?latitude=40.7128&longitude=-74.0060&timezone=UTC";
const ALL: &str = "temperature_2m,relative_humidity_2m,precipitation,wind_speed_10m,cloud_cover,pressure_msl,surface_pressure";

fn current(variables: &str) -> String {
    format!("{PLACE}&current={variables}")
}

fn hourly(past_days: u32, forecast_days: u32) -> String {
    format!(
        "{PLACE}&hourly=temperature_2m,precipitation&past_days={past_days}&forecast_days={forecast_days}"
    )
}

#[tokio::test]
async fn current_weather_has_open_meteo_format() {
    let running = run(config(), at("2018-01-05T12:29:59Z")).await;
    let (status, answer) = running
        .get(&format!("{}&wind_speed_unit=ms", current(ALL)))
        .await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(answer, @r#"
    {
      "latitude": 40.71,
      "longitude": -74.01,
      "generationtime_ms": 0.05,
      "utc_offset_seconds": 0,
      "timezone": "GMT",
      "timezone_abbreviation": "GMT",
      "elevation": 10.0,
      "current_units": {
        "time": "iso8601",
        "interval": "seconds",
        "temperature_2m": "°C",
        "relative_humidity_2m": "%",
        "precipitation": "mm",
        "wind_speed_10m": "m/s",
        "cloud_cover": "%",
        "pressure_msl": "hPa",
        "surface_pressure": "hPa"
      },
      "current": {
        "time": "2018-01-05T12:15",
        "interval": 900,
        "temperature_2m": -5.8,
        "relative_humidity_2m": 69,
        "precipitation": 0.0,
        "wind_speed_10m": 4.2,
        "cloud_cover": 56,
        "pressure_msl": 1010.7,
        "surface_pressure": 1009.5
      }
    }
    "#);
}

#[tokio::test]
async fn several_locations_have_a_list_in_their_order() {
    let running = run(config(), at("2018-01-05T12:29:59Z")).await;
    let places = "v1/forecast?latitude=40.7128,40.8&longitude=-74.0060,-73.9&timezone=UTC";
    let (status, answer) = running
        .get(&format!("{places}&current=temperature_2m"))
        .await;
    assert_eq!(status, 200);
    let (_, alone) = running.get(&current("temperature_2m")).await;
    let all = answer.as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0], alone);
    assert_eq!(
        (&all[1]["latitude"], &all[1]["location_id"]),
        (&json!(40.8), &json!(1))
    );
    assert_eq!(all[1]["current"], alone["current"]);
    let elsewhere = "v1/forecast?latitude=40.7128,51.5&longitude=-74.0060,0&current=temperature_2m";
    let (status, answer) = running.get(elsewhere).await;
    assert_eq!((status, &answer["error"]), (400, &json!(true)));
}

#[tokio::test]
async fn hourly_weather_spans_past_days_and_forecast() {
    let running = run(config(), at("2018-01-05T12:29:59Z")).await;
    let (status, answer) = running.get(&hourly(2, 1)).await;
    assert_eq!(status, 200);
    let times = answer["hourly"]["time"].as_array().unwrap();
    assert_eq!(times.len(), 72);
    assert_eq!(times[0], "2018-01-03T00:00");
    assert_eq!(times[71], "2018-01-05T23:00");
    for variable in ["temperature_2m", "precipitation"] {
        assert_eq!(answer["hourly"][variable].as_array().unwrap().len(), 72);
    }
    let units = json!({"time": "iso8601", "temperature_2m": "°C", "precipitation": "mm"});
    assert_eq!(answer["hourly_units"], units);
}

#[tokio::test]
async fn current_and_hourly_agree_and_history_is_stable() {
    let running = run(config(), at("2018-01-05T12:00:00Z")).await;
    let (_, now) = running.get(&current("temperature_2m")).await;
    let (_, then) = running.get(&hourly(0, 1)).await;
    let temperature = then["hourly"]["temperature_2m"][12].clone();
    assert_eq!(now["current"]["temperature_2m"], temperature);
    running.clock.set(at("2018-02-05T12:00:00Z"));
    let (_, later) = running.get(&hourly(31, 1)).await;
    assert_eq!(later["hourly"]["time"][12], "2018-01-05T12:00");
    assert_eq!(later["hourly"]["temperature_2m"][12], temperature);
}

#[tokio::test]
async fn default_wind_unit_is_kilometres_per_hour() {
    let running = run(config(), at("2018-01-05T12:00:00Z")).await;
    let (_, answer) = running.get(&current("wind_speed_10m")).await;
    assert_eq!(answer["current_units"]["wind_speed_10m"], "km/h");
}

#[tokio::test]
async fn current_time_follows_interval_after_hold() {
    let config = SimulatorConfig {
        interval_s: 60,
        hold: Duration::from_secs(20),
        ..config()
    };
    let running = run(config, at("2018-01-05T12:00:00Z")).await;
    for (now, time) in [
        ("2018-01-05T12:00:00Z", "2018-01-05T12:00"),
        ("2018-01-05T12:00:59Z", "2018-01-05T12:00"),
        ("2018-01-05T12:01:50Z", "2018-01-05T12:01"),
        // First served 19 s ago and still held for a client that crashed.
        ("2018-01-05T12:02:09Z", "2018-01-05T12:01"),
        ("2018-01-05T12:02:10Z", "2018-01-05T12:02"),
        // Follows a clock that goes back.
        ("2018-01-05T11:00:00Z", "2018-01-05T11:00"),
    ] {
        running.clock.set(at(now));
        let (_, answer) = running.get(&current("temperature_2m")).await;
        assert_eq!(answer["current"]["time"], time, "at {now}");
        assert_eq!(answer["current"]["interval"], 60);
    }
}

#[tokio::test]
async fn rejects_invalid_parameters_with_400_and_reason() {
    let running = run(config(), at("2018-01-05T12:00:00Z")).await;
    for (path, part) in [
        (current("warmth"), "warmth"),
        (hourly(93, 1), "past_days"),
        (
            "v1/forecast?latitude=51.5&longitude=0&current=temperature_2m".to_owned(),
            "has the weather of",
        ),
        ("v1/forecast".to_owned(), "latitude"),
    ] {
        let (status, answer) = running.get(&path).await;
        assert_eq!(status, 400, "{path}");
        assert_eq!(answer["error"], Value::Bool(true), "{path}");
        let reason = answer["reason"].as_str().unwrap();
        assert!(reason.contains(part), "{path}: {reason}");
    }
}
