//! The problems of rejected and failed requests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use common::{FakeMode, TestApp, config, hour};
use insta::assert_snapshot;
use serde_json::Value;

const VALID: &str = r#"{"begin":"2018-01-01 02","end":"2018-01-01 03"}"#;

fn app() -> TestApp {
    TestApp::with_rows(vec![hour("2018-01-01 02", &[2], &[("a", 7.0)])])
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn rejects_invalid_body_with_400() {
    // (body, type, field, a part of the detail)
    let cases = [
        ("", "malformed-json", "body", "line 1, column 1"),
        (
            "begin=2018-01-01+02",
            "malformed-json",
            "body",
            "line 1, column 1",
        ),
        (
            r#"{"begin":"2018-01-01 02,"end":"2018-01-01 03"}"#,
            "malformed-json",
            "body",
            "line 1, column 26; a quote may be missing just before",
        ),
        (
            "{\"begin\":\"2018-01-01 02\",\n \"end\" \"2018-01-01 03\"}",
            "malformed-json",
            "body",
            "expected `:` at line 2, column 8",
        ),
        (
            r#"{"begin":"2018-01-01 02","end":"2018-01-01 03""#,
            "malformed-json",
            "body",
            "EOF while parsing an object at line 1, column 47",
        ),
        (
            r#"{"begin":"2018-01-01 02","end":"2018-01-01 03"}}"#,
            "malformed-json",
            "body",
            "trailing characters at line 1, column 48",
        ),
        ("[]", "not-an-object", "body", "not an array"),
        (
            r#""2018-01-01 02""#,
            "not-an-object",
            "body",
            "not a string",
        ),
        ("null", "not-an-object", "body", "not null"),
        ("{}", "missing-field", "begin", "\"begin\" is missing"),
        (
            r#"{"end":"2018-01-01 03"}"#,
            "missing-field",
            "begin",
            "\"begin\" is missing",
        ),
        (
            r#"{"begin":"2018-01-01 02","End":"2018-01-01 03"}"#,
            "missing-field",
            "end",
            "\"end\" is missing",
        ),
        (
            r#"{"begin":2018,"end":"2018-01-01 03"}"#,
            "wrong-type",
            "begin",
            "not a number",
        ),
        (
            r#"{"begin":"2018-01-01 02","end":null}"#,
            "wrong-type",
            "end",
            "not null",
        ),
        (
            r#"{"begin":"2018-13-01 02","end":"2018-13-01 03"}"#,
            "invalid-hour",
            "begin",
            "\"2018-13-01 02\" is not an hour",
        ),
        (
            r#"{"begin":"2018-01-01 02","end":"2018-01-01 24"}"#,
            "invalid-hour",
            "end",
            "\"2018-01-01 24\" is not an hour",
        ),
        (
            r#"{"begin":"2018-01-01","end":"2018-01-01 03"}"#,
            "invalid-hour",
            "begin",
            "year-month-day hour",
        ),
        (
            r#"{"begin":"2018-01-01 03","end":"2018-01-01 02"}"#,
            "end-before-begin",
            "end",
            "ends at 2018-01-01 02, before it begins at 2018-01-01 03",
        ),
        (
            r#"{"begin":"2018-01-01 00","end":"2018-01-03 00"}"#,
            "range-too-long",
            "end",
            "49 hours, the limit is 48",
        ),
    ];
    let app = app();
    for (body, kind, field, part) in cases {
        let answer = app.weather(body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.problem(), format!("/problems/{kind}"), "{body}");
        let json = answer.json();
        assert_eq!(json["field"], field, "{body}");
        let detail = json["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{body}: {detail}");
    }
}

#[tokio::test]
async fn locates_missing_quote() {
    let answer = app()
        .weather(r#"{"begin":"2018-01-01 02,"end":"2018-01-01 03"}"#)
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_snapshot!(answer.body, @r#"{"type":"/problems/malformed-json","title":"Body is not JSON","status":400,"detail":"the body is not JSON: expected `,` or `}` at line 1, column 26; a quote may be missing just before","field":"body","line":1,"column":26,"excerpt":"{\"begin\":\"2018-01-01 02,\"<here>end\":\"2018-01-01 03\"}","example":{"method":"POST","path":"/weather","body":{"begin":"2018-01-01 02","end":"2018-01-01 03"}}}"#);
}

#[tokio::test]
async fn invalid_hour_shows_valid_example() {
    let answer = app()
        .weather(r#"{"begin":"2018-13-01 02","end":"2018-01-01 03"}"#)
        .await;
    assert_snapshot!(answer.body, @r#"{"type":"/problems/invalid-hour","title":"Invalid hour","status":400,"detail":"\"begin\": \"2018-13-01 02\" is not an hour: it must look like 2018-01-01 02 (year-month-day hour, UTC)","field":"begin","example":{"method":"POST","path":"/weather","body":{"begin":"2018-01-01 02","end":"2018-01-01 03"}}}"#);
}

#[tokio::test]
async fn excerpt_is_short_and_counts_characters() {
    let body = format!(
        "{{\"x\":\"{}\"\n,\"é\":\"{}\" é}}",
        "y".repeat(100),
        "ü".repeat(100)
    );
    let json = app().weather(&body).await.json();
    assert_eq!(json["line"], 2);
    assert_eq!(json["column"], 109);
    let excerpt = json["excerpt"].as_str().unwrap();
    assert_eq!(excerpt, format!("...{}\" <here>é}}", "ü".repeat(38)));
}

#[tokio::test]
async fn rejects_invalid_utf8() {
    let answer = app()
        .call("POST", "/weather", &b"{\"begin\":\"\xff\"}"[..])
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.problem(), "/problems/malformed-json");
}

#[tokio::test]
async fn rejects_deep_nesting() {
    let answer = app().weather(&"[".repeat(1000)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.problem(), "/problems/malformed-json");
}

#[tokio::test]
async fn rejects_body_over_limit() {
    let app = app();
    let at_limit = format!("{VALID}{}", " ".repeat(1024 - VALID.len()));
    assert_eq!(app.weather(&at_limit).await.status, StatusCode::OK);
    let answer = app.weather(&format!("{at_limit} ")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    answer.problem();
    assert_snapshot!(answer.body, @r#"{"type":"/problems/body-too-large","title":"Body is too large","status":413,"detail":"the body must be at most 1024 bytes","field":"body","example":{"method":"POST","path":"/weather","body":{"begin":"2018-01-01 02","end":"2018-01-01 03"}}}"#);
}

#[tokio::test]
async fn rejects_chunked_body_over_limit() {
    let piece = || Ok::<_, Infallible>(vec![b' '; 600]);
    let endless = futures::stream::iter(std::iter::repeat_with(piece));
    let answer = app()
        .call("POST", "/weather", Body::from_stream(endless))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.problem(), "/problems/body-too-large");
}

#[tokio::test]
async fn unknown_path_is_404_with_known_paths() {
    let app = app();
    for path in [
        "/weather//",
        "/assets/",
        "/assets/../src/lib.rs",
        "/Weather",
        "/nowhere?x=1",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.problem(), "/problems/not-found", "{path}");
    }
    assert_snapshot!(app.get("/nowhere").await.body, @r#"{"type":"/problems/not-found","title":"Not found","status":404,"detail":"there is no /nowhere; the paths are /weather, /v1/hours, /v1/relation, /v1/effect, /v1/cities, /v1/status, /test, /ping, /health, /ready, /metrics, /openapi.json","example":{"method":"POST","path":"/weather","body":{"begin":"2018-01-01 02","end":"2018-01-01 03"}}}"#);
}

#[tokio::test]
async fn unsupported_method_is_405_with_allow() {
    let app = app();
    for (method, path, allow) in [
        ("GET", "/weather", "POST"),
        ("OPTIONS", "/weather", "POST"),
        ("PUT", "/test", "GET,HEAD,POST"),
        ("POST", "/ping", "GET,HEAD"),
        ("DELETE", "/health", "GET,HEAD"),
        ("POST", "/ready", "GET,HEAD"),
        ("BREW", "/metrics", "GET,HEAD"),
        ("POST", "/v1/hours", "GET,HEAD"),
        ("DELETE", "/v1/relation", "GET,HEAD"),
        ("PUT", "/v1/cities", "GET,HEAD"),
        ("OPTIONS", "/v1/status", "GET,HEAD"),
        ("POST", "/openapi.json", "GET,HEAD"),
    ] {
        let answer = app.call(method, path, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.problem(), "/problems/method-not-allowed", "{path}");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn stalled_body_is_408() {
    let mut config = config();
    config.request_timeout = Duration::from_millis(20);
    let app = TestApp::with_config(Vec::new(), config);
    let never = futures::stream::pending::<Result<Vec<u8>, Infallible>>();
    let answer = app.call("POST", "/weather", Body::from_stream(never)).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(answer.problem(), "/problems/body-timeout");
    assert_eq!(answer.json()["detail"], "the body must arrive within 20 ms");
}

#[tokio::test]
async fn aborted_body_is_400() {
    let broken = futures::stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("gone"))]);
    let answer = app()
        .call("POST", "/weather", Body::from_stream(broken))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.problem(), "/problems/unreadable-body");
}

#[tokio::test]
async fn store_failure_is_5xx_without_its_cause() {
    let mut config = config();
    config.request_timeout = Duration::from_millis(20);
    let app = TestApp::with_config(Vec::new(), config);
    for (mode, status, kind) in [
        (FakeMode::Unavailable, 503, "store-unavailable"),
        (FakeMode::Hanging, 503, "store-timeout"),
        (FakeMode::Corrupt, 500, "internal"),
        (FakeMode::Panicking, 500, "internal"),
    ] {
        app.store.mode.set(mode);
        let answer = app.weather(VALID).await;
        assert_eq!(answer.status.as_u16(), status, "{mode:?}");
        assert_eq!(answer.problem(), format!("/problems/{kind}"), "{mode:?}");
        let retry = if status == 503 { "1" } else { "" };
        assert_eq!(answer.header("retry-after"), retry, "{mode:?}");
        for secret in ["the disk is gone", "row 7", "a bug in the store"] {
            assert!(!answer.body.contains(secret), "{mode:?}");
        }
    }
    app.store.mode.set(FakeMode::Healthy);
    assert_eq!(app.weather(VALID).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rejects_requests_over_concurrency_limit_but_answers_probes() {
    let mut config = config();
    config.max_concurrent_requests = 1;
    let app = TestApp::with_config(Vec::new(), config);
    app.store.mode.set(FakeMode::Hanging);
    let busy = async {
        let first = app.weather(VALID);
        let others = async {
            app.store.read_started.notified().await;
            for path in ["/weather", "/test"] {
                let refused = app.call("POST", path, VALID).await;
                assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
                assert_eq!(refused.problem(), "/problems/overloaded", "{path}");
                assert_eq!(refused.header("retry-after"), "1");
            }
            for path in ["/ping", "/health", "/metrics"] {
                assert_eq!(app.get(path).await.status, StatusCode::OK, "{path}");
            }
            app.store.release_read.notify_one();
        };
        tokio::join!(first, others).0
    };
    assert_eq!(busy.await.status, StatusCode::OK);
    app.store.mode.set(FakeMode::Healthy);
    assert_eq!(app.weather(VALID).await.status, StatusCode::OK);
}

#[tokio::test]
async fn example_of_problem_is_valid_request() {
    let app = app();
    let example = app.weather("{}").await.json()["example"].take();
    let text = |member: &str| example[member].as_str().unwrap().to_owned();
    let body = Value::to_string(&example["body"]);
    let answer = app.call(&text("method"), &text("path"), body).await;
    assert_eq!(answer.status, StatusCode::OK);
}
