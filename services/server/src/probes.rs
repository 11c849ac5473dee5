//! Liveness, readiness and metrics.
//!
//! Terms: *liveness* depends only on this process; *readiness* depends on everything that an answer
//! needs. Readiness reports the log too, but does not depend on it: the server answers from the
//! stored hours while Kafka is unavailable.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use moodvane_model::{ErrorChain, Topic};
use moodvane_runtime::metrics::render;
use serde::Serialize;
use serde_json::{Value, json};

use crate::state::ServerState;

/// The time-out of the store's check. A probe with a shorter time-out counts as not ready too.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);
/// The time-out of the log's check, which is optional and must not delay a probe.
const LOG_TIMEOUT: Duration = Duration::from_millis(300);

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    /// Whether readiness depends on it; omitted if it does.
    #[serde(skip_serializing_if = "Clone::clone")]
    needed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Check {
    fn required(name: &'static str, result: Result<(), String>) -> Self {
        Self {
            name,
            ok: result.is_ok(),
            needed: true,
            reason: result.err(),
        }
    }

    fn optional(name: &'static str, result: Result<(), String>) -> Self {
        Self {
            needed: false,
            ..Self::required(name, result)
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

/// Whether the process is alive.
#[utoipa::path(
    get, path = "/health", tag = "probes",
    responses((status = 200, description = "The process is alive", body = Value)),
)]
pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// Whether the server is ready: 200 if every required check passes, otherwise 503, both with each
/// check and its reason.
#[utoipa::path(
    get, path = "/ready", tag = "probes",
    responses(
        (status = 200, description = "The server is ready", body = Value),
        (status = 503, description = "The server is not ready, with the reasons", body = Value),
    ),
)]
pub(crate) async fn ready(State(state): State<ServerState>) -> Response {
    let deps = &state.deps;
    let (store, log) = tokio::join!(
        run_check(STORE_TIMEOUT, deps.store.ping()),
        run_check(LOG_TIMEOUT, deps.log.watermarks(Topic::Temperature))
    );
    let accepting = if deps.shutdown.is_cancelled() {
        Err("draining".to_owned())
    } else {
        Ok(())
    };
    let mut checks = vec![
        Check::required("accepting", accepting),
        Check::required("store", store),
        Check::optional("log", log),
    ];
    let own = deps.readiness.report().into_iter();
    checks.extend(own.map(|(name, result)| Check::required(name, result)));
    let is_ready = checks.iter().all(|check| check.ok || !check.needed);
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({"ready": is_ready, "checks": checks}))).into_response()
}

/// All metrics of the process.
pub(crate) async fn metrics(State(state): State<ServerState>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let text = render(&state.deps.registry);
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn run_check<T, E: std::error::Error + 'static>(
    timeout: Duration,
    check: impl Future<Output = Result<T, E>>,
) -> Result<(), String> {
    match tokio::time::timeout(timeout, check).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(ErrorChain(&error).to_string()),
        Err(_) => Err(format!("no answer within {} ms", timeout.as_millis())),
    }
}
