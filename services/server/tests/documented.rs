//! The server produces every response from 300 up that the OpenAPI document lists.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use common::{Answer, FakeMode, TestApp, config, hour};
use moodvane_server::RateLimit;
use serde_json::Value;

/// A valid request of an operation.
fn valid_request(path: &str) -> (String, &'static str) {
    let hours = "begin=2018-01-01T02&end=2018-01-01T03";
    match path {
        "/weather" => (
            path.to_owned(),
            r#"{"begin":"2018-01-01 02","end":"2018-01-01 03"}"#,
        ),
        "/v1/hours" => (format!("{path}?{hours}"), ""),
        "/v1/relation" => (format!("{path}?variable=wind&{hours}"), ""),
        "/v1/effect" => (format!("{path}?{hours}"), ""),
        _ => (path.to_owned(), ""),
    }
}

async fn send_valid(app: &TestApp, method: &str, path: &str) -> Answer {
    let (path, body) = valid_request(path);
    app.call(method, &path, body).await
}

fn app_with(change: impl FnOnce(&mut moodvane_server::ServerConfig)) -> TestApp {
    let mut config = config();
    change(&mut config);
    TestApp::with_config(vec![hour("2018-01-01 02", &[2], &[("a", 7.0)])], config)
}

async fn not_modified(method: &str, path: &str) -> Answer {
    let app = app_with(|_| {});
    let tag = send_valid(&app, method, path)
        .await
        .header("etag")
        .to_owned();
    app.get_with(&valid_request(path).0, ("if-none-match", &tag))
        .await
}

async fn bad_request(method: &str, path: &str) -> Answer {
    let nonsense = format!("{path}?nonsense=1");
    app_with(|_| {}).call(method, &nonsense, "{").await
}

async fn body_timeout(method: &str, path: &str) -> Answer {
    let app = app_with(|config| config.request_timeout = Duration::from_millis(20));
    let never = futures::stream::pending::<Result<Vec<u8>, Infallible>>();
    app.call(method, path, Body::from_stream(never)).await
}

async fn too_large(method: &str, path: &str) -> Answer {
    app_with(|_| {}).call(method, path, " ".repeat(1025)).await
}

async fn over_limit(path: &str) -> Answer {
    let path = format!("{}&lag_hours=49", valid_request(path).0);
    app_with(|_| {}).get(&path).await
}

async fn rate_limited(method: &str, path: &str) -> Answer {
    let app = app_with(|config| {
        config.rate_limit = Some(RateLimit {
            per_second: NonZeroU32::MIN,
            burst: NonZeroU32::MIN,
        });
    });
    let first = send_valid(&app, method, path).await;
    assert_eq!(first.status, StatusCode::OK, "{method} {path}");
    let again = send_valid(&app, method, path).await;
    let wait: u32 = again.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    again
}

async fn corrupt_store(method: &str, path: &str) -> Answer {
    let app = app_with(|_| {});
    app.store.mode.set(FakeMode::Corrupt);
    send_valid(&app, method, path).await
}

/// An unavailable store or, for a path without the store, an exhausted concurrency limit.
async fn unavailable(method: &str, path: &str) -> Answer {
    let app = app_with(|config| config.max_concurrent_requests = 1);
    if !["/test", "/v1/cities"].contains(&path) {
        app.store.mode.set(FakeMode::Unavailable);
        return send_valid(&app, method, path).await;
    }
    app.store.mode.set(FakeMode::Hanging);
    let refused = async {
        app.store.read_started.notified().await;
        let refused = send_valid(&app, method, path).await;
        app.store.release_read.notify_one();
        refused
    };
    tokio::join!(send_valid(&app, "POST", "/weather"), refused).1
}

async fn produce(method: &str, path: &str, status: u16) -> Answer {
    match status {
        304 => not_modified(method, path).await,
        400 => bad_request(method, path).await,
        408 => body_timeout(method, path).await,
        413 => too_large(method, path).await,
        422 => over_limit(path).await,
        429 => rate_limited(method, path).await,
        500 => corrupt_store(method, path).await,
        503 => unavailable(method, path).await,
        other => panic!("nothing produces the {other} of {method} {path}"),
    }
}

/// The content types that the document lists for a response.
fn content_types(document: &Value, response: &Value) -> Vec<String> {
    let response = match response["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => response,
    };
    let content = response["content"].as_object();
    content.map_or(Vec::new(), |content| content.keys().cloned().collect())
}

#[tokio::test]
async fn produces_every_documented_response_from_300_up() {
    let document = app_with(|_| {}).get("/openapi.json").await.json();
    let mut produced = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let code: u16 = status.parse().unwrap();
                if code < 300 {
                    continue;
                }
                let method = method.to_uppercase();
                let answer = produce(&method, path, code).await;
                assert_eq!(answer.status.as_u16(), code, "{method} {path}");
                let kinds = content_types(&document, response);
                let kind = answer.header("content-type").to_owned();
                let documented = kinds.contains(&kind) || (kind.is_empty() && kinds.is_empty());
                assert!(documented, "{method} {path} {code}: {kind:?} of {kinds:?}");
                if kind == "application/problem+json" {
                    answer.problem();
                }
                produced.insert(code);
            }
        }
    }
    assert_eq!(
        Vec::from_iter(produced),
        [304, 400, 408, 413, 422, 429, 500, 503],
        "documented statuses"
    );
}

#[tokio::test]
async fn probes_are_not_rate_limited() {
    let app = app_with(|config| {
        config.rate_limit = Some(RateLimit {
            per_second: NonZeroU32::MIN,
            burst: NonZeroU32::MIN,
        });
    });
    for path in ["/ping", "/health", "/ready", "/metrics", "/ping"] {
        assert_eq!(app.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(app.get("/").await.status, StatusCode::OK);
    let refused = app.get("/v1/cities").await;
    assert_eq!(refused.problem(), "/problems/too-many-requests");
}

#[tokio::test]
async fn rejects_relation_without_capacity_in_time() {
    let app = app_with(|config| {
        config.max_concurrent_relations = 0;
        config.request_timeout = Duration::from_millis(20);
    });
    let refused = send_valid(&app, "GET", "/v1/relation").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.problem(), "/problems/overloaded");
    assert_eq!(refused.header("retry-after"), "1");
}
