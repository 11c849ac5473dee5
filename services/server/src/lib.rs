//! The HTTP API: what people and machines ask of the hours.
//!
//! | route | answer |
//! |---|---|
//! | `POST /weather` | hours of a range with feeling, temperature and r² |
//! | `GET, POST /test` | the same shape over fixed hours, see the table in `fixed.rs` |
//! | `GET /v1/hours` | all that is known of each hour, page by page; JSON, CSV or NDJSON |
//! | `GET /v1/relation` | how a weather variable and the feeling go together, with intervals |
//! | `GET /v1/cities` | the cities that are answered for |
//! | `GET /v1/status` | how far the rows are, and what was heard last |
//! | `GET /openapi.json` | this interface, as OpenAPI 3.1 |
//! | `GET /`, `/docs`, `/assets` | the pages for people, see `page.rs` |
//! | `GET /ping` | `pong` |
//! | `GET /health` | whether the process lives |
//! | `GET /ready` | whether it can answer: store, the process's own checks, not draining; and how the log is |
//! | `GET /metrics` | what it counted, in Prometheus's text format |
//!
//! Terms: a *problem* is a refusal in the shape of RFC 9457; to be *ready* is to be able to answer.
//!
//! Guarantee: every answer from 400 up is a problem, save that of `/ready`, and save what is not
//! HTTP at all, which the protocol's layer refuses with a bare 400, 414 or 431. The body, the
//! range, the time, the number of requests at once and of a client are limited; what is over a limit
//! is refused, saying which. A panic in a handler costs its request alone.
//!
//! This crate knows nothing of topics' records, scoring or folding: it reads hour rows through
//! [`moodvane_store::Store`] and asks the log only whether it answers.

mod answer;
mod client;
mod config;
mod etag;
mod fixed;
mod health;
mod observe;
mod openapi;
mod page;
mod patience;
mod problem;
mod query;
mod request;
mod request_id;
mod serve;
mod state;
mod v1;
mod weather;
mod zone;

use std::any::Any;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::problem::{Kind, Problem};
use crate::state::State;

pub use client::RateLimit;
pub use config::ServerConfig;
pub use serve::{ConnectionLimits, listen, serve};
pub use state::ServerDeps;

/// The routes, with every limit around them.
pub fn router(app: ServerDeps) -> Router {
    let body_limit = DefaultBodyLimit::max(app.config.max_body_bytes);
    let cors = cors(&app.config.cors_origins);
    let state = State::new(app);
    let v1 = v1::routes()
        .layer(from_fn(etag::etag))
        .layer(CompressionLayer::new());
    // Probes are outside the limit of requests at once: a busy server is not a sick one.
    let limited = Router::new()
        .route("/weather", post(weather::weather))
        .route("/test", get(weather::test).post(weather::test_posted))
        .merge(v1)
        .route_layer(from_fn_with_state(state.clone(), weather::limit));
    let document = get(openapi::document).layer(CompressionLayer::new());
    let pages = page::routes()
        .layer(from_fn(etag::etag))
        .layer(CompressionLayer::new());
    let rated = Router::new()
        .merge(limited)
        .merge(pages)
        .route("/openapi.json", document)
        .route_layer(from_fn_with_state(state.clone(), client::limit));
    let router = Router::new()
        .merge(rated)
        .route("/ping", get(health::ping))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(observe::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(body_limit)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .layer(from_fn(request_id::identify))
        .with_state(state);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// Lets pages of these sites ask; none where no site is named, so that a browser's question is
/// answered as any other method that is not known.
fn cors(origins: &[HeaderValue]) -> Option<CorsLayer> {
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.to_vec()))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .expose_headers([header::LINK, header::ETAG, request_id::HEADER]);
    (!origins.is_empty()).then_some(layer)
}

async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(128).collect();
    Problem::new(
        Kind::NotFound,
        format!(
            "there is no {path}; there are /weather, /v1/hours, /v1/relation, /v1/cities, /v1/status, /test, /ping, /health, /ready, /metrics, /openapi.json"
        ),
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
