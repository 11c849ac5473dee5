//! Probes of a service that has no HTTP interface of its own: `/health`, `/ready`, `/metrics`.

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

/// Where probes are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeConfig {
    /// Address and port; port 0 takes any free one.
    pub address: SocketAddr,
}

impl ProbeConfig {
    /// Reads `[probe]`. `None` where there is a fault; the settings then hold all of them.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let section = settings.section("probe");
        let address = section.parse::<IpAddr>("address");
        let port = section.number("port", 0..=u16::MAX);
        Some(Self {
            address: SocketAddr::new(address?, port?),
        })
    }

    /// Where a running process of these settings is asked.
    #[must_use]
    pub fn read_address(settings: &Settings) -> Option<SocketAddr> {
        Self::read(settings).map(|config| config.address)
    }
}

type Asked = (Readiness, Registry, CancellationToken);

/// Answers probes until `end` is cancelled. From `stop` on the process is not ready.
///
/// # Errors
/// Where the listener fails for good.
pub async fn serve_probes(
    listener: TcpListener,
    probed: (Readiness, Registry),
    stop: CancellationToken,
    end: CancellationToken,
) -> std::io::Result<()> {
    serve_probes_and(listener, probed, Router::new(), stop, end).await
}

/// As [`serve_probes`], with routes of the service's own.
///
/// # Errors
/// Where the listener fails for good.
pub async fn serve_probes_and(
    listener: TcpListener,
    (readiness, registry): (Readiness, Registry),
    more: Router,
    stop: CancellationToken,
    end: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/health", get(async || Json(json!({ "status": "alive" }))))
        .route("/ready", get(ready))
        .route("/metrics", get(counted))
        .with_state((readiness, registry, stop))
        .merge(more);
    axum::serve(listener, router)
        .with_graceful_shutdown(end.cancelled_owned())
        .await
}

async fn ready(State((readiness, _, stop)): State<Asked>) -> Response {
    let accepting = if stop.is_cancelled() {
        Err("draining".to_owned())
    } else {
        Ok(())
    };
    let mut checks = vec![("accepting", accepting)];
    checks.extend(readiness.report());
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

async fn counted(State((_, registry, _)): State<Asked>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics::render(&registry)).into_response()
}
