//! The metrics of HTTP requests, and the log line of each request.
//!
//! Guarantee: labels are bounded: the route pattern, a known method, a status code. A request whose
//! client disconnects before the response counts with status `aborted`.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use moodvane_runtime::metrics;
use prometheus::{HistogramVec, IntCounterVec, Registry};

const OTHER: &str = "other";
const ABORTED: &str = "aborted";

/// The metrics of the server.
#[derive(Clone)]
pub(crate) struct HttpMetrics {
    requests: IntCounterVec,
    duration_seconds: HistogramVec,
    outliers: IntCounterVec,
}

impl HttpMetrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            requests: metrics::counter_vec(
                registry,
                "moodvane_http_requests_total",
                "Requests by route, method and status.",
                &["route", "method", "status"],
            ),
            duration_seconds: metrics::histogram_vec(
                registry,
                "moodvane_http_request_duration_seconds",
                "Time from the head of a request to its response, by route.",
                &["route"],
            ),
            outliers: metrics::counter_vec(
                registry,
                "moodvane_http_stray_temperatures_total",
                "Answered hours without the temperature of an outlier source, by source.",
                &["source"],
            ),
        }
    }

    /// Counts an hour from which `source` is excluded as an outlier.
    pub(crate) fn inc_outliers(&self, source: &str) {
        self.outliers.with_label_values(&[source]).inc();
    }
}

/// A request in progress. Dropping it counts the request once, also without a response.
struct RequestGuard {
    metrics: HttpMetrics,
    route: String,
    method: &'static str,
    status: Option<u16>,
    started: Instant,
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let status = self
            .status
            .map_or_else(|| ABORTED.to_owned(), |status| status.to_string());
        let duration = self.started.elapsed();
        let labels = [self.route.as_str(), self.method, status.as_str()];
        self.metrics.requests.with_label_values(&labels).inc();
        self.metrics
            .duration_seconds
            .with_label_values(&[self.route.as_str()])
            .observe(duration.as_secs_f64());
        tracing::debug!(
            method = self.method,
            route = self.route,
            status,
            duration_ms = duration.as_secs_f64() * 1e3,
            "request answered"
        );
    }
}

/// Counts, times and logs a request.
pub(crate) async fn observe(
    State(metrics): State<HttpMetrics>,
    request: Request,
    next: Next,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(OTHER, MatchedPath::as_str)
        .to_owned();
    let mut guard = RequestGuard {
        metrics,
        route,
        method: method_label(request.method()),
        status: None,
        started: Instant::now(),
    };
    let response = next.run(request).await;
    guard.status = Some(response.status().as_u16());
    response
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => OTHER,
    }
}
