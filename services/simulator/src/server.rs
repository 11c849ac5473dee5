//! Starts the simulator; its handle and its routes.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use moodvane_runtime::Clock;
use moodvane_sentiment::Scorer;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::SimulatorConfig;
use crate::error::SimulatorError;
use crate::faults::{self, Fault, Upstream};
use crate::state::{SharedWorld, SimulatorStats, World};
use crate::truth::Truth;
use crate::{jetstream, keyed, mastodon, nws, open_meteo, x};

/// A running simulator. Cancelling its token stops it; dropping this handle does not.
pub struct Simulator {
    address: SocketAddr,
    base_url: Url,
    stream_url: Url,
    world: SharedWorld,
    server: JoinHandle<()>,
}

/// Starts a simulator on `address` (port 0 for any), until `shutdown` is cancelled. `scorer` scores the
/// truth and must be the one of the pipeline.
///
/// # Errors
/// [`SimulatorError`] if the configuration is invalid, the journal cannot be opened or the address is not
/// available.
pub async fn start(
    config: SimulatorConfig,
    scorer: Box<dyn Scorer>,
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) -> Result<Simulator, SimulatorError> {
    let world = Arc::new(World::new(config, scorer, clock, shutdown.clone())?);
    let bind = |source| SimulatorError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let server = axum::serve(listener, router(Arc::clone(&world)))
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .into_future();
    Ok(Simulator {
        address,
        base_url: Url::parse(&format!("http://{address}"))?,
        stream_url: Url::parse(&format!("ws://{address}"))?,
        world,
        server: tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "simulator server failed");
            }
        }),
    })
}

impl Simulator {
    /// The bound address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of the weather providers' protocols and of `/truth`, for example `http://127.0.0.1:4000/`.
    #[must_use]
    pub fn base_url(&self) -> Url {
        self.base_url.clone()
    }

    /// The base URL of Jetstream's protocol, for example `ws://127.0.0.1:4000/`; the stream is at
    /// `/subscribe` below it.
    #[must_use]
    pub fn stream_url(&self) -> Url {
        self.stream_url.clone()
    }

    /// The truth up to now. Blocks while it scores the posts that became due since the last call, which
    /// may take seconds after a long history: do not call it on an async worker.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.world.truth()
    }

    /// Queues a fault for the next request of this upstream, after those queued before.
    pub fn inject(&self, upstream: Upstream, fault: Fault) {
        self.world.faults.inject(upstream, fault);
    }

    /// Counts since the start.
    #[must_use]
    pub fn stats(&self) -> SimulatorStats {
        self.world.counters.stats()
    }

    /// The registry of its metrics, named `moodvane_simulator_…`.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.world.registry.clone()
    }

    /// Waits until the simulator has stopped after its token was cancelled.
    pub async fn stopped(self) {
        if let Err(error) = self.server.await {
            tracing::error!(%error, "simulator task panicked");
        }
    }
}

fn router(world: SharedWorld) -> Router {
    Router::new()
        .route("/v1/forecast", get(open_meteo::forecast))
        .merge(keyed::routes())
        .merge(nws::routes())
        .merge(x::routes())
        .merge(mastodon::routes())
        .route("/subscribe", get(jetstream::subscribe))
        .route("/truth", get(get_truth))
        .layer(from_fn_with_state(
            Arc::clone(&world),
            faults::apply_request_faults,
        ))
        .with_state(world)
}

async fn get_truth(State(world): State<SharedWorld>) -> Response {
    let Ok(_permit) = Arc::clone(&world.truths).try_acquire_owned() else {
        let reason = "too many concurrent requests for the truth: retry later";
        return (StatusCode::SERVICE_UNAVAILABLE, reason).into_response();
    };
    world.counters.truth();
    match tokio::task::spawn_blocking(move || world.truth()).await {
        Ok(truth) => Json(truth).into_response(),
        Err(error) => {
            tracing::error!(%error, "computation of the truth panicked");
            let reason = "cannot compute the truth: see the simulator's log";
            (StatusCode::INTERNAL_SERVER_ERROR, reason).into_response()
        }
    }
}
