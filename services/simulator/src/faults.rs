//! Faults on demand: what an upstream does wrong at its next request.
//!
//! Terms: an *upstream* is one protocol's endpoint; a fault of a *request* is met before there is an
//! answer, one of a *stream* after so many of its records.
//!
//! Guarantee: faults are met in the order in which they were asked for, each once, and only by requests
//! of that upstream. The truth does not change: a fault hides records or sends them again, and invents
//! none that a client could count.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::state::Shared;

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
    /// Mastodon's timelines, page by page.
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
    fn of(path: &str) -> Option<Self> {
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

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request is answered with this status and, where there is one, the number of seconds after
    /// which one may ask again, as the upstream tells it.
    Status(u16, Option<u32>),
    /// The answer takes so long, by the simulator's clock.
    Slow(Duration),
    /// The answer is not what the upstream promises.
    Nonsense,
    /// After so many records the stream says nothing any more, not even that it lives.
    Stall(usize),
    /// After so many records the connection breaks in the midst of the next one.
    Cut(usize),
    /// After so many records something comes that is none.
    Garbage(usize),
    /// The stream begins so much earlier than it was asked to.
    Again(Duration),
    /// A stream with a cursor begins so much later than it was asked to.
    Skip(Duration),
}

impl Fault {
    fn is_of_a_request(self) -> bool {
        matches!(self, Self::Status(..) | Self::Slow(_) | Self::Nonsense)
    }
}

/// Faults that are to be met.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<BTreeMap<Upstream, VecDeque<Fault>>>);

impl Faults {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<Upstream, VecDeque<Fault>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn inject(&self, upstream: Upstream, fault: Fault) {
        self.locked().entry(upstream).or_default().push_back(fault);
    }

    fn take(&self, upstream: Upstream, of_a_request: bool) -> Option<Fault> {
        let mut all = self.locked();
        let faults = all.get_mut(&upstream)?;
        let is_next = faults.front()?.is_of_a_request() == of_a_request;
        if is_next { faults.pop_front() } else { None }
    }

    /// The fault that a stream meets which begins now.
    pub(crate) fn of_stream(&self, upstream: Upstream) -> Option<Fault> {
        self.take(upstream, false)
    }
}

/// Meets the faults of requests.
pub(crate) async fn meet(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let Some(upstream) = Upstream::of(request.uri().path()) else {
        return next.run(request).await;
    };
    while let Some(fault) = shared.faults.take(upstream, true) {
        match fault {
            Fault::Slow(span) => shared.clock.sleep(span).await,
            Fault::Status(status, reset_s) => return refused(&shared, upstream, status, reset_s),
            _ => return "<html>nonsense".into_response(),
        }
    }
    next.run(request).await
}

fn refused(shared: &Shared, upstream: Upstream, status: u16, reset_s: Option<u32>) -> Response {
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
            let at = crate::feed::moment(at * 1_000);
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
    fn faults_are_met_in_order_once_and_by_their_own_upstream() {
        let faults = Faults::default();
        faults.inject(Upstream::X, Fault::Status(503, None));
        faults.inject(Upstream::X, Fault::Stall(1));
        faults.inject(Upstream::X, Fault::Status(429, Some(5)));
        assert_eq!(faults.take(Upstream::Mastodon, true), None);
        assert_eq!(faults.of_stream(Upstream::X), None, "not its turn");
        assert_eq!(
            faults.take(Upstream::X, true),
            Some(Fault::Status(503, None))
        );
        assert_eq!(faults.take(Upstream::X, true), None, "not its turn");
        assert_eq!(faults.of_stream(Upstream::X), Some(Fault::Stall(1)));
        assert_eq!(
            faults.take(Upstream::X, true),
            Some(Fault::Status(429, Some(5)))
        );
        assert_eq!(faults.take(Upstream::X, true), None);
    }
}
