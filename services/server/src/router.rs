//! The routes and the layers around them.

use std::any::Any;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::concurrency::limit_concurrency;
use crate::problem::{Problem, method_not_allowed, not_found};
use crate::rate_limit::ClientRateLimiter;
use crate::state::{ServerDeps, ServerState};
use crate::trailing_slash::accept_trailing_slash;
use crate::{etag, http_metrics, openapi, page, probes, rate_limit, request_id, v1, weather};

/// The routes with all their limits.
pub fn router(deps: ServerDeps) -> Router {
    let config = &deps.config;
    let body_limit = DefaultBodyLimit::max(config.max_body_bytes);
    let cors = cors(&config.cors_origins);
    let limiter = ClientRateLimiter::new(config.rate_limit, config.trusted_proxies.clone());
    let max_requests = config.max_concurrent_requests;
    let state = ServerState::new(deps);
    let v1 = v1::routes()
        .layer(from_fn(etag::etag))
        .layer(CompressionLayer::new());
    // Probes are outside the concurrency limit: a busy server is healthy.
    let limited = Router::new()
        .route("/weather", post(weather::weather))
        .route("/test", get(weather::test).post(weather::test_posted))
        .merge(v1);
    let limited = limit_concurrency(limited, max_requests);
    let document = get(openapi::document).layer(CompressionLayer::new());
    let pages = page::routes()
        .layer(from_fn(etag::etag))
        .layer(CompressionLayer::new());
    let rate_limited = Router::new()
        .merge(limited)
        .merge(pages)
        .route("/openapi.json", document)
        .route_layer(from_fn_with_state(limiter, rate_limit::limit));
    let router = Router::new()
        .merge(rate_limited)
        .route("/ping", get(probes::ping))
        .route("/health", get(probes::health))
        .route("/ready", get(probes::ready))
        .route("/metrics", get(probes::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(body_limit)
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(from_fn_with_state(
            state.metrics.clone(),
            http_metrics::observe,
        ))
        .layer(from_fn(request_id::identify))
        .with_state(state);
    accept_trailing_slash(match cors {
        Some(cors) => router.layer(cors),
        None => router,
    })
}

/// Allows cross-origin requests from these sites. `None` without sites, so that a preflight request
/// is answered like any unsupported method.
fn cors(origins: &[HeaderValue]) -> Option<CorsLayer> {
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.to_vec()))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .expose_headers([header::LINK, header::ETAG, request_id::HEADER]);
    (!origins.is_empty()).then_some(layer)
}

fn panic_response(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "request handler panicked");
    Problem::internal().into_response()
}
