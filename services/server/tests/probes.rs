//! The health probes, `/test` and `/metrics`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use axum::body::Body;
use axum::http::StatusCode;
use common::{FakeMode, TestApp};
use insta::assert_snapshot;

fn app() -> TestApp {
    TestApp::with_rows(Vec::new())
}

#[tokio::test]
async fn ping_answers_pong() {
    let answer = app().get("/ping").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, "pong");
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn test_answers_known_result() {
    let app = app();
    app.store.mode.set(FakeMode::Unavailable);
    let expected = r#"{"res":[{"hourSlot":"2018-01-01 02","feeling":1.67,"temperature":7.0},{"hourSlot":"2018-01-01 03","feeling":2.0,"temperature":9.0},{"hourSlot":"2018-01-01 04","feeling":2.33,"temperature":13.0},{"hourSlot":"2018-01-01 05","feeling":2.0,"temperature":11.0}],"r2":0.9}"#;
    for (method, body) in [("GET", ""), ("POST", ""), ("POST", "{not read")] {
        let answer = app.call(method, "/test", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}");
        assert_eq!(answer.body, expected, "{method}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn health_is_alive_during_outages() {
    let app = app();
    app.store.mode.set(FakeMode::Unavailable);
    app.log.mode.set(FakeMode::Unavailable);
    app.shutdown.cancel();
    let answer = app.get("/health").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, r#"{"status":"alive"}"#);
}

#[tokio::test]
async fn ready_when_every_check_passes() {
    let app = app();
    let answer = app.get("/ready").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_snapshot!(answer.body, @r#"{"ready":true,"checks":[{"name":"accepting","ok":true},{"name":"store","ok":true},{"name":"log","ok":true,"needed":false}]}"#);
}

#[tokio::test]
async fn not_ready_while_required_check_fails() {
    let app = app();
    let check = app.readiness.check("processor");
    let failing = async |name: &str| {
        let answer = app.get("/ready").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
        let json = answer.json();
        let checks = json["checks"].as_array().unwrap();
        let found = checks.iter().find(|check| check["name"] == name).unwrap();
        assert_eq!(found["ok"], false, "{name}");
        found["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(failing("processor").await, "starting");
    check.fail("the partition is gone");
    assert_eq!(failing("processor").await, "the partition is gone");
    check.ok();
    assert_eq!(app.get("/ready").await.status, StatusCode::OK);

    app.store.mode.set(FakeMode::Unavailable);
    app.log.mode.set(FakeMode::Unavailable);
    assert_eq!(failing("store").await, "the disk is gone");
    app.store.mode.set(FakeMode::Healthy);
    let answer = app.get("/ready").await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "readiness does not depend on the log"
    );
    assert_snapshot!(answer.json()["checks"][2], @r#"{"name":"log","ok":false,"needed":false,"reason":"no broker"}"#);
    app.log.mode.set(FakeMode::Healthy);

    app.shutdown.cancel();
    assert_eq!(failing("accepting").await, "draining");
}

/// The log client retries for long while Kafka is unavailable, but Marathon's probe has only a second.
#[tokio::test]
async fn hanging_log_does_not_delay_probe() {
    let app = app();
    app.log.mode.set(FakeMode::Hanging);
    let answer = app.get("/ready").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_snapshot!(answer.json()["checks"][2]["reason"], @r#""no answer within 300 ms""#);
}

#[tokio::test]
async fn metrics_have_bounded_labels() {
    let app = app();
    app.get("/ping").await;
    app.get("/ping").await;
    app.get("/no-such-path-17").await;
    app.call("BREW", "/ping", Body::empty()).await;
    app.weather("{}").await;
    let answer = app.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("content-type").starts_with("text/plain"));
    for line in [
        r#"moodvane_http_requests_total{method="GET",route="/ping",status="200"} 2"#,
        r#"moodvane_http_requests_total{method="GET",route="other",status="404"} 1"#,
        r#"moodvane_http_requests_total{method="other",route="/ping",status="405"} 1"#,
        r#"moodvane_http_requests_total{method="POST",route="/weather",status="400"} 1"#,
        r#"moodvane_http_request_duration_seconds_count{route="/ping"} 3"#,
    ] {
        assert!(answer.body.contains(line), "{line} in\n{}", answer.body);
    }
    assert!(!answer.body.contains("no-such-path"));
}

#[tokio::test]
async fn counts_cancelled_request_as_aborted() {
    let app = app();
    app.store.mode.set(FakeMode::Hanging);
    let body = r#"{"begin":"2018-01-01 02","end":"2018-01-01 03"}"#;
    tokio::select! {
        _ = app.weather(body) => panic!("a hanging store does not answer"),
        () = app.store.read_started.notified() => {}
    }
    let counted = app.get("/metrics").await.body;
    let line = r#"moodvane_http_requests_total{method="POST",route="/weather",status="aborted"} 1"#;
    assert!(counted.contains(line), "{counted}");
}

#[tokio::test]
async fn head_answers_without_body() {
    let app = app();
    for path in ["/ping", "/test", "/health", "/ready", "/metrics"] {
        let answer = app.call("HEAD", path, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.body, "", "{path}");
    }
}
