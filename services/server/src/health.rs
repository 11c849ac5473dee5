//! Whether the server lives and whether it can answer.
//!
//! Terms: *alive* asks only this process; *ready* asks all that an answer depends on. The log is asked too, and
//! told of, but no answer comes from it: where Kafka is away, the hours that are there are still served.

use std::time::Duration;

use axum::Json;
use axum::extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use moodvane_model::Topic;
use serde::Serialize;
use serde_json::{Value, json};

use crate::state::State;

/// How long the store may take. Who asks may lose patience before, and takes that for an answer too: not ready.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the log may take, which is only told of: a probe must not run out of patience for its sake.
const TOLD_TIMEOUT: Duration = Duration::from_millis(300);

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    /// Whether an answer depends on it; not told where one does.
    #[serde(skip_serializing_if = "Clone::clone")]
    needed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Check {
    fn new(name: &'static str, result: Result<(), String>) -> Self {
        Self {
            name,
            ok: result.is_ok(),
            needed: true,
            reason: result.err(),
        }
    }

    /// One that is told of and does not decide.
    fn told(name: &'static str, result: Result<(), String>) -> Self {
        Self {
            needed: false,
            ..Self::new(name, result)
        }
    }
}

/// Answers pong.
#[utoipa::path(
    get, path = "/ping", tag = "probes",
    responses((status = 200, description = "pong", body = String, content_type = "text/plain")),
)]
pub(crate) async fn ping() -> &'static str {
    "pong"
}

/// Whether the process lives.
#[utoipa::path(
    get, path = "/health", tag = "probes",
    responses((status = 200, description = "It does", body = Value)),
)]
pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// 200 where every check that is needed is good, else 503; either way with each check and its reason.
#[utoipa::path(
    get, path = "/ready", tag = "probes",
    responses(
        (status = 200, description = "It can answer", body = Value),
        (status = 503, description = "It cannot, with the reasons", body = Value),
    ),
)]
pub(crate) async fn ready(extract::State(state): extract::State<State>) -> Response {
    let app = &state.app;
    let (store, log) = tokio::join!(
        within(CHECK_TIMEOUT, app.store.ping()),
        within(TOLD_TIMEOUT, app.log.watermarks(Topic::Temperature))
    );
    let accepting = if app.shutdown.is_cancelled() {
        Err("draining".to_owned())
    } else {
        Ok(())
    };
    let mut checks = vec![
        Check::new("accepting", accepting),
        Check::new("store", store),
        Check::told("log", log),
    ];
    let own = app.readiness.report().into_iter();
    checks.extend(own.map(|(name, result)| Check::new(name, result)));
    let ready = checks.iter().all(|check| check.ok || !check.needed);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({"ready": ready, "checks": checks}))).into_response()
}

async fn within<T, E: std::fmt::Display>(
    patience: Duration,
    check: impl Future<Output = Result<T, E>>,
) -> Result<(), String> {
    match tokio::time::timeout(patience, check).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} ms", patience.as_millis())),
    }
}
