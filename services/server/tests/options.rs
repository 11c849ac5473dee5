//! The optional fields of `POST /weather`.
#![allow(clippy::unwrap_used)]

mod common;

use axum::http::StatusCode;
use common::{TestApp, hour, hour_of};

/// The night in which New York's clocks are put back: 05 and 06 UTC are both 01.
fn autumn() -> TestApp {
    TestApp::with_rows(vec![
        hour("2018-11-04 04", &[1], &[("a", 4.0)]),
        hour("2018-11-04 05", &[2], &[("a", 5.0)]),
        hour("2018-11-04 06", &[3, 3], &[("a", 6.0)]),
        hour("2018-11-04 07", &[4], &[("a", 7.0)]),
        hour("2018-11-04 08", &[2, 2, 2], &[]),
        hour("2018-11-04 09", &[], &[("a", 9.0)]),
        hour_of("paris", "2018-11-04 05", &[0], &[("a", 12.0)]),
    ])
}

async fn answered(body: &str) -> String {
    let answer = autumn().weather(body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

#[tokio::test]
async fn hour_slots_are_local_and_repeated_hour_occurs_twice() {
    let cases = [
        (
            "the whole night",
            r#"{"begin":"2018-11-04 00","end":"2018-11-04 02","tz":"America/New_York"}"#,
            r#"{"res":[{"hourSlot":"2018-11-04 00","feeling":1.0,"temperature":4.0},{"hourSlot":"2018-11-04 01","feeling":2.0,"temperature":5.0},{"hourSlot":"2018-11-04 01","feeling":3.0,"temperature":6.0},{"hourSlot":"2018-11-04 02","feeling":4.0,"temperature":7.0}],"r2":1.0}"#,
        ),
        (
            "the repeated hour alone",
            r#"{"begin":"2018-11-04 01","end":"2018-11-04 01","tz":"America/New_York"}"#,
            r#"{"res":[{"hourSlot":"2018-11-04 01","feeling":2.0,"temperature":5.0},{"hourSlot":"2018-11-04 01","feeling":3.0,"temperature":6.0}],"r2":1.0}"#,
        ),
        (
            "UTC is the default",
            r#"{"begin":"2018-11-04 05","end":"2018-11-04 05","tz":"UTC"}"#,
            r#"{"res":[{"hourSlot":"2018-11-04 05","feeling":2.0,"temperature":5.0}],"r2":0.0}"#,
        ),
    ];
    for (name, body, expected) in cases {
        assert_eq!(answered(body).await, expected, "{name}");
    }
}

#[tokio::test]
async fn accepts_city_min_posts_and_include() {
    let cases = [
        (
            "another city",
            r#"{"begin":"2018-11-04 04","end":"2018-11-04 09","city":"paris"}"#,
            r#"{"res":[{"hourSlot":"2018-11-04 05","feeling":0.0,"temperature":12.0}],"r2":0.0}"#,
        ),
        (
            "hours with one value",
            r#"{"begin":"2018-11-04 07","end":"2018-11-04 11","include":"all"}"#,
            r#"{"res":[{"hourSlot":"2018-11-04 07","feeling":4.0,"temperature":7.0},{"hourSlot":"2018-11-04 08","feeling":2.0,"temperature":null},{"hourSlot":"2018-11-04 09","feeling":null,"temperature":9.0}],"r2":0.0}"#,
        ),
        (
            "include both",
            r#"{"begin":"2018-11-04 07","end":"2018-11-04 11","include":"both"}"#,
            r#"{"res":[{"hourSlot":"2018-11-04 07","feeling":4.0,"temperature":7.0}],"r2":0.0}"#,
        ),
        (
            "min_posts",
            r#"{"begin":"2018-11-04 04","end":"2018-11-04 09","min_posts":2}"#,
            r#"{"res":[{"hourSlot":"2018-11-04 06","feeling":3.0,"temperature":6.0}],"r2":0.0}"#,
        ),
        (
            "min_posts with include all",
            r#"{"begin":"2018-11-04 05","end":"2018-11-04 06","min_posts":2,"include":"all"}"#,
            r#"{"res":[{"hourSlot":"2018-11-04 05","feeling":null,"temperature":5.0},{"hourSlot":"2018-11-04 06","feeling":3.0,"temperature":6.0}],"r2":0.0}"#,
        ),
    ];
    for (name, body, expected) in cases {
        assert_eq!(answered(body).await, expected, "{name}");
    }
}

#[tokio::test]
async fn problem_names_wrong_field() {
    let cases = [
        (r#""tz":"Mars/Olympus""#, "unknown-zone", "tz"),
        (r#""tz":"""#, "unknown-zone", "tz"),
        (r#""tz":5"#, "wrong-type", "tz"),
        (r#""tz":null"#, "wrong-type", "tz"),
        (r#""tz":"Asia/Kolkata""#, "fractional-zone", "tz"),
        (r#""city":"atlantis""#, "unknown-city", "city"),
        (r#""city":["paris"]"#, "wrong-type", "city"),
        (r#""include":"none""#, "invalid-value", "include"),
        (r#""include":true"#, "wrong-type", "include"),
        (r#""min_posts":-1"#, "invalid-value", "min_posts"),
        (r#""min_posts":1.5"#, "invalid-value", "min_posts"),
        (r#""min_posts":"3""#, "wrong-type", "min_posts"),
    ];
    for (field, kind, name) in cases {
        let body = format!(r#"{{"begin":"2018-11-04 05","end":"2018-11-04 06",{field}}}"#);
        let answer = autumn().weather(&body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field}");
        assert_eq!(answer.problem(), format!("/problems/{kind}"), "{field}");
        assert_eq!(answer.json()["field"], name, "{field}");
    }
    let gone = r#"{"begin":"2018-03-11 02","end":"2018-03-11 02","tz":"America/New_York"}"#;
    let answer = autumn().weather(gone).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.problem(), "/problems/invalid-hour");
}
