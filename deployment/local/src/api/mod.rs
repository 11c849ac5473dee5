//! Marathon's API over HTTP: maps requests to the state machine and its results to responses.
//!
//! Paths are parsed by hand, because an app id contains slashes and may start with one.

mod events;
mod guards;
mod handle;
mod info;
mod methods;
mod path;
mod query;
mod response;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::driver::Driver;

/// State of every request.
#[derive(Clone)]
pub(crate) struct Api {
    driver: Arc<Driver>,
    /// Address of the API.
    address: SocketAddr,
    shutdown: CancellationToken,
}

/// Serves until `shutdown`, which also ends the event streams.
pub(crate) async fn serve(
    listener: TcpListener,
    driver: Arc<Driver>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let api = Api {
        driver,
        address,
        shutdown: shutdown.clone(),
    };
    let router = Router::new().fallback(handle_any).with_state(api);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move { shutdown.cancelled().await })
        .await
}

async fn handle_any(
    State(api): State<Api>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let mut response = handle::handle(&api, client, request).await;
    response::set_common_headers(&mut response, api.address);
    response
}
