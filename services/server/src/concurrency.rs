//! The limit of concurrent requests.

use axum::error_handling::HandleErrorLayer;
use axum::{BoxError, Router};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::problem::{Kind, Problem};
use crate::state::ServerState;

/// Rejects requests while `max_requests` others are in progress, over all routes together.
pub(crate) fn limit_concurrency(
    routes: Router<ServerState>,
    max_requests: usize,
) -> Router<ServerState> {
    let overloaded = move |_: BoxError| async move {
        let detail = format!(
            "the server is processing {max_requests} requests, which is the limit; try again later"
        );
        Problem::new(Kind::Overloaded, detail)
    };
    routes.route_layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(overloaded))
            .load_shed()
            .layer(GlobalConcurrencyLimitLayer::new(max_requests)),
    )
}
