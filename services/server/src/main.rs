//! The server as its own process. It requires a shared log and store: Kafka and Cassandra.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use moodvane_launch::{
    Backends, CommonArgs, ProbeState, ServiceCommand, connect_with_retry, exit_code, run,
    serve_probes,
};
use moodvane_runtime::{
    LoggingConfig, Readiness, Settings, SystemClock, cancel_on_signal, read_cities,
};
use moodvane_server::{ServerConfig, ServerDeps, listen, router, serve};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Serves the HTTP API over the stored hours.
#[derive(Debug, Parser)]
#[command(name = "server", version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<ServiceCommand>,
}

struct Config {
    logging: LoggingConfig,
    backends: Backends,
    server: ServerConfig,
}

impl Config {
    fn read(settings: &Settings) -> Option<Self> {
        let logging = LoggingConfig::read(settings);
        let backends = Backends::read(settings);
        backends
            .iter()
            .for_each(|backends| backends.require_shared(settings));
        let cities = read_cities(settings);
        let server = ServerConfig::read(settings);
        cities?;
        Some(Self {
            logging: logging?,
            backends: backends?,
            server: server?,
        })
    }
}

fn main() -> ExitCode {
    exit_code("server", execute(&Cli::parse()))
}

fn execute(cli: &Cli) -> anyhow::Result<ExitCode> {
    let settings = cli.common.settings();
    if let Some(command) = cli.command {
        return command.run(settings, |settings| {
            ServerConfig::read(settings).map(|server| server.address)
        });
    }
    let config = Config::read(&settings);
    let config = settings.finish_with(config)?;
    let logging = config.logging.clone();
    run(&logging, process(config))
}

async fn process(config: Config) -> anyhow::Result<ExitCode> {
    let address = config.server.address;
    let listener = listen(address).with_context(|| format!("cannot listen on {address}"))?;
    let stop = CancellationToken::new();
    tokio::spawn(cancel_on_signal(stop.clone()));
    let (readiness, nowhere) = (Readiness::new(), std::path::Path::new("."));
    let check = readiness.check("opened");
    let open = async || config.backends.open_store(nowhere).await;
    let (listener, startup_probes) = answer_probes(listener, &readiness, &stop)?;
    // The server does not need the log to answer, so it starts without it.
    let log = config.backends.open_log_lazily(nowhere)?;
    let Some(store) = connect_with_retry(&check, &stop, open).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    drop(startup_probes);
    let deps = ServerDeps {
        store,
        log,
        clock: Arc::new(SystemClock),
        config: config.server.clone(),
        readiness,
        registry: Registry::new(),
        shutdown: stop.clone(),
    };
    let (limits, drain_timeout) = (config.server.connections, config.server.drain_timeout);
    serve(listener, router(deps), limits, stop, drain_timeout).await?;
    Ok(ExitCode::SUCCESS)
}

/// Answers probes at the server's own address until the guard is dropped, so that a server that waits
/// for Cassandra is alive and reports what it waits for. Returns the listener for the server itself.
fn answer_probes(
    listener: TcpListener,
    readiness: &Readiness,
    stop: &CancellationToken,
) -> io::Result<(TcpListener, DropGuard)> {
    let listener = listener.into_std()?;
    let shared = TcpListener::from_std(listener.try_clone()?)?;
    let end = CancellationToken::new();
    let state = ProbeState {
        readiness: readiness.clone(),
        registry: Registry::new(),
        stop: stop.clone(),
    };
    // Detached: a slow client must not delay the server.
    tokio::spawn(serve_probes(shared, state, end.clone()));
    Ok((TcpListener::from_std(listener)?, end.drop_guard()))
}
