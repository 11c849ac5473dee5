//! Side values that are missing, no numbers, impossible or in another unit: they cost only
//! themselves.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::answers::{KEYED, current, hourly};
use common::{bytes, omissions, read, rfc3339, values, with};
use moodvane_model::{Quantity, Variable};
use moodvane_upstream::open_meteo::{parse_current, parse_history};
use moodvane_upstream::weatherbit;
use serde_json::{Value, json};

/// The content of a variable's field, its unit if it is another, and the expected value or reason
/// for its omission.
type SideCase = (
    Variable,
    Value,
    Option<&'static str>,
    Result<f64, &'static str>,
);

#[test]
fn bad_side_value_of_open_meteo_costs_only_itself() {
    use Variable::{Humidity, Precipitation, Pressure, Wind};
    let field = |variable| match variable {
        Humidity => "relative_humidity_2m",
        Wind => "wind_speed_10m",
        Precipitation => "precipitation",
        _ => "surface_pressure",
    };
    let cases: [SideCase; 18] = [
        (Humidity, json!(103), None, Ok(100.0)),
        (Humidity, json!(120), None, Err("impossible_value")),
        (Humidity, json!("M"), None, Err("missing")),
        (Humidity, json!("NaN"), None, Err("missing")),
        (Humidity, json!(-9999), None, Err("missing")),
        (Humidity, json!("high"), None, Err("not_a_number")),
        (Humidity, json!([81]), None, Err("not_a_number")),
        (Humidity, json!(null), None, Err("missing")),
        (Wind, json!(36.0), Some("km/h"), Ok(10.0)),
        (Wind, json!(36.0), Some("kn"), Ok(18.52)),
        (Wind, json!(10.0), Some("mp/h"), Ok(4.4704)),
        (Wind, json!(3.0), Some("undefined"), Err("unit")),
        (Wind, json!(999.9), None, Err("missing")),
        (Precipitation, json!(0.5), Some("inch"), Ok(50.8)),
        (Precipitation, json!("T"), None, Ok(0.05)),
        (Precipitation, json!(-0.1), None, Err("impossible_value")),
        (Pressure, json!(0), None, Err("impossible_value")),
        (Pressure, json!(29.92), Some("inHg"), Ok(1_013.207_489)),
    ];
    for (variable, value, unit, expected) in cases {
        let field = field(variable);
        let mut answer = with(current(), &format!("/current/{field}"), Some(value.clone()));
        if let Some(unit) = unit {
            answer = with(
                answer,
                &format!("/current_units/{field}"),
                Some(json!(unit)),
            );
        }
        let found = parse_current(&bytes(&answer)).unwrap();
        let value_found = found.readings.get(variable).map(Quantity::value);
        assert_eq!(value_found, expected.ok(), "{field} {value} {unit:?}");
        let reasons: Vec<_> = expected
            .err()
            .map(|reason| (variable, reason))
            .into_iter()
            .collect();
        assert_eq!(
            omissions(&found.omitted),
            reasons,
            "{field} {value} {unit:?}"
        );
        let count = values(&found.readings).iter().flatten().count();
        assert_eq!(count, 6 - reasons.len(), "{field} {value}: the others stay");
    }
}

#[test]
fn omits_precipitation_of_unknown_interval() {
    for interval in [None, Some(json!(0)), Some(json!("short"))] {
        let answer = with(current(), "/current/interval", interval);
        let found = parse_current(&bytes(&answer)).unwrap();
        assert_eq!(
            omissions(&found.omitted),
            [(Variable::Precipitation, "unit")]
        );
    }
}

#[test]
fn bad_side_value_of_past_hour_of_open_meteo_costs_only_itself() {
    let set = |path: &str, value: Value| bytes(&with(hourly(), path, Some(value)));
    let until = rfc3339("2018-01-01T02:00:00Z");
    for (body, expected) in [
        (
            set("/hourly/cloud_cover", json!([0, 0, 100.5])),
            [vec![], vec![(Variable::Humidity, "missing")]],
        ),
        (
            set("/hourly/cloud_cover", json!([0, 0, 160])),
            [
                vec![],
                vec![
                    (Variable::Humidity, "missing"),
                    (Variable::Cloud, "impossible_value"),
                ],
            ],
        ),
        (
            set("/hourly/cloud_cover", json!([0, 0])),
            [
                vec![(Variable::Cloud, "not_a_number")],
                vec![
                    (Variable::Humidity, "missing"),
                    (Variable::Cloud, "not_a_number"),
                ],
            ],
        ),
    ] {
        let hours = parse_history(&body, until).unwrap();
        let found: Vec<_> = hours.iter().map(|hour| omissions(&hour.omitted)).collect();
        assert_eq!(found, expected);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn bad_side_value_of_keyed_provider_costs_only_itself() {
    use Variable::{Cloud, Humidity, Precipitation, Pressure, Wind};
    let cases = [
        (0, "/clouds/all", json!(120), Cloud, "impossible_value"),
        (
            0,
            "/rain",
            json!({ "1h": -1 }),
            Precipitation,
            "impossible_value",
        ),
        (
            0,
            "/rain",
            json!({ "1h": "much" }),
            Precipitation,
            "not_a_number",
        ),
        (0, "/rain", json!("much"), Precipitation, "not_a_number"),
        (0, "/wind", json!("calm"), Wind, "not_a_number"),
        (
            0,
            "/main/grnd_level",
            json!(0),
            Pressure,
            "impossible_value",
        ),
        (0, "/main/humidity", json!("M"), Humidity, "missing"),
        (1, "/data/0/rh", json!(-9999), Humidity, "missing"),
        (1, "/data/0/precip", json!(null), Precipitation, "missing"),
        (1, "/data/0/wind_spd", json!(999.9), Wind, "missing"),
        (
            2,
            "/current/humidity",
            json!(true),
            Humidity,
            "not_a_number",
        ),
        (
            2,
            "/current/pressure_mb",
            json!(0),
            Pressure,
            "impossible_value",
        ),
        (
            3,
            "/current/cloudcover",
            json!(160),
            Cloud,
            "impossible_value",
        ),
        (3, "/current/wind_speed", json!("NaN"), Wind, "missing"),
    ];
    for (i, path, value, variable, reason) in cases {
        let whole = (KEYED[i].parse)(&bytes(&(KEYED[i].answer)())).unwrap();
        let answer = with((KEYED[i].answer)(), path, Some(value));
        let found = (KEYED[i].parse)(&bytes(&answer)).unwrap();
        assert_eq!(omissions(&found.omitted), [(variable, reason)], "{path}");
        let mut expected = values(&whole.readings);
        expected[variable.index()] = None;
        assert_eq!(values(&found.readings), expected, "{path}: the others stay");
    }
    let humid = with((KEYED[1].answer)(), "/data/0/rh", Some(json!(103)));
    let (_, found) = read(weatherbit::parse_current, &humid).unwrap();
    assert_eq!(found[1], Some(100.0));
}
