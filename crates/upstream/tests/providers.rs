//! Requests to the weather providers with a key and parsing of their responses.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::answers::{KEYED, owm, stack};
use common::{Values, bytes, city, read, rfc3339, with};
use moodvane_upstream::{openweathermap, weatherbit, weatherstack};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn converts_response_to_our_units() {
    let some = |values: [f64; 6]| values.map(Some);
    let apart = |mut values: Values| {
        values[2] = None;
        values
    };
    let expected = [
        some([21.5, 64.0, 0.0, 3.6, 20.0, 1012.0]),
        some([21.5, 64.0, 0.25, 3.6, 20.0, 1012.0]),
        apart(some([21.5, 64.0, 0.0, 10.0, 20.0, 1015.0])),
        apart(some([21.0, 64.0, 0.0, 10.0, 20.0, 1015.0])),
    ];
    let at = rfc3339("2018-01-01T02:15:00Z").to_string();
    for (provider, values) in KEYED.iter().zip(expected) {
        let found = read(provider.parse, &(provider.answer)()).unwrap();
        assert_eq!(found, (at.clone(), values), "{}", provider.name);
    }
}

#[test]
fn builds_request_urls() {
    let base = "https://example.org/gate/?a=1#part".parse().unwrap();
    let place = city("x", (40.712_84, -74.0), &[]);
    let asked = KEYED.map(|provider| (provider.url)(&base, &place, "a&b").to_string());
    let expected = [
        "data/2.5/weather?a=1&lat=40.71284&lon=-74&units=metric&appid=a%26b",
        "v2.0/current?a=1&lat=40.71284&lon=-74&units=M&key=a%26b",
        "v1/current.json?a=1&key=a%26b&q=40.71284%2C-74",
        "current?a=1&access_key=a%26b&query=40.71284%2C-74&units=m",
    ];
    assert_eq!(
        asked,
        expected.map(|rest| format!("https://example.org/gate/{rest}"))
    );
}

