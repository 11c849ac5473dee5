//! Admin endpoints of a service without a public HTTP interface: `/health`, `/ready`, `/metrics`.

use std::net::{IpAddr, SocketAddr};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use moodvane_runtime::{Readiness, Settings, metrics};
use prometheus::Registry;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The address of the admin endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeConfig {
    /// Address and port; port 0 selects any free port.
    pub address: SocketAddr,
}

impl ProbeConfig {
    /// Reads `[probe]`. Returns `None` on a fault, which `settings` then holds.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let section = settings.section("probe");
        let address = section.parse::<IpAddr>("address");
        let port = section.number("port", 0..=u16::MAX);
        Some(Self {
            address: SocketAddr::new(address?, port?),
        })
    }

    /// Reads the address alone.
    #[must_use]
    pub fn read_address(settings: &Settings) -> Option<SocketAddr> {
        Self::read(settings).map(|config| config.address)
    }
}

/// The state of the process that the endpoints report.
#[derive(Debug, Clone)]
pub struct ProbeState {
    /// The checks of `/ready`.
    pub readiness: Readiness,
    /// The metrics of `/metrics`.
    pub registry: Registry,
    /// Once it is cancelled, the process drains and `/ready` returns 503.
    pub stop: CancellationToken,
}

/// Serves `/health`, `/ready` and `/metrics` until `end` is cancelled.
///
/// # Errors
/// If the listener fails permanently.
pub async fn serve_probes(
    listener: TcpListener,
    state: ProbeState,
    end: CancellationToken,
) -> std::io::Result<()> {
    serve_admin(listener, state, Router::new(), end).await
}

/// As [`serve_probes`], with additional routes of the service.
///
/// # Errors
/// If the listener fails permanently.
pub async fn serve_admin(
    listener: TcpListener,
    state: ProbeState,
    service_routes: Router,
    end: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/health", get(async || Json(json!({ "status": "alive" }))))
        .route("/ready", get(report_readiness))
        .route("/metrics", get(render_metrics))
        .with_state(state)
        .merge(service_routes);
    axum::serve(listener, router)
        .with_graceful_shutdown(end.cancelled_owned())
        .await
}

async fn report_readiness(State(state): State<ProbeState>) -> Response {
    let accepting = if state.stop.is_cancelled() {
        Err("draining".to_owned())
    } else {
        Ok(())
    };
    let mut checks = vec![("accepting", accepting)];
    checks.extend(state.readiness.report());
    let ready = checks.iter().all(|(_, result)| result.is_ok());
    let shown: Vec<_> = checks
        .into_iter()
        .map(|(name, result)| match result {
            Ok(()) => json!({ "name": name, "ok": true }),
            Err(reason) => json!({ "name": name, "ok": false, "reason": reason }),
        })
        .collect();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "ready": ready, "checks": shown }))).into_response()
}

async fn render_metrics(State(state): State<ProbeState>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let text = metrics::render(&state.registry);
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
