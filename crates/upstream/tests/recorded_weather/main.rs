//! Parses the optional recorded responses of the weather providers, file by file. The expected values
//! were read and converted independently of this crate. The recorded files are not part of the
//! repository.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;
mod nws;
mod open_meteo;

use std::fs;

use common::{Answer, Values, files_in, outcome, rfc3339, shared};
use moodvane_upstream::{apixu, openweathermap, weatherbit, weatherstack};

type Expected = Result<(&'static str, Values), &'static str>;

fn body(folder: &str, name: &str) -> Vec<u8> {
    fs::read(shared(folder).unwrap().join(name)).unwrap()
}

/// Parses every file of a folder of recorded weather. `expected` must list all files.
fn check(provider: &str, parse: fn(&[u8]) -> Answer, expected: &[(&str, Expected)]) {
    let folder = format!("recorded/weather/{provider}");
    let Some(files) = files_in(&folder) else {
        return;
    };
    let named: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, named, "every file has its expectation");
    for (name, expected) in expected {
        let found = outcome(&parse(&body(&folder, name)));
        let expected = expected.map(|(at, values)| (rfc3339(at).to_string(), values));
        assert_eq!(found, expected, "{provider}/{name}");
    }
}

/// Temperature, humidity, precipitation, wind, cloud and pressure.
fn all(values: [f64; 6]) -> Values {
    values.map(Some)
}

/// As [`all`], for a provider without usable precipitation.
fn without_precipitation([t, h, w, c, p]: [f64; 5]) -> Values {
    [Some(t), Some(h), None, Some(w), Some(c), Some(p)]
}

#[test]
fn tests_cover_all_recorded_providers() {
    let Some(folders) = files_in("recorded/weather") else {
        return;
    };
    let tested = [
        "apixu",
        "nws",
        "open-meteo",
        "owm",
        "weatherbit",
        "weatherstack",
    ];
    assert_eq!(folders, tested);
}

#[test]
fn parses_recorded_openweathermap_responses() {
    let expected = [
        // 292.15 and 290.15: recorded without units=metric, so in kelvin.
        ("owm.current.json", Err("wrong_unit")),
        (
            "owm.current.new-york-2018.json",
            Ok((
                "2018-11-28T12:53:00Z",
                all([2.26, 56.0, 0.0, 7.7, 75.0, 998.0]),
            )),
        ),
        (
            "owm.current.new-york-2021.json",
            Ok((
                "2021-01-24T18:11:20Z",
                all([-0.19, 34.0, 0.0, 3.09, 1.0, 1020.0]),
            )),
        ),
        ("owm.current.rain.json", Err("wrong_unit")),
        ("owm.forecast.json", Err("missing_field")),
        ("owm.forecast.snow.json", Err("missing_field")),
    ];
    check("owm", openweathermap::parse_current, &expected);
}

#[test]
fn parses_recorded_weatherbit_responses() {
    let current = all([16.4, 42.0, 0.0, 2.00069, 72.0, 1005.65]);
    let expected = [
        (
            "weatherbit.current.json",
            Ok(("2019-03-30T12:37:00Z", current)),
        ),
        ("weatherbit.forecast.3hourly.json", Err("missing_field")),
        ("weatherbit.forecast.daily.json", Err("missing_field")),
        ("weatherbit.forecast.hourly.json", Err("missing_field")),
    ];
    check("weatherbit", weatherbit::parse_current, &expected);
}

#[test]
fn parses_recorded_apixu_responses() {
    let ok = |at, values| Ok((at, without_precipitation(values)));
    // 6.8, 39.6, 25.9 and 20.2 km/h. The forecasts include the current weather.
    let expected = [
        (
            "apixu.current.json",
            ok("2017-08-16T05:30:11Z", [19.0, 83.0, 1.888889, 0.0, 1019.0]),
        ),
        (
            "apixu.current.rain.json",
            ok("2017-08-31T21:00:12Z", [15.0, 94.0, 1.888889, 75.0, 1019.0]),
        ),
        (
            "apixu.current.snow.json",
            ok("2018-12-25T00:10:04Z", [-28.0, 92.0, 11.0, 100.0, 1021.0]),
        ),
        (
            "apixu.forecast.hour.json",
            ok("2018-03-03T10:45:33Z", [2.0, 93.0, 7.194444, 100.0, 993.0]),
        ),
        (
            "apixu.forecast.json",
            ok("2018-07-31T16:30:09Z", [28.0, 42.0, 5.611111, 0.0, 1018.0]),
        ),
        (
            "apixu.forecast.snow.json",
            ok("2018-12-25T00:14:57Z", [-28.0, 92.0, 11.0, 100.0, 1021.0]),
        ),
    ];
    check("apixu", apixu::parse_current, &expected);
}

#[test]
fn parses_recorded_weatherstack_responses() {
    let ok = |at, values| Ok((at, without_precipitation(values)));
    // 17, 24 and 33 km/h. The last observation is from the previous day in UTC.
    let expected = [
        (
            "weatherstack.current.json",
            ok("2019-10-19T16:55:00Z", [14.0, 82.0, 4.722222, 0.0, 1009.0]),
        ),
        (
            "weatherstack.current.new-york-2022.json",
            ok("2022-04-20T17:39:00Z", [12.0, 31.0, 6.666667, 25.0, 1027.0]),
        ),
        (
            "weatherstack.current.snow.json",
            ok(
                "2019-10-20T22:12:00Z",
                [-4.0, 92.0, 9.166667, 100.0, 1009.0],
            ),
        ),
    ];
    check("weatherstack", weatherstack::parse_current, &expected);
}
