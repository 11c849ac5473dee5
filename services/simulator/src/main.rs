//! The simulator as a process: the upstreams of a whole pipeline, independent of the services under
//! test, with the ground truth to verify them.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use moodvane_launch::{
    CommonArgs, ProbeConfig, ProbeState, ScorerConfig, ServiceCommand, exit_code, run, serve_probes,
};
use moodvane_runtime::{
    LoggingConfig, Readiness, Settings, SystemClock, cancel_on_signal, read_cities,
};
use moodvane_simulator::{ServiceConfig, start};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Simulates the protocols of Jetstream, Open-Meteo and other upstreams; GET /truth returns the expected result.
#[derive(Debug, Parser)]
#[command(name = "simulator", version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<ServiceCommand>,
}

struct Config {
    logging: LoggingConfig,
    probe: ProbeConfig,
    scorer: ScorerConfig,
    simulator: ServiceConfig,
}

impl Config {
    fn read(settings: &Settings) -> Option<Self> {
        let logging = LoggingConfig::read(settings);
        let probe = ProbeConfig::read(settings);
        let scorer = ScorerConfig::read(settings);
        let cities = read_cities(settings);
        let simulator = ServiceConfig::read(settings, cities.as_deref().unwrap_or_default());
        Some(Self {
            logging: logging?,
            probe: probe?,
            scorer: scorer?,
            simulator: simulator?,
        })
    }
}

fn main() -> ExitCode {
    exit_code("simulator", launch(&Cli::parse()))
}

fn launch(cli: &Cli) -> anyhow::Result<ExitCode> {
    let settings = cli.common.settings();
    if let Some(command) = cli.command {
        return command.run(settings, ProbeConfig::read_address);
    }
    let config = Config::read(&settings);
    let config = settings.finish_with(config)?;
    let logging = config.logging.clone();
    run(&logging, serve(config))
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(config.probe.address)
        .await
        .with_context(|| format!("cannot listen on {} for probes", config.probe.address))?;
    let stop = CancellationToken::new();
    tokio::spawn(cancel_on_signal(stop.clone()));
    let readiness = Readiness::new();
    let check = readiness.check("simulator");
    let (world, clock) = config.simulator.load_world(Arc::new(SystemClock))?;
    let scorer = config.scorer.build()?;
    let address = config.simulator.address;
    let simulator = start(world, scorer, address, clock, stop.clone()).await?;
    let state = ProbeState {
        readiness,
        registry: simulator.registry(),
        stop: stop.clone(),
    };
    let probes = tokio::spawn(serve_probes(listener, state, stop));
    check.ok();
    tracing::info!(address = %simulator.address(), "simulator started");
    simulator.stopped().await;
    probes.await??;
    Ok(ExitCode::SUCCESS)
}
