//! Open-Meteo: requests for several cities at once, and the parsing of their responses.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::answers::{current, hourly};
use common::{bytes, chain, fixture, new_york, rfc3339, values, with};
use moodvane_model::City;
use moodvane_upstream::open_meteo::{
    MAX_LIST_CITIES, current_list_url, history_calls, history_list_url, parse_current_list,
    parse_history_list,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

fn city(id: &str, place: (f64, f64)) -> City {
    common::city(id, place, &[])
}

fn cities() -> [City; 3] {
    [
        new_york(),
        city("london", (51.5085, -0.1257)),
        city("sydney", (-33.8688, 151.2093)),
    ]
}

fn all(cities: &[City]) -> Vec<&City> {
    cities.iter().collect()
}

/// A response of this number of cities without a stated place.
fn list(of: usize, element: &Value) -> Value {
    let element = with(element.clone(), "/latitude", None);
    Value::Array(vec![element; of])
}

#[test]
fn requests_all_cities_in_order() {
    let base = Url::parse("https://weather.example/").unwrap();
    let places = "latitude=40.7128%2C51.5085%2C-33.8688&longitude=-74.006%2C-0.1257%2C151.2093&";
    for url in [
        current_list_url(&base, &all(&cities())),
        history_list_url(&base, &all(&cities()), 7),
    ] {
        assert!(url.query().unwrap().starts_with(places), "{url}");
    }
    let most = vec![city("far", (-33.8688, -151.2093)); MAX_LIST_CITIES];
    assert!(history_list_url(&base, &all(&most), 92).as_str().len() < 2_000);
}

#[test]
fn counts_calls_of_history_by_days() {
    // Six variables: 0.6 calls up to two weeks, and at least one call.
    for (days, calls) in [
        (0, 1.0),
        (13, 1.0),
        (27, 1.2),
        (92, 0.6 * 93.0 / 14.0),
        (255, 0.6 * 93.0 / 14.0),
    ] {
        assert!((history_calls(days) - calls).abs() < 1e-9, "{days}");
    }
}

#[test]
fn parses_each_city_of_recorded_format() {
    let body = fixture("weather/open-meteo/current_list.json");
    let found = parse_current_list(&body, &all(&cities())).unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|result| match result {
            Ok(weather) => Ok((weather.observed_at, values(&weather.readings)[0])),
            Err(error) => Err(error.reason()),
        })
        .collect();
    assert_eq!(
        found,
        [
            Ok((rfc3339("2023-11-14T22:15:00Z"), Some(11.5))),
            Err("missing_field"),
            Ok((rfc3339("2023-11-14T22:00:00Z"), Some(21.25))),
        ]
    );
}

#[test]
fn accepts_object_or_list_for_single_city() {
    for body in [current(), list(1, &current())] {
        let found = parse_current_list(&bytes(&body), &[&new_york()]).unwrap();
        assert_eq!(values(&found[0].as_ref().unwrap().readings)[0], Some(7.5));
    }
    let until = rfc3339("2019-01-01T00:00:00Z");
    let found = parse_history_list(&bytes(&hourly()), &[&new_york()], until).unwrap();
    assert_eq!(found[0].as_ref().unwrap().len(), 2);
}

#[test]
fn rejects_response_of_other_length_or_form() {
    let rejected = json!({ "error": true, "reason": "Latitude must be in range of -90 to 90°" });
    for (body, reason, says) in [
        (list(2, &current()), "wrong_count", "2 cities, expected 3"),
        (list(4, &current()), "wrong_count", "4 cities, expected 3"),
        (json!([]), "wrong_count", "0 cities, expected 3"),
        (current(), "wrong_count", "1 cities, expected 3"),
        (rejected, "provider", "Latitude must be"),
        (json!("none"), "wrong_type", "(root)"),
    ] {
        let error = parse_current_list(&bytes(&body), &all(&cities())).unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(chain(&error).contains(says), "{says} in {error}");
    }
}

#[test]
fn error_of_one_city_costs_no_other() {
    for (element, reason) in [
        (json!(null), "wrong_type"),
        (json!({ "error": true, "reason": "No data" }), "provider"),
        (
            with(
                list(1, &current())[0].clone(),
                "/current/time",
                Some(json!("now")),
            ),
            "time",
        ),
        // The weather of New York is not London's.
        (current(), "wrong_place"),
        (
            with(current(), "/longitude", Some(json!(140))),
            "wrong_place",
        ),
    ] {
        let mut body = list(3, &current());
        body[1] = element;
        let found = parse_current_list(&bytes(&body), &all(&cities())).unwrap();
        let reasons: Vec<_> = found
            .iter()
            .map(|result| result.as_ref().err().map(|error| error.reason()))
            .collect();
        assert_eq!(reasons, [None, Some(reason), None]);
    }
}

#[test]
fn accepts_neighbouring_cell_across_the_date_line() {
    let suva = city("taveuni", (-16.85, 179.97));
    let mut body = with(current(), "/latitude", Some(json!(-16.75)));
    body["longitude"] = json!(-179.9);
    let found = parse_current_list(&bytes(&body), &[&suva]).unwrap();
    assert!(found[0].is_ok(), "{found:?}");
}

proptest! {
    #[test]
    fn no_changed_byte_panics(at in any::<usize>(), byte in any::<u8>()) {
        for answer in [current(), hourly()] {
            let mut body = bytes(&list(3, &answer));
            let at = at % body.len();
            body[at] = byte;
            let _ = parse_current_list(&body, &all(&cities()));
            let _ = parse_history_list(&body, &all(&cities()), rfc3339("2019-01-01T00:00:00Z"));
        }
    }
}
