//! The limits of concurrent requests and computations.

use std::sync::Arc;

use axum::error_handling::HandleErrorLayer;
use axum::{BoxError, Router};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::deadline::Deadline;
use crate::problem::{Kind, Problem};
use crate::state::ServerState;

/// Waits for a permit of a costly computation. `what` names the computations in the plural.
pub(crate) async fn acquire_permit(
    permits: &Arc<Semaphore>,
    (max, what): (usize, &str),
    deadline: Deadline,
) -> Result<OwnedSemaphorePermit, Problem> {
    match deadline.run(Arc::clone(permits).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) => Err(Problem::internal()),
        Err(_) => {
            let detail = format!(
                "the server computes at most {max} {what} at once and had no capacity for this one in time; try again later"
            );
            Err(Problem::new(Kind::Overloaded, detail))
        }
    }
}

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
