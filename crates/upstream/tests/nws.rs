//! Requests to the National Weather Service and parsing of its responses.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{bytes, city, new_york, read, rfc3339, with};
use moodvane_upstream::{UpstreamError, nws};
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

/// A field, its content, the index of the variable, and the expected value or reason for the error.
type Case = (
    &'static str,
    Option<Value>,
    usize,
    Result<Option<f64>, &'static str>,
);

fn station() -> Value {
    let value =
        |unit: &str, value: f64| json!({ "unitCode": unit, "value": value, "qualityControl": "V" });
    json!({
        "properties": {
            "timestamp": "2018-01-01T02:15:00+00:00",
            "temperature": value("wmoUnit:degC", 21.5),
            "relativeHumidity": value("wmoUnit:percent", 64.0),
            "precipitationLastHour": value("wmoUnit:mm", 0.25),
            "windSpeed": value("wmoUnit:km_h-1", 36.0),
            "barometricPressure": value("wmoUnit:Pa", 101_500.0),
            "cloudLayers": [{ "amount": "FEW" }, { "amount": "BKN" }]
        }
    })
}

#[test]
fn converts_observation_to_our_units() {
    let (at, values) = read(nws::parse_latest, &station()).unwrap();
    assert_eq!(at, rfc3339("2018-01-01T02:15:00Z").to_string());
    assert_eq!(values, [21.5, 64.0, 0.25, 10.0, 75.0, 1015.0].map(Some));
}

