//! All services in one process: started in the order of their dependencies, drained in the order of
//! the data flow (I8).

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use moodvane_eventlog::{SqliteLog, Watermarks};
use moodvane_ingester::Ingester;
use moodvane_launch::{WindowContractError, declare_budget, declare_window};
use moodvane_model::{Timestamp, Topic};
use moodvane_processor::{EngineDeps, Processor, ProcessorMetrics, parallel_scorer};
use moodvane_runtime::{Clock, Readiness, SystemClock, cancel_on_signal};
use moodvane_server::ServerDeps;
use moodvane_store::Store;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::AppConfig;
use crate::data::Data;

/// The interval between removals of expired records.
const RETENTION_INTERVAL: Duration = Duration::from_secs(600);

/// The running services.
pub(crate) struct Pipeline {
    config: AppConfig,
    data: Data,
    pub(crate) ingester: Ingester,
    pub(crate) processor: Processor,
    /// The metrics of the processor, with its account of each topic.
    pub(crate) folded: ProcessorMetrics,
    server: Option<RunningServer>,
    /// Cancelled by the first signal.
    pub(crate) stop: CancellationToken,
    end_processor: CancellationToken,
}

struct RunningServer {
    url: String,
    end: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

/// Whether the pipeline serves requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serve {
    Yes,
    No,
}

impl Pipeline {
    /// Starts all services on a data directory. Binds the port first, so that a port in use fails
    /// before anything else happens.
    pub(crate) async fn start(config: AppConfig, data: Data, serve: Serve) -> anyhow::Result<Self> {
        let listener = match serve {
            Serve::Yes => Some(listen(&config)?),
            Serve::No => None,
        };
        agree_on_window(&config, &data).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (registry, readiness) = (Registry::new(), Readiness::new());
        let (stop, end_processor) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn(cancel_on_signal(stop.clone()));
        if let Some((log, retention)) = data.retained.clone() {
            tokio::spawn(enforce_retention(log, retention, Arc::clone(&clock)));
        }

        let deps = engine_deps(&config, &data, &registry)?;
        let folded = deps.metrics.clone();
        let processor = moodvane_processor::start(
            config.processor,
            deps,
            Arc::clone(&clock),
            &readiness,
            end_processor.clone(),
        )
        .await?;
        let ingester = moodvane_ingester::start(
            config.ingester.clone(),
            Arc::clone(&data.log),
            Arc::clone(&clock),
            &registry,
            &readiness,
        )?;
        let deps = ServerDeps {
            store: Arc::clone(&data.store),
            log: Arc::clone(&data.log),
            clock,
            config: config.server.clone(),
            readiness,
            registry,
            shutdown: stop.clone(),
        };
        let server = listener
            .map(|listener| RunningServer::start(listener, deps, ingester.clone()))
            .transpose()?;
        Ok(Self {
            config,
            data,
            ingester,
            processor,
            folded,
            server,
            stop,
            end_processor,
        })
    }

    /// The URL of the server; empty without a server.
    pub(crate) fn url(&self) -> &str {
        self.server
            .as_ref()
            .map_or("", |server| server.url.as_str())
    }

    /// The store.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.data.store
    }

    /// Waits until the rows contain every record that is in the log now. Fails if the processor ends
    /// first.
    pub(crate) async fn wait_until_caught_up(&self) -> anyhow::Result<()> {
        let mut log: Vec<Watermarks> = Vec::new();
        for topic in self.config.processor.topics.topics() {
            log.extend(self.data.log.watermarks(topic).await?);
        }
        let is_complete = self.processor.wait_until_caught_up(&log).await;
        if is_complete {
            Ok(())
        } else {
            anyhow::bail!("the processor failed; see the log")
        }
    }

    /// The number of records in the log, of all topics.
    pub(crate) async fn count_records(&self) -> anyhow::Result<u64> {
        let mut records = 0;
        for topic in Topic::ALL {
            let all = self.data.log.watermarks(topic).await?;
            records += all.iter().map(|w| w.high.0).sum::<u64>();
        }
        Ok(records)
    }

    /// Drains: stops the ingester, flushes the processor, then stops the server.
    pub(crate) async fn drain(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let report = self.ingester.drain(self.config.ingester.drain).await;
        if !report.abandoned.is_empty() {
            tracing::warn!(abandoned = ?report.abandoned, "sources did not drain in time");
        }
        self.end_processor.cancel();
        let processed = self.processor.join().await;
        if let Some(server) = self.server {
            server.end.cancel();
            server.task.await??;
        }
        processed.context("the processor failed during the drain")
    }
}

