//! Marathon's API over HTTP: paths and bodies in, the state machine's answers out.
//!
//! Paths are read by hand: an app's name has slashes, and may begin with one.

mod answer;
mod events;
mod fit;
mod handle;
mod info;
mod path;
mod query;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::driver::Driver;

/// What every request sees.
#[derive(Clone)]
pub(crate) struct Api {
    driver: Arc<Driver>,
    /// Where the API is served.
    address: SocketAddr,
    shutdown: CancellationToken,
}

/// Serves until `shutdown`; event streams end with it.
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
    let router = Router::new().fallback(any).with_state(api);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move { shutdown.cancelled().await })
        .await
}

async fn any(
    State(api): State<Api>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let mut response = handle::handle(&api, client, request).await;
    answer::mark(&mut response, api.address);
    response
}