#[test]
fn rounds_coordinates_to_four_decimals() {
    let place = city("x", (40.712_84, -74.0), &[]);
    let url = nws::point_url(&"https://example.org".parse().unwrap(), &place);
    assert_eq!(url.as_str(), "https://example.org/points/40.7128,-74");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn converts_omits_or_rejects_values() {
    let of = |unit: &str, value: Value| json!({ "unitCode": unit, "value": value });
    let flagged =
        |flag: &str| json!({ "unitCode": "unit:degC", "value": 1.0, "qualityControl": flag });
    let cases: [Case; 22] = [
        (
            "temperature",
            Some(of("unit:degF", json!(32.0))),
            0,
            Ok(Some(0.0)),
        ),
        (
            "temperature",
            Some(of("wmoUnit:K", json!(273.15))),
            0,
            Ok(Some(0.0)),
        ),
        (
            "temperature",
            Some(of("unit:degR", json!(5))),
            0,
            Err("wrong_unit"),
        ),
        (
            "temperature",
            Some(of("degC", json!(5))),
            0,
            Err("wrong_unit"),
        ),
        (
            "temperature",
            Some(of("unit:degC", Value::Null)),
            0,
            Err("no_value"),
        ),
        ("temperature", Some(flagged("qc:X")), 0, Err("no_value")),
        ("temperature", Some(flagged("Q")), 0, Err("no_value")),
        ("temperature", Some(flagged("S")), 0, Ok(Some(1.0))),
        ("temperature", None, 0, Err("missing_field")),
        (
            "temperature",
            Some(of("unit:degC", json!("NaN"))),
            0,
            Err("no_value"),
        ),
        (
            "temperature",
            Some(of("unit:degC", json!("warm"))),
            0,
            Err("wrong_type"),
        ),
        (
            "relativeHumidity",
            Some(of("unit:percent", json!(100.4))),
            1,
            Ok(Some(100.0)),
        ),
        (
            "relativeHumidity",
            Some(of("unit:percent", json!(103.0))),
            1,
            Ok(Some(100.0)),
        ),
        (
            "relativeHumidity",
            Some(of("unit:percent", json!(111.0))),
            1,
            Ok(None),
        ),
        (
            "precipitationLastHour",
            Some(of("unit:m", json!(0.0122))),
            2,
            Ok(Some(12.2)),
        ),
        ("precipitationLastHour", None, 2, Ok(None)),
        (
            "windSpeed",
            Some(of("unit:m_s-1", Value::Null)),
            3,
            Ok(None),
        ),
        ("windSpeed", Some(of("unit:furlong", json!(1))), 3, Ok(None)),
        (
            "windSpeed",
            Some(of("wmoUnit:kt", json!(36.0))),
            3,
            Ok(Some(18.52)),
        ),
        ("windSpeed", Some(json!("calm")), 3, Ok(None)),
        (
            "barometricPressure",
            Some(of("wmoUnit:Pa", json!(0))),
            5,
            Ok(None),
        ),
        (
            "barometricPressure",
            Some(of("unit:hPa", json!(990))),
            5,
            Ok(Some(990.0)),
        ),
    ];
    for (field, value, index, expected) in cases {
        let answer = with(station(), &format!("/properties/{field}"), value.clone());
        let found = read(nws::parse_latest, &answer);
        let found = found
            .as_ref()
            .map(|(_, values)| values[index])
            .map_err(UpstreamError::reason);
        assert_eq!(found, expected, "{field} {value:?}");
    }
}

#[test]
fn uses_largest_layer_as_cloud_cover() {
    for (layers, expected) in [
        (json!([]), None),
        (Value::Null, None),
        (json!([{ "amount": "CLR" }]), Some(0.0)),
        (
            json!([{ "amount": "FEW" }, { "amount": "SCT" }]),
            Some(43.75),
        ),
        (
            json!([{ "amount": "OVC" }, { "amount": "FEW" }]),
            Some(100.0),
        ),
        (json!([{ "amount": "VV" }]), Some(100.0)),
        (json!([{ "amount": "FEW" }, { "amount": "???" }]), None),
        (json!([{}]), None),
    ] {
        let answer = with(station(), "/properties/cloudLayers", Some(layers));
        let (_, values) = read(nws::parse_latest, &answer).unwrap();
        assert_eq!(values[4], expected, "{answer}");
    }
}

fn stations() -> Value {
    let station = |id: &str, place: Value| json!({ "geometry": { "coordinates": place }, "properties": { "stationIdentifier": id } });
    json!({ "features": [
        station("KLGA", json!([-73.88, 40.779])),
        station("KNYC", json!([-73.969, 40.779])),
        station("../x", json!([-74.006, 40.7128])),
        station("KJFK", Value::Null),
        {},
    ] })
}

#[test]
fn finds_valid_stations_nearest_first() {
    let found = nws::parse_stations(&bytes(&stations()), &new_york()).unwrap();
    let names: Vec<_> = found.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(names, ["KNYC", "KLGA"], "the nearest first");
    let (id, km) = found.into_iter().next().unwrap();
    assert!((7.0..9.0).contains(&km), "{km}");
    let base = "https://example.org/".parse().unwrap();
    let asked = nws::latest_url(&base, &id);
    assert_eq!(asked.path(), "/stations/KNYC/observations/latest");
    let since = nws::since_url(&base, &id, rfc3339("2018-01-01T00:00:00Z"));
    assert_eq!(since.path(), "/stations/KNYC/observations");
    assert!(
        since
            .query()
            .unwrap()
            .starts_with("start=2018-01-01T00%3A00%3A00")
    );

    let none = bytes(&json!({ "features": [{}] }));
    let error = nws::parse_stations(&none, &new_york()).unwrap_err();
    assert_eq!(error.reason(), "no_value");
}

#[test]
fn bounds_number_and_distance_of_stations() {
    let station = |i: usize, east: f64| json!({ "geometry": { "coordinates": [-74.006 + east, 40.7128] }, "properties": { "stationIdentifier": format!("K{i}") } });
    let many: Vec<_> = (0..9).rev().map(|i| station(i, i as f64 * 0.01)).collect();
    let found = nws::parse_stations(&bytes(&json!({ "features": many })), &new_york()).unwrap();
    let names: Vec<_> = found.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(names, ["K0", "K1", "K2", "K3", "K4"]);
    // A degree is 84 km there.
    for (east, count) in [([0.1, 0.2, 1.0], 2), ([1.0, 1.1, 1.2], 1)] {
        let features: Vec<_> = (0..).zip(east).map(|(i, east)| station(i, east)).collect();
        let body = bytes(&json!({ "features": features }));
        let found = nws::parse_stations(&body, &new_york()).unwrap();
        assert_eq!(found.len(), count, "{east:?}");
    }
}

#[test]
fn rejects_links_to_other_paths() {
    let base: Url = "https://example.org".parse().unwrap();
    let point = |url: &str| {
        let answer = json!({ "properties": { "observationStations": url } });
        nws::parse_point(&bytes(&answer)).map(|path| nws::stations_url(&base, &path).to_string())
    };
    let good = point("https://elsewhere.example/gridpoints/OKX/33,35/stations?x=1").unwrap();
    assert_eq!(good, "https://example.org/gridpoints/OKX/33,35/stations");
    for bad in [
        "https://example.org/admin",
        "/gridpoints/OKX/1,1/stations",
        "",
        "data:gridpoints/",
    ] {
        assert_eq!(point(bad).unwrap_err().reason(), "wrong_type", "{bad}");
    }
}

fn every_parser(body: &[u8]) {
    let _ = nws::parse_latest(body);
    let _ = nws::parse_observations(body);
    let _ = nws::parse_point(body);
    let _ = nws::parse_stations(body, &new_york());
}

proptest! {
    #[test]
    fn no_response_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
        every_parser(&body);
    }

    #[test]
    fn no_changed_byte_panics(at in any::<usize>(), byte in any::<u8>()) {
        for answer in [station(), stations(), json!({ "features": [station()] })] {
            let mut body = bytes(&answer);
            let at = at % body.len();
            body[at] = byte;
            every_parser(&body);
        }
    }
}
