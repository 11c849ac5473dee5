//! The limit of concurrent requests.

use axum::BoxError;
use axum::error_handling::HandleErrorLayer;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use std::convert::Infallible;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{Layer, Service, ServiceBuilder};

use crate::problem::{Kind, Problem};

/// Rejects requests while `max_requests` others are in progress, over all routes together.
pub(crate) fn limit(
    max_requests: usize,
) -> impl Layer<
    Route,
    Service: Service<
        Request,
        Response: IntoResponse + 'static,
        Error: Into<Infallible> + 'static,
        Future: Send + 'static,
    > + Clone
                 + Send
                 + Sync
                 + 'static,
> + Clone
+ Send
+ Sync
+ 'static {
    let overloaded = move |_: BoxError| async move {
        let detail = format!(
            "the server is processing {max_requests} requests, which is the limit; try again later"
        );
        Problem::new(Kind::Overloaded, detail)
    };
    ServiceBuilder::new()
        .layer(HandleErrorLayer::new(overloaded))
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(max_requests))
        .into_inner()
}
