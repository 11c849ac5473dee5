//! Starts the simulator and answers what its owner asks.

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
use crate::state::{Served, Shared, World};
use crate::truth::Truth;
use crate::{jetstream, keyed, mastodon, nws, open_meteo, x};

/// A running simulator. It ends with its token; dropping this does not end it.
pub struct Simulator {
    address: SocketAddr,
    base_url: Url,
    stream_url: Url,
    world: Shared,
    server: JoinHandle<()>,
}

/// Starts a simulator on `address` (port 0 for any), until `shutdown` is cancelled. The truth is
/// scored by `scorer`, which must be the one that the pipeline uses.
///
/// # Errors
/// [`SimulatorError`] where the configuration cannot be simulated or the address not be listened on.
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
                tracing::error!(%error, "simulator failed");
            }
        }),
    })
}

impl Simulator {
    /// Where it listens.
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

    /// The truth up to now. Blocks while it scores what became due since the last time, which may
    /// take seconds after a long history: do not call it on an async worker.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.world.truth()
    }

    /// The next request of this upstream meets this fault, after those that were asked for before.
    pub fn inject(&self, upstream: Upstream, fault: Fault) {
        self.world.faults.inject(upstream, fault);
    }

    /// What was done so far.
    #[must_use]
    pub fn served(&self) -> Served {
        self.world.counters.served()
    }

    /// Its counters, named `moodvane_simulator_…`.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.world.registry.clone()
    }

    /// Waits until the simulator has ended, which it does once its token is cancelled.
    pub async fn stopped(self) {
        if let Err(error) = self.server.await {
            tracing::error!(%error, "simulator did not end by itself");
        }
    }
}

fn router(world: Shared) -> Router {
    Router::new()
        .route("/v1/forecast", get(open_meteo::forecast))
        .merge(keyed::routes())
        .merge(nws::routes())
        .merge(x::routes())
        .merge(mastodon::routes())
        .route("/subscribe", get(jetstream::subscribe))
        .route("/truth", get(truth))
        .layer(from_fn_with_state(Arc::clone(&world), faults::meet))
        .with_state(world)
}

async fn truth(State(world): State<Shared>) -> Response {
    let Ok(_place) = Arc::clone(&world.truths).try_acquire_owned() else {
        let reason = "too many ask for the truth at once, ask again later";
        return (StatusCode::SERVICE_UNAVAILABLE, reason).into_response();
    };
    world.counters.truth();
    match tokio::task::spawn_blocking(move || world.truth()).await {
        Ok(truth) => Json(truth).into_response(),
        Err(error) => {
            tracing::error!(%error, "truth failed");
            let reason = "the truth could not be computed, see the simulator's log";
            (StatusCode::INTERNAL_SERVER_ERROR, reason).into_response()
        }
    }
}
