//! Requests to Open-Meteo and parsing of its responses.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::answers::{current, hourly};
use common::{bytes, chain, new_york, omissions, rfc3339, values, with};
use moodvane_model::Variable;
use moodvane_upstream::open_meteo::{current_url, history_url, parse_current, parse_history};
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

#[test]
fn converts_current_weather_to_our_units() {
    let found = parse_current(&bytes(&current())).unwrap();
    let (at, readings) = (found.observed_at, found.readings);
    assert_eq!(found.omitted, []);
    assert_eq!(at, rfc3339("2018-01-01T02:15:00Z"));
    assert_eq!(
        values(&readings),
        [
            Some(7.5),
            Some(81.0),
            Some(1.2),
            Some(3.25),
            Some(100.0),
            Some(1013.2)
        ]
    );
}

#[test]
fn converts_local_time_by_utc_offset() {
    for (offset, expected) in [
        (Some(json!(-18_000)), "2018-01-01T07:15:00Z"),
        (Some(json!(20_700)), "2017-12-31T20:30:00Z"),
        (None, "2018-01-01T02:15:00Z"),
    ] {
        let answer = with(current(), "/utc_offset_seconds", offset);
        let at = parse_current(&bytes(&answer)).unwrap().observed_at;
        assert_eq!(at, rfc3339(expected));
    }
}

#[test]
fn parses_older_form_of_current_weather() {
    let older = json!({
        "utc_offset_seconds": 3600,
        "current_weather": {
            "temperature": 12.5, "windspeed": 4.0, "winddirection": 10, "weathercode": 3,
            "time": "2022-02-03T04:00"
        }
    });
    let found = parse_current(&bytes(&older)).unwrap();
    let (at, readings) = (found.observed_at, found.readings);
    assert_eq!(omissions(&found.omitted), [(Variable::Wind, "unit")]);
    assert_eq!(at, rfc3339("2022-02-03T03:00:00Z"));
    // The wind has no stated unit, and the API's default is not ours.
    assert_eq!(
        values(&readings),
        [Some(12.5), None, None, None, None, None]
    );

    let units = json!({"temperature": "°C", "windspeed": "m/s"});
    let stated = with(older, "/current_weather_units", Some(units));
    let readings = parse_current(&bytes(&stated)).unwrap().readings;
    assert_eq!(readings.get(Variable::Wind).unwrap().value(), 4.0);
}

