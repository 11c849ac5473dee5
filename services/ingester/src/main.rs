//! The ingester as a process of its own. It requires a shared log: Kafka.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use moodvane_ingester::{IngesterConfig, IngesterHandle, actor_routes, block_on_system, start};
use moodvane_launch::{
    Backends, CommonArgs, ProbeConfig, ProbeState, ServiceCommand, connect_with_retry,
    declare_budget, exit_code, serve_admin, start_runtime,
};
use moodvane_runtime::{
    LoggingConfig, Readiness, Settings, SystemClock, cancel_on_signal, read_cities,
};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Reads weather and posts from their sources and writes them to the log.
#[derive(Debug, Parser)]
#[command(name = "ingester", version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<ServiceCommand>,
}

struct Config {
    logging: LoggingConfig,
    backends: Backends,
    probe: ProbeConfig,
    ingester: IngesterConfig,
}

impl Config {
    fn read(settings: &Settings) -> Option<Self> {
        let logging = LoggingConfig::read(settings);
        let backends = Backends::read(settings);
        backends
            .iter()
            .for_each(|backends| backends.require_shared(settings));
        let probe = ProbeConfig::read(settings);
        let cities = read_cities(settings);
        let ingester = IngesterConfig::read(settings, cities.as_deref().unwrap_or_default());
        cities?;
        Some(Self {
            logging: logging?,
            backends: backends?,
            probe: probe?,
            ingester: ingester?,
        })
    }
}

fn main() -> ExitCode {
    exit_code("ingester", launch(&Cli::parse()))
}

fn launch(cli: &Cli) -> anyhow::Result<ExitCode> {
    let settings = cli.common.settings();
    if let Some(command) = cli.command {
        return command.run(settings, ProbeConfig::read_address);
    }
    let config = Config::read(&settings);
    let config = settings.finish_with(config)?;
    let logging = config.logging.clone();
    block_on_system(start_runtime(&logging)?, work(config))
}

async fn work(config: Config) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(config.probe.address)
        .await
        .with_context(|| format!("cannot listen on {} for probes", config.probe.address))?;
    let (stop, end) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(cancel_on_signal(stop.clone()));
    let (registry, readiness) = (Registry::new(), Readiness::new());
    let state = ProbeState {
        readiness: readiness.clone(),
        registry: registry.clone(),
        stop: stop.clone(),
    };
    let handle = IngesterHandle::default();
    let actors = actor_routes(Arc::clone(&handle));
    let probes = serve_admin(listener, state, actors, end.clone());
    let probes = tokio::spawn(probes);
    let (check, nowhere) = (readiness.check("log"), std::path::Path::new("."));
    let open = async || {
        let log = config.backends.open_log(nowhere).await?;
        for topic in config.ingester.topics() {
            declare_budget(&*log, topic, config.ingester.resend_budget(topic)).await?;
        }
        Ok(log)
    };
    let Some(log) = connect_with_retry(&check, &stop, open).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let drain = config.ingester.drain;
    let only_files = config
        .ingester
        .sources
        .iter()
        .all(|source| source.is_finite());
    let ingester = start(
        config.ingester,
        log,
        Arc::new(SystemClock),
        &registry,
        &readiness,
    )?;
    // The only place that sets it.
    let _ = handle.set(ingester.clone());
    let finished = async {
        match only_files {
            true => ingester.finished().await,
            false => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        ended = finished => ended,
        () = stop.cancelled() => Ok(()),
    };
    let report = ingester.drain(drain).await;
    if !report.abandoned.is_empty() {
        tracing::warn!(abandoned = ?report.abandoned, "sources did not drain in time");
    }
    end.cancel();
    probes.await??;
    ended?;
    Ok(ExitCode::SUCCESS)
}
