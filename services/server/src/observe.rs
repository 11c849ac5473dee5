//! What the server counts about requests, and the log line of each.
//!
//! Guarantee: labels are bounded: the route as it is written in the router, a known method, a
//! status code. A request whose client went away before the answer counts with status `aborted`.

use std::time::Instant;

use axum::extract::{self, MatchedPath, Request};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use moodvane_runtime::metrics;
use prometheus::{HistogramVec, IntCounterVec, Registry};

use crate::state::State;

const OTHER: &str = "other";
const ABORTED: &str = "aborted";

/// The server's own counters.
pub(crate) struct Counts {
    requests: IntCounterVec,
    duration_seconds: HistogramVec,
    strays: IntCounterVec,
}

impl Counts {
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
                "Time from a request's head to its answer, by route.",
                &["route"],
            ),
            strays: metrics::counter_vec(
                registry,
                "moodvane_http_stray_temperatures_total",
                "Hours of answers out of which a source's temperature was left, by source.",
                &["source"],
            ),
        }
    }

    /// Counts an hour out of which `source` was left.
    pub(crate) fn stray(&self, source: &str) {
        self.strays.with_label_values(&[source]).inc();
    }
}

/// A request in progress. Counts it once, also where it is dropped before it has an answer.
struct Watch {
    state: State,
    route: String,
    method: &'static str,
    status: Option<u16>,
    since: Instant,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let status = self
            .status
            .map_or_else(|| ABORTED.to_owned(), |status| status.to_string());
        let took = self.since.elapsed();
        let counts = &self.state.counts;
        let labels = [self.route.as_str(), self.method, status.as_str()];
        counts.requests.with_label_values(&labels).inc();
        counts
            .duration_seconds
            .with_label_values(&[self.route.as_str()])
            .observe(took.as_secs_f64());
        tracing::debug!(
            method = self.method,
            route = self.route,
            status,
            duration_ms = took.as_secs_f64() * 1e3,
            "request answered"
        );
    }
}

/// Counts, times and logs a request.
pub(crate) async fn observe(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(OTHER, MatchedPath::as_str)
        .to_owned();
    let mut watch = Watch {
        state,
        route,
        method: known(request.method()),
        status: None,
        since: Instant::now(),
    };
    let response = next.run(request).await;
    watch.status = Some(response.status().as_u16());
    response
}

/// All that the process counted.
pub(crate) async fn metrics(extract::State(state): extract::State<State>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let text = metrics::render(&state.app.registry);
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => OTHER,
    }
}