impl RunningServer {
    fn start(listener: TcpListener, deps: ServerDeps, ingester: Ingester) -> anyhow::Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let end = CancellationToken::new();
        let (limits, drain) = (deps.config.connections, deps.config.drain_timeout);
        let actors = moodvane_ingester::actor_routes(Arc::new(OnceLock::from(ingester)));
        let router = moodvane_server::router(deps).merge(actors);
        let serving = moodvane_server::serve(listener, router, limits, end.clone(), drain);
        let task = tokio::spawn(serving);
        Ok(Self { url, end, task })
    }
}

/// Declares this process as ingester and as processor of the log.
async fn agree_on_window(config: &AppConfig, data: &Data) -> Result<(), WindowContractError> {
    let (ingester, processor) = (&config.ingester, &config.processor);
    let topics = processor.topics.topics();
    declare_window(&*data.log, &topics, processor.engine.window).await?;
    for topic in ingester.topics() {
        declare_budget(&*data.log, topic, ingester.resend_budget(topic)).await?;
    }
    Ok(())
}

fn listen(config: &AppConfig) -> anyhow::Result<TcpListener> {
    let address = config.server.address;
    moodvane_server::listen(address).with_context(|| {
        format!("cannot listen on {address}: choose another port with --port, or 0 for any")
    })
}

/// The dependencies of a processor in this process.
///
/// # Errors
/// If the scorer cannot be built.
pub(crate) fn engine_deps(
    config: &AppConfig,
    data: &Data,
    registry: &Registry,
) -> anyhow::Result<EngineDeps> {
    Ok(EngineDeps {
        log: Arc::clone(&data.log),
        store: Arc::clone(&data.store),
        scorer: config
            .scorer
            .build_with(|choice| parallel_scorer(config.processor.scorer_threads, choice))?,
        metrics: ProcessorMetrics::new(registry),
        handle: Handle::current(),
    })
}

/// Removes expired records periodically, without end.
async fn enforce_retention(log: SqliteLog, retention: Duration, clock: Arc<dyn Clock>) {
    let mut ticks = tokio::time::interval(RETENTION_INTERVAL);
    let span = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    loop {
        ticks.tick().await;
        // Fails only before 1970 plus the retention, when nothing has expired.
        let Ok(before) = Timestamp::checked_add_millis(clock.now(), -span) else {
            continue;
        };
        match log.delete_records_before(before).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed expired records"),
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "cannot remove expired records"
            ),
        }
    }
}

/// Runs until a signal, or until the processor fails.
pub(crate) async fn run(config: AppConfig) -> anyhow::Result<ExitCode> {
    let data = Data::open(&config).await?;
    let pipeline = Pipeline::start(config, data, Serve::Yes).await?;
    println!("moodvane answers at {}", pipeline.url());
    pipeline.run_until_stopped().await?;
    Ok(ExitCode::SUCCESS)
}

impl Pipeline {
    /// Waits for a signal or for the processor's failure, then drains.
    pub(crate) async fn run_until_stopped(self) -> anyhow::Result<()> {
        let mut flushed = self.processor.flushed_offsets();
        let processor_ended = async { while flushed.changed().await.is_ok() {} };
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = processor_ended => tracing::error!("processor failed; draining"),
        }
        self.drain().await
    }
}
