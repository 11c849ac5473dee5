//! Parses the fixtures of the weather providers. Each provider's table of expectations must list all of
//! its files.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Answer, Outcome, Values, fixture, fixture_names, new_york, outcome, rfc3339, values};
use moodvane_upstream::{
    ParsedWeather, apixu, nws, open_meteo, openweathermap, weatherbit, weatherstack,
};

/// Time of observation and values, or the reason for the error.
type Expected = Result<(&'static str, Values), &'static str>;

fn owned(expected: Expected) -> Outcome {
    expected.map(|(at, values)| (rfc3339(at).to_string(), values))
}

/// Parses all fixtures of a provider. `expected` must list all files.
fn check(provider: &str, parse: fn(&[u8]) -> Answer, expected: &[(&str, Expected)]) {
    let folder = format!("weather/{provider}");
    let names: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(fixture_names(&folder), names, "{provider}");
    for (name, expected) in expected {
        let found = outcome(&parse(&fixture(&format!("{folder}/{name}"))));
        assert_eq!(found, owned(*expected), "{provider}/{name}");
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
fn expectations_cover_all_providers() {
    let tested = [
        "apixu",
        "nws",
        "open-meteo",
        "openweathermap",
        "weatherbit",
        "weatherstack",
    ];
    assert_eq!(fixture_names("weather"), tested);
}

#[test]
fn parses_openweathermap_responses() {
    let expected = [
        (
            "current.json",
            Ok((
                "2023-11-14T22:13:20Z",
                all([2.25, 56.0, 0.0, 7.5, 75.0, 998.0]),
            )),
        ),
        ("current_kelvin.json", Err("wrong_unit")),
        (
            "current_rain_3h.json",
            Ok((
                "2023-11-14T22:15:20Z",
                all([9.0, 97.0, 0.5, 3.0, 100.0, 1001.0]),
            )),
        ),
        (
            "current_rain_and_snow.json",
            Ok((
                "2023-11-14T22:14:20Z",
                all([0.5, 97.0, 1.25, 3.0, 100.0, 990.0]),
            )),
        ),
        ("error.json", Err("provider")),
        ("forecast.json", Err("missing_field")),
    ];
    check("openweathermap", openweathermap::parse_current, &expected);
}

#[test]
fn parses_weatherbit_responses() {
    let current = all([16.4, 42.0, 0.5, 2.5, 72.0, 1005.65]);
    let expected = [
        ("current.json", Ok(("2023-11-14T22:13:00Z", current))),
        ("empty.json", Err("missing_field")),
        ("error.json", Err("provider")),
        ("error_status.json", Err("provider")),
        ("forecast_daily.json", Err("missing_field")),
        ("forecast_hourly.json", Err("missing_field")),
    ];
    check("weatherbit", weatherbit::parse_current, &expected);
}

#[test]
fn parses_apixu_responses() {
    let current = without_precipitation([11.5, 55.0, 5.0, 50.0, 1016.0]);
    let forecast = without_precipitation([-3.0, 90.0, 10.0, 100.0, 1001.0]);
    let no_cloud = [Some(0.0), Some(100.0), None, None, None, Some(1016.0)];
    let expected = [
        ("current.json", Ok(("2023-11-14T22:13:20Z", current))),
        ("error.json", Err("provider")),
        ("forecast.json", Ok(("2023-11-14T22:14:20Z", forecast))),
        ("no_cloud.json", Ok(("2023-11-14T22:13:20Z", no_cloud))),
    ];
    check("apixu", apixu::parse_current, &expected);
}

#[test]
fn parses_weatherstack_responses() {
    let current = without_precipitation([12.0, 31.0, 5.0, 25.0, 1027.0]);
    let day_before = without_precipitation([-4.0, 92.0, 10.0, 100.0, 1009.0]);
    let expected = [
        ("current.json", Ok(("2023-11-14T22:13:00Z", current))),
        (
            "current_day_before.json",
            Ok(("2023-11-14T23:50:00Z", day_before)),
        ),
        ("current_fahrenheit.json", Err("wrong_unit")),
        ("error.json", Err("provider")),
    ];
    check("weatherstack", weatherstack::parse_current, &expected);
}

#[test]
fn parses_open_meteo_responses() {
    let current = [
        Some(11.5),
        Some(56.0),
        Some(1.0),
        Some(3.5),
        None,
        Some(1009.5),
    ];
    let older = [Some(13.5), None, None, None, None, None];
    let expected = [
        ("current.json", Ok(("2023-11-14T22:15:00Z", current))),
        ("current_list.json", Err("wrong_type")),
        ("current_weather.json", Ok(("2023-11-14T22:00:00Z", older))),
        ("error.json", Err("provider")),
        ("hourly.json", Err("missing_field")),
        ("hourly_kmh.json", Err("missing_field")),
        ("hourly_uneven.json", Err("missing_field")),
    ];
    check("open-meteo", open_meteo::parse_current, &expected);

    let history = |name: &str, until: &str| {
        let body = fixture(&format!("weather/open-meteo/{name}"));
        let hours = open_meteo::parse_history(&body, rfc3339(until))?;
        let hour = |hour: ParsedWeather| (hour.observed_at, values(&hour.readings));
        Ok::<Vec<_>, moodvane_upstream::UpstreamError>(hours.into_iter().map(hour).collect())
    };
    let expected = [
        (
            rfc3339("2023-11-14T20:00:00Z"),
            all([12.5, 60.0, 0.0, 2.5, 100.0, 1008.5]),
        ),
        (
            rfc3339("2023-11-14T22:00:00Z"),
            [
                Some(11.0),
                Some(62.0),
                Some(0.25),
                None,
                Some(80.0),
                Some(1007.5),
            ],
        ),
    ];
    // 21:00 has no temperature, and 23:00 is a forecast.
    let found = history("hourly.json", "2023-11-14T22:30:00Z").unwrap();
    assert_eq!(found, expected);
    // 9.1 km/h, in a response of an older version.
    let kmh = [Some(12.5), None, None, Some(2.527_778), None, None];
    let found = history("hourly_kmh.json", "2023-11-14T22:30:00Z").unwrap();
    assert_eq!(found, [(rfc3339("2023-11-14T20:00:00Z"), kmh)]);
    for (name, reason) in [
        ("current.json", "missing_field"),
        ("error.json", "provider"),
        ("hourly_uneven.json", "wrong_type"),
    ] {
        let error = history(name, "2030-01-01T00:00:00Z").unwrap_err();
        assert_eq!(error.reason(), reason, "{name}: {error}");
    }
}

#[test]
fn parses_nws_responses() {
    let latest = all([11.5, 56.25, 1.5, 5.0, 75.0, 1012.5]);
    let expected = [
        ("latest.json", Ok(("2023-11-14T22:13:00Z", latest))),
        ("observations.json", Err("missing_field")),
        ("observations_empty.json", Err("missing_field")),
        ("points.json", Err("missing_field")),
        ("problem.json", Err("missing_field")),
        ("stations.json", Err("missing_field")),
    ];
    check("nws", nws::parse_latest, &expected);

    let body = fixture("weather/nws/observations.json");
    let found = nws::parse_observations(&body).unwrap();
    let first = [Some(10.0), Some(100.0), Some(2.0), Some(2.5), None, None];
    let string = [Some(10.5), None, None, None, Some(0.0), None];
    let expected = [
        Ok(("2023-11-14T22:00:00Z", first)),
        Err("no_value"),
        Err("no_value"),
        Ok(("2023-11-14T19:00:00Z", string)),
        Err("wrong_unit"),
        Err("impossible_value"),
        Err("time"),
        Err("missing_field"),
    ];
    let found: Vec<_> = found.iter().map(outcome).collect();
    assert_eq!(found, expected.map(owned));
    let empty = fixture("weather/nws/observations_empty.json");
    assert!(nws::parse_observations(&empty).unwrap().is_empty());
}

#[test]
fn finds_nearest_nws_station() {
    let path = nws::parse_point(&fixture("weather/nws/points.json")).unwrap();
    let url = nws::stations_url(&"http://127.0.0.1:1".parse().unwrap(), &path);
    assert_eq!(url.path(), "/gridpoints/INV/33,35/stations");
    let stations = fixture("weather/nws/stations.json");
    let found = nws::parse_stations(&stations, &new_york()).unwrap();
    let (station, km) = &found[0];
    assert_eq!(station.to_string(), "KINV");
    assert!((6.0..8.0).contains(km), "{km}");
    for body in ["problem.json", "latest.json"] {
        let body = fixture(&format!("weather/nws/{body}"));
        assert!(nws::parse_point(&body).is_err());
        assert!(nws::parse_stations(&body, &new_york()).is_err());
    }
}
