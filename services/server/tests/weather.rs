//! The answers of `POST /weather`, byte for byte.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{TestApp, hour, hour_of};

fn new_year() -> TestApp {
    TestApp::with_rows(vec![
        hour("2018-01-01 01", &[0], &[("open-meteo", 1.0)]),
        hour("2018-01-01 02", &[1, 2, 2], &[("open-meteo", 7.0)]),
        hour("2018-01-01 03", &[2, 2], &[("open-meteo", 9.0)]),
        hour("2018-01-01 04", &[2, 2, 3], &[("open-meteo", 13.0)]),
        hour("2018-01-01 05", &[1, 3], &[("open-meteo", 11.0)]),
        hour("2018-01-01 06", &[4], &[]),
        hour("2018-01-01 07", &[], &[("open-meteo", 2.0)]),
        hour_of("paris", "2018-01-01 02", &[4, 4], &[("open-meteo", 20.0)]),
    ])
}

async fn answered(app: &TestApp, body: &str) -> String {
    let answer = app.weather(body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    answer.body
}

#[tokio::test]
async fn answers_hours_with_both_values() {
    let app = new_year();
    let cases = [
        (
            "both ends are included",
            r#"{"begin":"2018-01-01 02","end":"2018-01-01 05"}"#,
            r#"{"res":[{"hourSlot":"2018-01-01 02","feeling":1.67,"temperature":7.0},{"hourSlot":"2018-01-01 03","feeling":2.0,"temperature":9.0},{"hourSlot":"2018-01-01 04","feeling":2.33,"temperature":13.0},{"hourSlot":"2018-01-01 05","feeling":2.0,"temperature":11.0}],"r2":0.9}"#,
        ),
        (
            "r2 of one hour is undefined and 0.0",
            r#"{"begin":"2018-01-01 02","end":"2018-01-01 02"}"#,
            r#"{"res":[{"hourSlot":"2018-01-01 02","feeling":1.67,"temperature":7.0}],"r2":0.0}"#,
        ),
        (
            "hours without posts or without a temperature are omitted",
            r#"{"begin":"2018-01-01 05","end":"2018-01-01 07"}"#,
            r#"{"res":[{"hourSlot":"2018-01-01 05","feeling":2.0,"temperature":11.0}],"r2":0.0}"#,
        ),
        (
            "hours without data",
            r#"{"begin":"2019-01-01 02","end":"2019-01-01 03"}"#,
            r#"{"res":[],"r2":0.0}"#,
        ),
        (
            "unknown fields, spaces, order and escapes do not matter",
            "\n{ \"zone\": [1, {}], \"end\": \"2018-01-01 02\",\r\n\t\"\\u0062egin\": \"2018-01-01\\u002002\" } ",
            r#"{"res":[{"hourSlot":"2018-01-01 02","feeling":1.67,"temperature":7.0}],"r2":0.0}"#,
        ),
    ];
    for (name, body, expected) in cases {
        assert_eq!(answered(&app, body).await, expected, "{name}");
    }
}

#[tokio::test]
async fn r2_of_constant_values_is_zero() {
    let body = r#"{"begin":"2018-01-01 02","end":"2018-01-01 04"}"#;
    let same = TestApp::with_rows(vec![
        hour("2018-01-01 02", &[1, 2], &[("a", 7.1)]),
        hour("2018-01-01 03", &[2, 4], &[("a", 7.1), ("b", 7.1)]),
        hour(
            "2018-01-01 04",
            &[0, 2],
            &[("a", 7.1), ("b", 7.1), ("c", 7.1)],
        ),
    ]);
    assert!(answered(&same, body).await.ends_with(r#""r2":0.0}"#));
    let calm = TestApp::with_rows(vec![
        hour("2018-01-01 02", &[1, 2, 2], &[("a", 1.0)]),
        hour("2018-01-01 03", &[2, 2, 1, 1, 2, 2], &[("a", 2.0)]),
    ]);
    assert!(answered(&calm, body).await.ends_with(r#""r2":0.0}"#));
}

#[tokio::test]
async fn computes_r2_from_unrounded_values() {
    // Rounded to two decimals all temperatures are 7.0, and r2 would be undefined.
    let app = TestApp::with_rows(vec![
        hour("2018-01-01 02", &[1], &[("a", 7.001)]),
        hour("2018-01-01 03", &[2], &[("a", 7.002)]),
        hour("2018-01-01 04", &[3], &[("a", 7.003)]),
    ]);
    let body = r#"{"begin":"2018-01-01 02","end":"2018-01-01 04"}"#;
    assert_eq!(
        answered(&app, body).await,
        r#"{"res":[{"hourSlot":"2018-01-01 02","feeling":1.0,"temperature":7.0},{"hourSlot":"2018-01-01 03","feeling":2.0,"temperature":7.0},{"hourSlot":"2018-01-01 04","feeling":3.0,"temperature":7.0}],"r2":1.0}"#
    );
}

#[tokio::test]
async fn rounds_values_to_two_decimals_without_negative_zero() {
    let app = TestApp::with_rows(vec![
        hour("2018-01-01 02", &[0], &[("a", -0.004)]),
        hour("2018-01-01 03", &[0, 0, 1], &[("a", -2.675)]),
        hour("2018-01-01 04", &[4], &[("a", 40.125)]),
    ]);
    let body = r#"{"begin":"2018-01-01 02","end":"2018-01-01 04"}"#;
    let answer = answered(&app, body).await;
    for part in [
        r#"{"hourSlot":"2018-01-01 02","feeling":0.0,"temperature":0.0}"#,
        r#"{"hourSlot":"2018-01-01 03","feeling":0.33,"temperature":-2.68}"#,
        r#"{"hourSlot":"2018-01-01 04","feeling":4.0,"temperature":40.13}"#,
    ] {
        assert!(answer.contains(part), "{part} in {answer}");
    }
}

#[tokio::test]
async fn excludes_and_counts_outlier_source() {
    let app = TestApp::with_rows(vec![hour(
        "2018-01-01 02",
        &[2],
        &[("a", 7.0), ("b", 8.0), ("c", 30.0)],
    )]);
    let body = r#"{"begin":"2018-01-01 02","end":"2018-01-01 02"}"#;
    assert_eq!(
        answered(&app, body).await,
        r#"{"res":[{"hourSlot":"2018-01-01 02","feeling":2.0,"temperature":7.5}],"r2":0.0}"#
    );
    let counted = app.get("/metrics").await.body;
    let line = r#"moodvane_http_stray_temperatures_total{source="c"} 1"#;
    assert!(counted.contains(line), "{counted}");
}

#[tokio::test]
async fn ignores_content_type() {
    let app = new_year();
    for kind in [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data",
        "no such type",
    ] {
        let request = Request::post("/weather").header("content-type", kind);
        let body = r#"{"begin":"2018-01-01 02","end":"2018-01-01 02"}"#;
        let answer = app.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{kind}");
    }
}

#[tokio::test]
async fn answers_longest_range() {
    let app = new_year();
    let body = r#"{"begin":"2018-01-01 00","end":"2018-01-02 23"}"#;
    assert!(answered(&app, body).await.contains("2018-01-01 05"));
}