#[test]
fn reports_rejection_of_provider() {
    let no = "key no good";
    let cases: [(usize, Value, &str); 8] = [
        (0, json!({ "cod": 401, "message": no }), "401: key no good"),
        (
            0,
            json!({ "cod": "404", "message": no }),
            "404: key no good",
        ),
        (0, json!({ "cod": 500 }), "500: no reason given"),
        (1, json!({ "error": no }), "key no good"),
        (
            1,
            json!({ "status_code": 429, "status_message": no }),
            "429: key no good",
        ),
        (
            2,
            json!({ "error": { "code": 2006, "message": no } }),
            "2006: key no good",
        ),
        (
            3,
            json!({ "success": false, "error": { "code": 104, "info": no } }),
            "104: key no good",
        ),
        (
            3,
            json!({ "success": false, "error": "x" }),
            "no reason given",
        ),
    ];
    for (i, answer, words) in cases {
        let error = read(KEYED[i].parse, &answer).unwrap_err();
        let expected = format!("provider rejected the request: {words}");
        assert_eq!(error.to_string(), expected);
    }
    let long = json!({ "error": "x".repeat(10_000) });
    let error = read(weatherbit::parse_current, &long).unwrap_err();
    assert!(error.to_string().len() < 300, "{error}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn rejects_invalid_response_with_field() {
    let cases: [(usize, &str, Option<Value>, &str, &str); 17] = [
        (
            0,
            "/main/temp",
            Some(json!(295.15)),
            "wrong_unit",
            "main.temp",
        ),
        (
            0,
            "/main/temp",
            Some(json!(100.0)),
            "impossible_value",
            "main.temp",
        ),
        (0, "/main/temp", None, "missing_field", "main.temp"),
        (0, "/main", Some(json!([])), "wrong_type", "main"),
        (0, "/dt", Some(json!("now")), "wrong_type", "dt"),
        (0, "/dt", Some(json!(i64::MIN)), "impossible_value", "dt"),
        (1, "/data", Some(json!([])), "missing_field", "data[0]"),
        (1, "/data", Some(json!([1])), "wrong_type", "data[0]"),
        (
            1,
            "/data/0/temp",
            Some(Value::Null),
            "missing_field",
            "data[0].temp",
        ),
        (
            1,
            "/data/0/ob_time",
            Some(json!("2018-13-01 02:15")),
            "time",
            "data[0].ob_time",
        ),
        (2, "/current", None, "missing_field", "current"),
        (
            2,
            "/current/temp_c",
            Some(json!("21")),
            "wrong_type",
            "current.temp_c",
        ),
        (
            3,
            "/request/unit",
            Some(json!("f")),
            "wrong_unit",
            "request.unit",
        ),
        (
            3,
            "/current/observation_time",
            Some(json!("25:00 PM")),
            "time",
            "observation_time",
        ),
        (
            3,
            "/location/utc_offset",
            Some(json!("NaN")),
            "wrong_type",
            "utc_offset",
        ),
        (
            3,
            "/location/utc_offset",
            Some(json!("1e300")),
            "wrong_type",
            "utc_offset",
        ),
        (
            3,
            "/location/localtime",
            Some(json!(5)),
            "wrong_type",
            "localtime",
        ),
    ];
    for (i, path, value, reason, field) in cases {
        let answer = with((KEYED[i].answer)(), path, value);
        let error = read(KEYED[i].parse, &answer).unwrap_err();
        assert_eq!(error.reason(), reason, "{path}: {error}");
        assert!(error.to_string().contains(field), "{path}: {error}");
    }
}

#[test]
fn derives_precipitation_of_openweathermap() {
    let weather = |id: u32| json!([{ "id": id }]);
    let cases = [
        (
            weather(500),
            json!({ "1h": 1.5 }),
            json!({ "1h": 0.5 }),
            Some(2.0),
        ),
        (weather(500), json!({ "3h": 4.5 }), Value::Null, Some(1.5)),
        (weather(500), json!({}), Value::Null, None),
        (weather(622), Value::Null, Value::Null, None),
        (weather(800), Value::Null, Value::Null, Some(0.0)),
        (
            json!([{ "id": 701 }, { "id": 300 }]),
            Value::Null,
            Value::Null,
            None,
        ),
        (json!([]), Value::Null, Value::Null, None),
        (Value::Null, Value::Null, Value::Null, None),
    ];
    for (weather, rain, snow, expected) in cases {
        let answer = with(owm(), "/weather", Some(weather));
        let answer = with(answer, "/rain", Some(rain));
        let answer = with(answer, "/snow", Some(snow));
        let (_, found) = read(openweathermap::parse_current, &answer).unwrap();
        assert_eq!(found[2], expected, "{answer}");
    }
    let at_sea = with(owm(), "/main/grnd_level", None);
    assert_eq!(
        read(openweathermap::parse_current, &at_sea).unwrap().1[5],
        Some(1015.0)
    );
}

#[test]
fn derives_date_of_weatherstack() {
    // Local time, offset, time of observation in UTC, and the expected time.
    for (local, offset, time, expected) in [
        (
            "2018-01-01 02:15",
            "0.0",
            "02:15 AM",
            "2018-01-01T02:15:00Z",
        ),
        (
            "2018-01-01 02:15",
            "0.0",
            "02:20 AM",
            "2018-01-01T02:20:00Z",
        ),
        (
            "2018-01-01 02:15",
            "0.0",
            "11:55 PM",
            "2017-12-31T23:55:00Z",
        ),
        (
            "2018-01-01 02:15",
            "0.0",
            "12:10 AM",
            "2018-01-01T00:10:00Z",
        ),
        (
            "2017-12-31 19:05",
            "-5.0",
            "11:58 PM",
            "2017-12-31T23:58:00Z",
        ),
        (
            "2018-01-01 05:45",
            "5.5",
            "12:15 AM",
            "2018-01-01T00:15:00Z",
        ),
        (
            "2018-01-01 05:25",
            "5.5",
            "12:01 PM",
            "2017-12-31T12:01:00Z",
        ),
    ] {
        let answer = with(stack(), "/location/localtime", Some(json!(local)));
        let answer = with(answer, "/location/utc_offset", Some(json!(offset)));
        let answer = with(answer, "/current/observation_time", Some(json!(time)));
        let (at, _) = read(weatherstack::parse_current, &answer).unwrap();
        assert_eq!(at, rfc3339(expected).to_string(), "{local} {offset} {time}");
    }
}

fn every_parser(body: &[u8]) {
    for provider in &KEYED {
        let _ = (provider.parse)(body);
    }
}

proptest! {
    #[test]
    fn no_response_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
        every_parser(&body);
    }

    #[test]
    fn no_changed_byte_panics(at in any::<usize>(), byte in any::<u8>()) {
        let fixtures = KEYED.iter().map(|provider| (provider.answer)());
        for answer in fixtures {
            let mut body = bytes(&answer);
            let at = at % body.len();
            body[at] = byte;
            every_parser(&body);
        }
    }

    #[test]
    fn never_accepts_kelvin_as_celsius(tenths in -900_i32..=700) {
        let celsius = f64::from(tenths) / 10.0;
        let read = |t: f64| {
            read(openweathermap::parse_current, &with(owm(), "/main/temp", Some(json!(t))))
        };
        prop_assert_eq!(read(celsius).unwrap().1[0], Some(celsius));
        prop_assert!(read(celsius + 273.15).is_err());
    }
}
