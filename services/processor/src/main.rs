//! The processor as its own process. It requires a shared log and store: Kafka and Cassandra.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use moodvane_eventlog::EventLog;
use moodvane_launch::{
    Backends, CommonArgs, ProbeConfig, ProbeState, ScorerConfig, ServiceCommand,
    connect_with_retry, declare_window, exit_code, run, serve_probes,
};
use moodvane_processor::{
    EngineDeps, ProcessorConfig, ProcessorMetrics, TopicChoice, parallel_scorer, start,
};
use moodvane_runtime::{LoggingConfig, Readiness, Settings, SystemClock, cancel_on_signal};
use moodvane_store::Store;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Scores posts and folds records into hours.
#[derive(Debug, Parser)]
#[command(name = "processor", version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    /// The topics to consume: temperature, tweet or both (processor.topic).
    #[arg(long)]
    topic: Option<TopicChoice>,
    #[command(subcommand)]
    command: Option<ServiceCommand>,
}

struct Config {
    logging: LoggingConfig,
    backends: Backends,
    probe: ProbeConfig,
    scorer: ScorerConfig,
    processor: ProcessorConfig,
}

impl Config {
    fn read(settings: &Settings) -> Option<Self> {
        let logging = LoggingConfig::read(settings);
        let backends = Backends::read(settings);
        backends
            .iter()
            .for_each(|backends| backends.require_shared(settings));
        let probe = ProbeConfig::read(settings);
        let scorer = ScorerConfig::read(settings);
        let processor = ProcessorConfig::read(settings);
        Some(Self {
            logging: logging?,
            backends: backends?,
            probe: probe?,
            scorer: scorer?,
            processor: processor?,
        })
    }
}

fn main() -> ExitCode {
    exit_code("processor", execute(&Cli::parse()))
}

fn execute(cli: &Cli) -> anyhow::Result<ExitCode> {
    let mut settings = cli.common.settings();
    if let Some(command) = cli.command {
        return command.run(settings, ProbeConfig::read_address);
    }
    if let Some(topic) = cli.topic {
        settings.set("processor.topic", topic.name());
    }
    let config = Config::read(&settings);
    let config = settings.finish_with(config)?;
    let logging = config.logging.clone();
    run(&logging, process(config))
}

async fn process(config: Config) -> anyhow::Result<ExitCode> {
    let threads = config.processor.scorer_threads;
    let scorer = config
        .scorer
        .build_with(|choice| parallel_scorer(threads, choice))?;
    let listener = TcpListener::bind(config.probe.address)
        .await
        .with_context(|| {
            format!(
                "cannot listen on {} for health probes",
                config.probe.address
            )
        })?;
    let (stop, end) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(cancel_on_signal(stop.clone()));
    let (registry, readiness) = (Registry::new(), Readiness::new());
    let state = ProbeState {
        readiness: readiness.clone(),
        registry: registry.clone(),
        stop: stop.clone(),
    };
    let probes = tokio::spawn(serve_probes(listener, state, end.clone()));
    let Some((log, store)) = connect(&config, &readiness, &stop).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let deps = EngineDeps {
        log,
        store,
        scorer,
        metrics: ProcessorMetrics::new(&registry),
        handle: Handle::current(),
    };
    let processor = start(
        config.processor,
        deps,
        Arc::new(SystemClock),
        &readiness,
        stop,
    )
    .await?;
    tracing::info!(run = %processor.run(), "processor started");
    let result = processor.join().await;
    end.cancel();
    probes.await??;
    result?;
    Ok(ExitCode::SUCCESS)
}

/// Connects to the log, whose ingesters must fit into the window, and to the store. Returns `None` if
/// `stop` is cancelled first.
async fn connect(
    config: &Config,
    readiness: &Readiness,
    stop: &CancellationToken,
) -> anyhow::Result<Option<(Arc<dyn EventLog>, Arc<dyn Store>)>> {
    let nowhere = std::path::Path::new(".");
    let (log_check, store_check) = (readiness.check("log"), readiness.check("store"));
    // Registered before the start: otherwise log and store alone would make it ready for a moment.
    let _ = readiness.check("processor");
    let (backends, processor) = (&config.backends, &config.processor);
    let topics = processor.topics.topics();
    // In parallel: on a new cluster each creates its topics or tables first.
    let (log, store) = tokio::try_join!(
        connect_with_retry(&log_check, stop, async || {
            let log = backends.open_log(nowhere).await?;
            declare_window(&*log, &topics, processor.engine.window).await?;
            Ok(log)
        }),
        connect_with_retry(&store_check, stop, async || {
            backends.open_store(nowhere).await
        }),
    )?;
    Ok(log.zip(store))
}
