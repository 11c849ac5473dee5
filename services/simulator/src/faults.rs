//! Injected faults of an upstream.
//!
//! Terms: an *upstream* is one protocol's endpoint; a *request fault* applies before the response, a
//! *stream fault* after a number of records.
//!
//! Guarantees: faults apply in the order of injection, each once, and only to requests of their
//! upstream. The truth does not change: a fault hides records or repeats them, and never adds a record
//! that a client could count.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::state::SharedWorld;

/// One protocol's endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Upstream {
    /// Jetstream's websocket.
    Jetstream,
    /// X's filtered stream.
    X,
    /// The rules of X's stream.
    XRules,
    /// Mastodon's streams.
    Mastodon,
    /// Mastodon's paged timelines.
    MastodonPages,
    /// Open-Meteo.
    OpenMeteo,
    /// OpenWeatherMap.
    OpenWeatherMap,
    /// Weatherbit.
    Weatherbit,
    /// Apixu.
    Apixu,
    /// Weatherstack.
    Weatherstack,
    /// The National Weather Service.
    Nws,
}

impl Upstream {
    fn from_path(path: &str) -> Option<Self> {
        let upstream = match path {
            "/subscribe" => Self::Jetstream,
            "/2/tweets/search/stream" => Self::X,
            "/2/tweets/search/stream/rules" => Self::XRules,
            "/v1/forecast" => Self::OpenMeteo,
            "/data/2.5/weather" => Self::OpenWeatherMap,
            "/v2.0/current" => Self::Weatherbit,
            "/v1/current.json" => Self::Apixu,
            "/current" => Self::Weatherstack,
            _ if path.starts_with("/api/v1/streaming/") => Self::Mastodon,
            _ if path.starts_with("/api/v1/timelines/") => Self::MastodonPages,
            _ if path.starts_with("/points/") || path.starts_with("/stations/") => Self::Nws,
            _ => return None,
        };
        Some(upstream)
    }
}

/// A fault of one request or stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Responds with this status and, if given, the seconds until the next allowed request, in the
    /// upstream's own header.
    Status(u16, Option<u32>),
    /// Delays the response by the simulator's clock.
    Slow(Duration),
    /// Responds with a body in no valid format.
    InvalidBody,
    /// Sends nothing after this many records, not even keep-alives.
    Stall(usize),
    /// Disconnects within the record after this many.
    Disconnect(usize),
    /// Sends invalid data after this many records.
    Garbage(usize),
    /// Starts the stream this much earlier than requested.
    Rewind(Duration),
    /// Starts a stream with a cursor this much later than requested.
    SkipAhead(Duration),
}

impl Fault {
    fn is_request_fault(self) -> bool {
        matches!(self, Self::Status(..) | Self::Slow(_) | Self::InvalidBody)
    }
}

/// Queues of injected faults.
#[derive(Debug, Default)]
pub(crate) struct FaultQueues(Mutex<BTreeMap<Upstream, VecDeque<Fault>>>);

impl FaultQueues {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Upstream, VecDeque<Fault>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn inject(&self, upstream: Upstream, fault: Fault) {
        self.lock().entry(upstream).or_default().push_back(fault);
    }

    fn take_if(&self, upstream: Upstream, request_fault: bool) -> Option<Fault> {
        let mut all = self.lock();
        let faults = all.get_mut(&upstream)?;
        let is_next = faults.front()?.is_request_fault() == request_fault;
        if is_next { faults.pop_front() } else { None }
    }

    /// The fault for a stream that starts now.
    pub(crate) fn take_stream_fault(&self, upstream: Upstream) -> Option<Fault> {
        self.take_if(upstream, false)
    }
}

/// Middleware that applies request faults.
pub(crate) async fn apply_request_faults(
    State(shared): State<SharedWorld>,
    request: Request,
    next: Next,
) -> Response {
    let Some(upstream) = Upstream::from_path(request.uri().path()) else {
        return next.run(request).await;
    };
    while let Some(fault) = shared.faults.take_if(upstream, true) {
        match fault {
            Fault::Slow(span) => shared.clock.sleep(span).await,
            Fault::Status(status, reset_s) => {
                return error_response(&shared, upstream, status, reset_s);
            }
            _ => return "<html>nonsense".into_response(),
        }
    }
    next.run(request).await
}

fn error_response(
    shared: &SharedWorld,
    upstream: Upstream,
    status: u16,
    reset_s: Option<u32>,
) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, "on purpose").into_response();
    let Some(reset_s) = reset_s else {
        return response;
    };
    let at = shared.clock.now().millis() / 1_000 + i64::from(reset_s);
    let (name, value) = match upstream {
        Upstream::X | Upstream::XRules => ("x-rate-limit-reset", at.to_string()),
        Upstream::Weatherbit => ("x-ratelimit-reset", at.to_string()),
        Upstream::Mastodon | Upstream::MastodonPages => {
            let at = crate::feed::timestamp(at * 1_000);
            ("x-ratelimit-reset", at.to_string())
        }
        _ => ("retry-after", reset_s.to_string()),
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applies_faults_once_in_order_per_upstream() {
        let faults = FaultQueues::default();
        faults.inject(Upstream::X, Fault::Status(503, None));
        faults.inject(Upstream::X, Fault::Stall(1));
        faults.inject(Upstream::X, Fault::Status(429, Some(5)));
        assert_eq!(faults.take_if(Upstream::Mastodon, true), None);
        assert_eq!(
            faults.take_stream_fault(Upstream::X),
            None,
            "not at the front of the queue"
        );
        assert_eq!(
            faults.take_if(Upstream::X, true),
            Some(Fault::Status(503, None))
        );
        assert_eq!(
            faults.take_if(Upstream::X, true),
            None,
            "not at the front of the queue"
        );
        assert_eq!(faults.take_stream_fault(Upstream::X), Some(Fault::Stall(1)));
        assert_eq!(
            faults.take_if(Upstream::X, true),
            Some(Fault::Status(429, Some(5)))
        );
        assert_eq!(faults.take_if(Upstream::X, true), None);
    }
}
