//! Every answer from 300 up that the OpenAPI document names is produced, in the documented shape.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use common::{Answer, Mood, TestApp, config, hour};
use moodvane_server::RateLimit;
use serde_json::Value;

/// A request that is right, of each operation.
fn right(path: &str) -> (String, &'static str) {
    let hours = "begin=2018-01-01T02&end=2018-01-01T03";
    match path {
        "/weather" => (
            path.to_owned(),
            r#"{"begin":"2018-01-01 02","end":"2018-01-01 03"}"#,
        ),
        "/v1/hours" => (format!("{path}?{hours}"), ""),
        "/v1/relation" => (format!("{path}?variable=wind&{hours}"), ""),
        _ => (path.to_owned(), ""),
    }
}

async fn ask(app: &TestApp, method: &str, path: &str) -> Answer {
    let (path, body) = right(path);
    app.call(method, &path, body).await
}

fn over(change: impl FnOnce(&mut moodvane_server::ServerConfig)) -> TestApp {
    let mut config = config();
    change(&mut config);
    TestApp::with(vec![hour("2018-01-01 02", &[2], &[("a", 7.0)])], config)
}

async fn not_modified(method: &str, path: &str) -> Answer {
    let app = over(|_| {});
    let tag = ask(&app, method, path).await.header("etag").to_owned();
    app.get_with(&right(path).0, ("if-none-match", &tag)).await
}

async fn bad_request(method: &str, path: &str) -> Answer {
    let nonsense = format!("{path}?nonsense=1");
    over(|_| {}).call(method, &nonsense, "{").await
}

async fn late(method: &str, path: &str) -> Answer {
    let app = over(|config| config.request_timeout = Duration::from_millis(20));
    let never = futures::stream::pending::<Result<Vec<u8>, Infallible>>();
    app.call(method, path, Body::from_stream(never)).await
}

async fn too_large(method: &str, path: &str) -> Answer {
    over(|_| {}).call(method, path, " ".repeat(1025)).await
}

async fn too_often(method: &str, path: &str) -> Answer {
    let app = over(|config| {
        config.rate_limit = Some(RateLimit {
            per_second: NonZeroU32::MIN,
            burst: NonZeroU32::MIN,
        });
    });
    let first = ask(&app, method, path).await;
    assert_eq!(first.status, StatusCode::OK, "{method} {path}");
    let again = ask(&app, method, path).await;
    let wait: u32 = again.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    again
}

async fn damaged(method: &str, path: &str) -> Answer {
    let app = over(|_| {});
    app.store.switch.turn(Mood::Damaged);
    ask(&app, method, path).await
}

/// The store is away, or, of what needs none, all places are taken.
async fn away(method: &str, path: &str) -> Answer {
    let app = over(|config| config.max_concurrent_requests = 1);
    if !["/test", "/v1/cities"].contains(&path) {
        app.store.switch.turn(Mood::Away);
        return ask(&app, method, path).await;
    }
    app.store.switch.turn(Mood::Silent);
    let refused = async {
        app.store.asked.notified().await;
        let refused = ask(&app, method, path).await;
        app.store.answer.notify_one();
        refused
    };
    tokio::join!(ask(&app, "POST", "/weather"), refused).1
}

async fn produce(method: &str, path: &str, status: u16) -> Answer {
    match status {
        304 => not_modified(method, path).await,
        400 => bad_request(method, path).await,
        408 => late(method, path).await,
        413 => too_large(method, path).await,
        429 => too_often(method, path).await,
        500 => damaged(method, path).await,
        503 => away(method, path).await,
        other => panic!("nothing produces the {other} of {method} {path}"),
    }
}

/// The kinds of content that the document names for an answer.
fn kinds(document: &Value, response: &Value) -> Vec<String> {
    let response = match response["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => response,
    };
    let content = response["content"].as_object();
    content.map_or(Vec::new(), |content| content.keys().cloned().collect())
}

#[tokio::test]
async fn every_documented_answer_from_300_up_is_produced() {
    let document = over(|_| {}).get("/openapi.json").await.json();
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
                let kinds = kinds(&document, response);
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
        [304, 400, 408, 413, 429, 500, 503],
        "what the document names"
    );
}

#[tokio::test]
async fn probes_have_no_rate() {
    let app = over(|config| {
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
async fn a_relation_that_finds_no_place_in_time_is_refused() {
    let app = over(|config| {
        config.max_concurrent_relations = 0;
        config.request_timeout = Duration::from_millis(20);
    });
    let refused = ask(&app, "GET", "/v1/relation").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.problem(), "/problems/overloaded");
    assert_eq!(refused.header("retry-after"), "1");
}
