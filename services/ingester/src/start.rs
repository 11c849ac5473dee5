//! Starting the ingester: creates its actors from the configuration and connects them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use actix::prelude::*;
use futures::FutureExt;
use moodvane_eventlog::EventLog;
use moodvane_runtime::{Check, Clock, Readiness};
use prometheus::Registry;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::{IngesterConfig, SourceConfig};
use crate::cursor::PublishedRecords;
use crate::dispatcher::{FiniteSources, SourceSpec, Supervisor};
use crate::formatter::{FormatterPool, PoolBounds};
use crate::ingester::Ingester;
use crate::metrics::IngesterMetrics;
use crate::publisher::{Publisher, PublisherDeps};
use crate::source_context::{SharedDeps, SourceContext, SourceFuture};
use crate::spool::{Drainer, Spool, SpoolConfig, SpoolError, SpoolHealth};
use crate::status::SourceStats;
use crate::{file, jetstream, mastodon, weather, x};

/// Why the ingester could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The operating system refused a thread for the formatters.
    #[error("cannot start the formatter threads")]
    Threads(#[from] io::Error),
    /// The spool cannot be opened.
    #[error("cannot open the spool, ingester.spool")]
    Spool(#[from] SpoolError),
}

/// What the ingester gets from its process.
pub(crate) struct Environment<'a> {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: &'a Registry,
    pub(crate) readiness: &'a Readiness,
}

/// Starts the actors; sources connect at once. Requires a running actix `System` and panics without
/// one, as actix does.
///
/// # Errors
/// [`StartError`] if a thread cannot be started or the spool cannot be opened.
pub fn start(
    config: IngesterConfig,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    registry: &Registry,
    readiness: &Readiness,
) -> Result<Ingester, StartError> {
    let specs = config.sources.iter().cloned().map(spec).collect();
    let environment = Environment {
        log,
        clock,
        registry,
        readiness,
    };
    start_specs(&config, specs, environment)
}

/// The cancellation tokens of one ingester.
#[derive(Default)]
struct Tokens {
    /// Sources stop reading.
    stop: CancellationToken,
    /// The publisher and the spool stop retrying.
    closed: CancellationToken,
}

/// Like [`start`], with the given sources in place of the configured ones.
pub(crate) fn start_specs(
    config: &IngesterConfig,
    specs: Vec<SourceSpec>,
    environment: Environment<'_>,
) -> Result<Ingester, StartError> {
    let check = environment.readiness.check("ingester");
    let (tokens, metrics) = (
        Tokens::default(),
        IngesterMetrics::new(environment.registry),
    );
    let published = PublishedRecords::default();
    let counts = (&metrics, &published);
    let spool = open_spool(config, &specs, &environment, counts, &tokens)?;
    let parts = publisher_parts(
        (config, specs.len()),
        (Arc::clone(&environment.log), spool.clone(), metrics.clone()),
        (&check, &tokens),
    );
    let publisher_mailbox = parts.mailbox;
    let publisher = Publisher::new(parts).start();
    let formatters = FormatterPool::start(pool_bounds(config), Arc::clone(&environment.clock))?;
    let pool = formatters.downgrade();
    let pending_publishes = Arc::new(AtomicU64::new(0));
    let shared = SharedDeps {
        pool: formatters,
        publisher: publisher.clone(),
        pending_publishes: Arc::clone(&pending_publishes),
        log: environment.log,
        clock: environment.clock,
        metrics,
        published,
        stop: tokens.stop.clone(),
        backoff: config.backoff,
        circuit: config.circuit,
        watchdog_grace: config.watchdog_grace,
        bounds: config.bounds,
        batch_posts: config.batch_posts,
        batches_in_flight: config.batches_in_flight,
    };
    let (finite_sender, finite) = watch::channel(FiniteSources {
        unfinished: specs.iter().filter(|spec| spec.finite).count(),
        error: None,
    });
    let sources = specs.iter().map(|spec| Arc::clone(&spec.stats)).collect();
    let supervisor = Supervisor::new(shared, specs, finite_sender).start();
    check.ok();
    Ok(Ingester {
        supervisor,
        sources,
        publisher: publisher.downgrade(),
        pending_publishes,
        publisher_mailbox,
        batches_in_flight: config.batches_in_flight,
        pool,
        finite,
        check,
        spool,
        stop: tokens.stop,
        closed: tokens.closed,
    })
}

fn pool_bounds(config: &IngesterConfig) -> PoolBounds {
    PoolBounds {
        min: config.formatters_min,
        max: config.formatters_max,
        mailbox_capacity: config.mailbox,
    }
}

fn publisher_parts(
    (config, sources): (&IngesterConfig, usize),
    (log, spool, metrics): (Arc<dyn EventLog>, Option<Spool>, IngesterMetrics),
    (check, tokens): (&Check, &Tokens),
) -> PublisherDeps {
    // Capacity for all batches that sources may have in flight, so that their order is kept.
    let in_flight = config.batches_in_flight * sources.max(1);
    PublisherDeps {
        log,
        spool,
        metrics,
        slots: in_flight.min(config.mailbox),
        mailbox: config.mailbox.max(in_flight),
        backoff: config.backoff,
        check: check.clone(),
        stop: tokens.stop.clone(),
        closed: tokens.closed.clone(),
    }
}

/// Opens the spool and starts its drainer, if a source needs the spool or an earlier start left
/// records in it.
fn open_spool(
    config: &IngesterConfig,
    specs: &[SourceSpec],
    environment: &Environment<'_>,
    (metrics, published): (&IngesterMetrics, &PublishedRecords),
    tokens: &Tokens,
) -> Result<Option<Spool>, SpoolError> {
    let required = specs.iter().any(|spec| !spec.replayable);
    let log = &environment.log;
    let is_used = |spool: &SpoolConfig| log.is_remote() && (required || spool.dir.exists());
    let Some(spool) = config.spool.clone().filter(is_used) else {
        return Ok(None);
    };
    let health = SpoolHealth::new(environment.readiness.check("spool"), environment.registry);
    let spool = Spool::open(spool, health.clone())?;
    let drainer = Drainer {
        spool: spool.clone(),
        log: Arc::clone(log),
        backoff: config.backoff,
        metrics: metrics.clone(),
        published: published.clone(),
        closed: tokens.closed.clone(),
        health,
    };
    actix::spawn(drainer.run());
    Ok(Some(spool))
}

fn spec(source: SourceConfig) -> SourceSpec {
    SourceSpec {
        stats: Arc::new(SourceStats::new(source.id())),
        finite: source.is_finite(),
        replayable: source.is_replayable(),
        policy: source.retry_policy(),
        factory: factory(source),
    }
}

/// Creates the runs of a source. The index of a Jetstream host outlives a run.
fn factory(source: SourceConfig) -> Box<dyn Fn(SourceContext) -> SourceFuture> {
    let host_index = Arc::new(AtomicUsize::new(0));
    Box::new(move |context| run(source.clone(), Arc::clone(&host_index), context))
}

fn run(source: SourceConfig, host_index: Arc<AtomicUsize>, context: SourceContext) -> SourceFuture {
    match source {
        SourceConfig::Weather(config) => weather::run(config, context).boxed_local(),
        SourceConfig::Bluesky(config) => jetstream::run(config, host_index, context).boxed_local(),
        SourceConfig::Mastodon(config) => mastodon::run(config, context).boxed_local(),
        SourceConfig::X(config) => x::run(config, context).boxed_local(),
        SourceConfig::PostFile(config) => file::posts(config, context).boxed_local(),
        SourceConfig::WeatherFile(config) => file::weather(config, context).boxed_local(),
    }
}