#[test]
fn omits_null_values() {
    for field in ["relative_humidity_2m", "precipitation", "wind_speed_10m"] {
        for absent in [None, Some(json!(null))] {
            let answer = with(current(), &format!("/current/{field}"), absent);
            let readings = parse_current(&bytes(&answer)).unwrap().readings;
            assert_eq!(values(&readings).iter().flatten().count(), 5, "{field}");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn rejects_invalid_current_weather() {
    let set = |path: &str, value: Value| bytes(&with(current(), path, Some(value)));
    let cut = |path: &str| bytes(&with(current(), path, None));
    for (body, reason, says) in [
        (b"<html>".to_vec(), "not_json", "not JSON"),
        (b"".to_vec(), "not_json", "not JSON"),
        (b"[]".to_vec(), "wrong_type", "object"),
        (
            br#"{"error":true,"reason":"Too many"}"#.to_vec(),
            "provider",
            "Too many",
        ),
        (br#"{"error":true}"#.to_vec(), "provider", "no reason given"),
        (cut("/current"), "missing_field", "`current`"),
        (cut("/current/time"), "missing_field", "current.time"),
        (
            cut("/current/temperature_2m"),
            "missing_field",
            "current.temperature_2m",
        ),
        (
            set("/current/temperature_2m", json!(null)),
            "missing_field",
            "current.temperature_2m",
        ),
        (set("/current", json!("odd")), "wrong_type", "`current`"),
        (
            set("/current/temperature_2m", json!("7")),
            "wrong_type",
            "a number",
        ),
        (
            set("/utc_offset_seconds", json!("0")),
            "wrong_type",
            "utc_offset_seconds",
        ),
        (
            set("/utc_offset_seconds", json!(i64::MIN)),
            "wrong_type",
            "utc_offset_seconds",
        ),
        (
            set("/current_units/temperature_2m", json!("undefined")),
            "wrong_unit",
            "undefined",
        ),
        (
            set("/current_units/time", json!("unixtime")),
            "wrong_unit",
            "iso8601",
        ),
        (
            set("/current/time", json!(1_514_772_000)),
            "time",
            "1514772000",
        ),
        (
            set("/current/time", json!("2018-13-01T00:00")),
            "time",
            "2018-13-01",
        ),
        (
            set("/current/time", json!("1969-12-31T23:00")),
            "impossible_value",
            "current.time",
        ),
        (
            set("/current/temperature_2m", json!(71)),
            "impossible_value",
            "temperature 71",
        ),
    ] {
        let error = parse_current(&body).unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(chain(&error).contains(says), "{says} in {error}");
    }
}

#[test]
fn converts_temperature_from_stated_unit() {
    let answer = with(
        current(),
        "/current_units/temperature_2m",
        Some(json!("°F")),
    );
    let answer = with(answer, "/current/temperature_2m", Some(json!(50.0)));
    let found = parse_current(&bytes(&answer)).unwrap();
    assert_eq!(values(&found.readings)[0], Some(10.0));
}

#[test]
fn keeps_past_hours_with_temperature() {
    let hours = |until| parse_history(&bytes(&hourly()), rfc3339(until)).unwrap();
    let until_three = hours("2018-01-01T02:59:59Z");
    let found: Vec<_> = until_three
        .iter()
        .map(|found| (found.observed_at, values(&found.readings)))
        .collect();
    assert_eq!(
        found,
        [
            (
                rfc3339("2018-01-01T00:00:00Z"),
                [
                    Some(1.0),
                    Some(50.0),
                    Some(0.0),
                    Some(1.0),
                    Some(0.0),
                    Some(1000.0)
                ]
            ),
            (
                rfc3339("2018-01-01T02:00:00Z"),
                [
                    Some(3.0),
                    None,
                    Some(1.5),
                    Some(3.0),
                    Some(20.0),
                    Some(1002.0)
                ]
            ),
        ]
    );
    assert_eq!(hours("2018-01-01T02:00:00Z").len(), 2);
    assert_eq!(hours("2018-01-01T01:59:59Z").len(), 1);
    assert_eq!(hours("2017-12-31T23:59:59Z").len(), 0);
}

#[test]
fn rejects_invalid_history() {
    let set = |path: &str, value: Value| bytes(&with(hourly(), path, Some(value)));
    for (body, reason, says) in [
        (bytes(&current()), "missing_field", "`hourly`"),
        (
            set("/hourly/temperature_2m", json!([1.0])),
            "wrong_type",
            "as long as",
        ),
        (
            set("/hourly/temperature_2m", json!(1.0)),
            "wrong_type",
            "a list",
        ),
        (
            set("/hourly/temperature_2m", json!(["1", 2, 3])),
            "wrong_type",
            "temperature_2m[0]",
        ),
        (
            set("/hourly/time", json!(["2018-01-01"])),
            "time",
            "hourly.time[0]",
        ),
        (
            set("/hourly_units/temperature_2m", json!("°R")),
            "wrong_unit",
            "°C",
        ),
    ] {
        let error = parse_history(&body, rfc3339("2019-01-01T00:00:00Z")).unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(chain(&error).contains(says), "{says} in {error}");
    }
}

#[test]
fn requests_our_units() {
    let base = Url::parse("https://weather.example/").unwrap();
    insta::assert_snapshot!(current_url(&base, &new_york()), @"https://weather.example/v1/forecast?latitude=40.7128&longitude=-74.006&current=temperature_2m%2Crelative_humidity_2m%2Cprecipitation%2Cwind_speed_10m%2Ccloud_cover%2Csurface_pressure&temperature_unit=celsius&wind_speed_unit=ms&precipitation_unit=mm&timeformat=iso8601&timezone=UTC");
    insta::assert_snapshot!(history_url(&base, &new_york(), 200), @"https://weather.example/v1/forecast?latitude=40.7128&longitude=-74.006&hourly=temperature_2m%2Crelative_humidity_2m%2Cprecipitation%2Cwind_speed_10m%2Ccloud_cover%2Csurface_pressure&temperature_unit=celsius&wind_speed_unit=ms&precipitation_unit=mm&timeformat=iso8601&timezone=UTC&past_days=92&forecast_days=1");
}

#[test]
fn keeps_path_and_key_of_base_url() {
    let base = Url::parse("http://127.0.0.1:8/proxy?apikey=k#x").unwrap();
    let url = current_url(&base, &new_york());
    assert_eq!(url.path(), "/proxy/v1/forecast");
    assert!(url.query().unwrap().starts_with("apikey=k&latitude="));
    assert_eq!(url.fragment(), None);
}

proptest! {
    #[test]
    fn no_response_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_current(&body);
        let _ = parse_history(&body, rfc3339("2019-01-01T00:00:00Z"));
    }

    #[test]
    fn no_changed_byte_panics(at in any::<usize>(), byte in any::<u8>()) {
        for answer in [current(), hourly()] {
            let mut body = bytes(&answer);
            let at = at % body.len();
            body[at] = byte;
            let _ = parse_current(&body);
            let _ = parse_history(&body, rfc3339("2019-01-01T00:00:00Z"));
        }
    }

    #[test]
    fn parses_any_valid_temperature(tenths in -900_i32..=700) {
        let celsius = f64::from(tenths) / 10.0;
        let answer = with(current(), "/current/temperature_2m", Some(json!(celsius)));
        let readings = parse_current(&bytes(&answer)).unwrap().readings;
        prop_assert_eq!(readings.get(Variable::Temperature).unwrap().value(), celsius);
    }
}
