//! The forms of requests that are accepted: hours as the answers print them, a byte order mark, a slash at
//! the end of the path.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use axum::body::Body;
use axum::http::StatusCode;
use common::{TestApp, hour};
use serde_json::{Value, json};

fn app() -> TestApp {
    TestApp::with_rows(vec![
        hour("2018-01-01 02", &[1, 2], &[("a", 7.0)]),
        hour("2018-01-01 03", &[2, 3], &[("a", 8.0)]),
        hour("2018-01-01 04", &[3, 4], &[("a", 9.0)]),
    ])
}

fn slots(answer: &Value) -> Vec<&str> {
    let res = answer["res"].as_array().unwrap();
    res.iter()
        .map(|hour| hour["hourSlot"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn weather_accepts_hours_as_answers_print_them() {
    let app = app();
    for (begin, end, tz) in [
        ("2018-01-01 02", "2018-01-01 03", "UTC"),
        ("2018-01-01T02", "2018-01-01T03", "UTC"),
        ("2018-01-01T02:00:00Z", "2018-01-01T03:00:00Z", "UTC"),
        ("2018-01-01T02:00:00.000Z", "2018-01-01T03", "UTC"),
        (
            "2017-12-31T21:00:00-05:00",
            "2017-12-31 22",
            "America/New_York",
        ),
        (
            "2018-01-01T02:00:00Z",
            "2018-01-01T03:00:00Z",
            "America/New_York",
        ),
    ] {
        let body = json!({"begin": begin, "end": end, "tz": tz}).to_string();
        let answer = app.weather(&body).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.body);
        let expected = match tz {
            "UTC" => ["2018-01-01 02", "2018-01-01 03"],
            _ => ["2017-12-31 21", "2017-12-31 22"],
        };
        assert_eq!(slots(&answer.json()), expected, "{body}");
    }
}

#[tokio::test]
async fn hours_of_an_answer_are_valid_in_both_interfaces() {
    let app = app();
    for tz in ["UTC", "America/New_York", "Asia/Tokyo"] {
        let path = format!("/v1/hours?begin=2018-01-01T02:00:00Z&end=2018-01-01T04:00:00Z&tz={tz}");
        let page = app.get(&path).await.json();
        let hours = page["hours"].as_array().unwrap();
        assert_eq!(hours.len(), 3, "{page}");
        let (first, last) = (&hours[0]["hour"], &hours[2]["hour"]);
        let body = json!({"begin": first, "end": last, "tz": tz}).to_string();
        let answer = app.weather(&body).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.body);
        let answer = answer.json();
        let slots = slots(&answer);
        assert_eq!(slots.len(), 3, "{body}");
        // Not escaped: the `+` of an offset arrives as a space.
        let (first, last) = (first.as_str().unwrap(), last.as_str().unwrap());
        let path = format!("/v1/hours?begin={first}&end={last}&tz={tz}");
        assert_eq!(
            app.get(&path).await.json()["hours"],
            page["hours"],
            "{path}"
        );
        let body = json!({"begin": slots[0], "end": slots[2], "tz": tz}).to_string();
        assert_eq!(app.weather(&body).await.json(), answer, "{body}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn names_reason_of_refused_hour() {
    let app = app();
    for (begin, end, tz, field, part) in [
        (
            "9999-12-31 22",
            "9999-12-31 23",
            "America/New_York",
            "begin",
            "outside the supported hours",
        ),
        (
            "9999-12-30 22",
            "9999-12-31 23",
            "America/New_York",
            "end",
            "9999-12-31 23 in UTC",
        ),
        (
            "9999-12-31T23:00:00-01:00",
            "9999-12-31 23",
            "UTC",
            "begin",
            "outside the supported hours",
        ),
        (
            "1970-01-01 00",
            "1970-01-01 12",
            "Asia/Tokyo",
            "begin",
            "1970-01-01 00",
        ),
        (
            "2018-01-01T02:30:00Z",
            "2018-01-01 03",
            "UTC",
            "begin",
            "not the start of an hour",
        ),
        (
            "2018-03-11 02",
            "2018-03-11 02",
            "America/New_York",
            "begin",
            "the clocks of America/New_York skip it",
        ),
    ] {
        let body = json!({"begin": begin, "end": end, "tz": tz}).to_string();
        let answer = app.weather(&body).await;
        assert_eq!(answer.problem(), "/problems/invalid-hour", "{body}");
        let json = answer.json();
        assert_eq!(json["field"], field, "{body}: {json}");
        assert!(
            json["detail"].as_str().unwrap().contains(part),
            "{body}: {json}"
        );
    }
    let body = json!({"begin": "9999-12-31 22", "end": "9999-12-31 23"}).to_string();
    assert_eq!(
        app.weather(&body).await.status,
        StatusCode::OK,
        "the last hours of UTC"
    );
}

#[tokio::test]
async fn accepts_byte_order_mark_before_body() {
    let app = app();
    let body = "\u{feff}{\"begin\":\"2018-01-01 02\",\"end\":\"2018-01-01 03\"}";
    let answer = app.weather(body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let json = app.weather("\u{feff}{,}").await.json();
    assert_eq!(
        (&json["line"], &json["column"]),
        (&json!(1), &json!(2)),
        "{json}"
    );
    let twice = app.weather("\u{feff}\u{feff}{}").await;
    assert_eq!(twice.problem(), "/problems/malformed-json");
}

#[tokio::test]
async fn path_may_end_with_slash() {
    let app = app();
    let body = "{\"begin\":\"2018-01-01 02\",\"end\":\"2018-01-01 03\"}";
    let plain = app.weather(body).await;
    let slash = app.call("POST", "/weather/", body).await;
    assert_eq!((slash.status, slash.body), (plain.status, plain.body));
    for path in [
        "/test",
        "/v1/hours?begin=2018-01-01T02&end=2018-01-01T03",
        "/v1/cities",
        "/openapi.json",
        "/docs",
        "/ping",
        "/health",
    ] {
        let (before, query) = path
            .split_once('?')
            .map_or((path, String::new()), |(path, query)| {
                (path, format!("?{query}"))
            });
        let plain = app.get(path).await;
        let slash = app.get(&format!("{before}/{query}")).await;
        assert_eq!(slash.status, StatusCode::OK, "{path}");
        assert_eq!(slash.body, plain.body, "{path}");
    }
    let answer = app.call("GET", "/weather/", Body::empty()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "POST");
    let metrics = app.get("/metrics").await.body;
    assert!(
        metrics.contains("route=\"/weather\"") && !metrics.contains("/weather/"),
        "{metrics}"
    );
}
