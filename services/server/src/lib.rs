//! The HTTP API: what people and machines ask of the hours.
//!
//! | route | answer |
//! |---|---|
//! | `POST /weather` | hours of a range with feeling, temperature and r² |
//! | `GET, POST /test` | the same shape over fixed hours, see the table in `fixed.rs` |
//! | `GET /ping` | `pong` |
//! | `GET /health` | whether the process lives |
//! | `GET /ready` | whether it can answer: store, log, the process's own checks, not draining |
//! | `GET /metrics` | what it counted, in Prometheus's text format |
//!
//! Terms: a *problem* is a refusal in the shape of RFC 9457; to be *ready* is to be able to answer.
//!
//! Guarantee: every answer from 400 up is a problem, save that of `/ready`, and save what is not
//! HTTP at all, which the protocol's layer refuses with a bare 400, 414 or 431. The body, the
//! range, the time and the number of requests at once are limited; what is over a limit is refused,
//! saying which. A panic in a handler costs its request alone.
//!
//! This crate knows nothing of topics' records, scoring or folding: it reads hour rows through
//! [`moodvane_store::Store`] and asks the log only whether it answers.

mod answer;
mod config;
mod fixed;
mod health;
mod observe;
mod patience;
mod problem;
mod request;
mod serve;
mod state;
mod weather;

use std::any::Any;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::problem::{Kind, Problem};
use crate::state::State;

pub use config::ServerConfig;
pub use serve::{HEADER_TIMEOUT, MAX_CONNECTIONS, WRITE_TIMEOUT, serve};
pub use state::App;

/// The routes, with every limit around them.
pub fn router(app: App) -> Router {
    let body_limit = DefaultBodyLimit::max(app.config.max_body_bytes);
    let state = State::new(app);
    // Probes are outside the limit of requests at once: a busy server is not a sick one.
    let limited = Router::new()
        .route("/weather", post(weather::weather))
        .route("/test", get(weather::test).post(weather::test))
        .route_layer(from_fn_with_state(state.clone(), weather::limit));
    Router::new()
        .merge(limited)
        .route("/ping", get(health::ping))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(observe::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(body_limit)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(128).collect();
    Problem::new(
        Kind::NotFound,
        format!("there is no {path}; there are /weather, /test, /ping, /health, /ready, /metrics"),
    )
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let method: String = method.as_str().chars().take(32).collect();
    Problem::new(
        Kind::MethodNotAllowed,
        format!(
            "{} does not know {method}; the header allow says what it knows",
            uri.path()
        ),
    )
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "request handler panicked");
    Problem::internal().into_response()
}
