//! Starting, watching and draining the ingester.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix::prelude::*;
use futures::FutureExt;
use moodvane_eventlog::EventLog;
use moodvane_runtime::{Check, Clock, Readiness};
use prometheus::Registry;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::actors::{self, Actors, Mailbox};
use crate::config::{IngesterConfig, SourceConfig};
use crate::desk::{Desk, Life, Shared};
use crate::dispatcher::{Dispatcher, Drain, DrainReport, Finite, Plan};
use crate::error::IngestError;
use crate::formatter::{FormatterPool, PoolBounds, PoolWatch};
use crate::metrics::IngesterMetrics;
use crate::publisher::{Publisher, PublisherParts};
use crate::spool::{Drainer, Health, Spool, SpoolConfig, SpoolError};
use crate::status::{SourceCell, SourceStatus};
use crate::{file, jetstream, mastodon, weather, x};

/// Why the ingester could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The formatters' threads could not be made.
    #[error("the formatters' threads could not be started: {0}")]
    Threads(#[from] io::Error),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// A running ingester. Clones are handles to the same one; dropping them does not stop it.
#[derive(Clone)]
pub struct Ingester {
    dispatcher: Addr<Dispatcher>,
    cells: Arc<[Arc<SourceCell>]>,
    publisher: actix::WeakAddr<Publisher>,
    publishing: Arc<AtomicU64>,
    /// How many publishes wait before their senders must.
    mailbox: usize,
    batches_in_flight: usize,
    pool: PoolWatch,
    finite: watch::Receiver<Finite>,
    check: Check,
    spool: Option<Spool>,
    stop: CancellationToken,
    closed: CancellationToken,
}

/// Starts the actors, which begin to take at once. Must be called inside a running actix `System`:
/// it panics elsewhere, as actix does.
///
/// # Errors
/// [`StartError`] where the operating system gives no threads, or the spool cannot be used.
pub fn start(
    config: IngesterConfig,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    registry: &Registry,
    readiness: &Readiness,
) -> Result<Ingester, StartError> {
    let plans = config.sources.iter().cloned().map(plan).collect();
    start_plans(&config, plans, (log, clock), (registry, readiness))
}

/// As [`start`], with sources of any make.
pub(crate) fn start_plans(
    config: &IngesterConfig,
    plans: Vec<Plan>,
    (log, clock): (Arc<dyn EventLog>, Arc<dyn Clock>),
    (registry, readiness): (&Registry, &Readiness),
) -> Result<Ingester, StartError> {
    let check = readiness.check("ingester");
    let (stop, closed) = (CancellationToken::new(), CancellationToken::new());
    let metrics = IngesterMetrics::new(registry);
    // Without a source that needs it there is none, save where one of before has left something.
    let needed = plans.iter().any(|plan| !plan.resumes);
    let needs = |spool: &SpoolConfig| log.can_be_away() && (needed || spool.dir.exists());
    let spooled = config.spool.clone().filter(needs);
    let spool = spooled
        .map(|spool| {
            let health = Health::new(readiness.check("spool"), registry);
            let spool = Spool::open(spool, health.clone())?;
            let drainer = Drainer {
                spool: spool.clone(),
                log: Arc::clone(&log),
                backoff: config.backoff,
                metrics: metrics.clone(),
                closed: closed.clone(),
                health,
            };
            actix::spawn(drainer.run());
            Ok::<_, SpoolError>(spool)
        })
        .transpose()?;
    // Enough for all that sources may have in flight, so that their order is kept.
    let in_flight = config.batches_in_flight * plans.len().max(1);
    let parts = PublisherParts {
        log: Arc::clone(&log),
        spool: spool.clone(),
        metrics: metrics.clone(),
        slots: in_flight.min(config.mailbox),
        mailbox: config.mailbox.max(in_flight),
        backoff: config.backoff,
        check: check.clone(),
        stop: stop.clone(),
        closed: closed.clone(),
    };
    let bounds = PoolBounds {
        least: config.formatters_least,
        most: config.formatters,
        mailbox: config.mailbox,
    };
    let mailbox = parts.mailbox;
    let publisher = Publisher::new(parts).start();
    let publishing = Arc::new(AtomicU64::new(0));
    let formatters = FormatterPool::start(bounds, Arc::clone(&clock))?;
    let pool = formatters.watch();
    let shared = Shared {
        pool: formatters,
        publisher: publisher.clone(),
        publishing: Arc::clone(&publishing),
        log,
        clock,
        metrics,
        stop: stop.clone(),
        backoff: config.backoff,
        circuit: config.circuit,
        deadline: config.deadline,
        batch_posts: config.batch_posts,
        batches_in_flight: config.batches_in_flight,
    };
    let open = plans.iter().filter(|plan| plan.finite).count();
    let (open, finite) = watch::channel(Finite { open, error: None });
    let cells = plans.iter().map(|plan| Arc::clone(&plan.cell)).collect();
    let dispatcher = Dispatcher::new(shared, plans, open).start();
    check.ok();
    Ok(Ingester {
        dispatcher,
        cells,
        publisher: publisher.downgrade(),
        publishing,
        mailbox,
        batches_in_flight: config.batches_in_flight,
        pool,
        finite,
        check,
        spool,
        stop,
        closed,
    })
}

fn plan(source: SourceConfig) -> Plan {
    Plan {
        cell: Arc::new(SourceCell::new(source.id())),
        finite: source.is_finite(),
        resumes: source.resumes(),
        rules: source.rules(),
        factory: factory(source),
    }
}

/// What makes lives of a source; it remembers which host's turn it is.
fn factory(source: SourceConfig) -> Box<dyn Fn(Desk) -> Life> {
    let turn = Arc::new(AtomicUsize::new(0));
    Box::new(move |desk| live(source.clone(), Arc::clone(&turn), desk))
}

fn live(source: SourceConfig, turn: Arc<AtomicUsize>, desk: Desk) -> Life {
    match source {
        SourceConfig::Weather(config) => weather::run(config, desk).boxed_local(),
        SourceConfig::Bluesky(config) => jetstream::run(config, turn, desk).boxed_local(),
        SourceConfig::Mastodon(config) => mastodon::run(config, desk).boxed_local(),
        SourceConfig::X(config) => x::run(config, desk).boxed_local(),
        SourceConfig::PostFile(config) => file::posts(config, desk).boxed_local(),
        SourceConfig::WeatherFile(config) => file::weather(config, desk).boxed_local(),
    }
}

impl Ingester {
    /// What every source is doing now. Cheap, and callable from any thread.
    #[must_use]
    pub fn status(&self) -> Vec<SourceStatus> {
        self.cells.iter().map(|cell| cell.read()).collect()
    }

    /// The supervision tree. Cheap, and callable from any thread.
    #[must_use]
    pub fn actors(&self) -> Actors {
        let mailbox = Mailbox {
            waiting: self.publishing.load(Ordering::Relaxed),
            capacity: self.mailbox as u64,
        };
        let source = |status| actors::Actor::source(status, self.batches_in_flight);
        let mut tree = vec![actors::Actor::dispatcher(self.dispatcher.connected())];
        tree.extend(self.status().into_iter().map(source));
        tree.push(actors::Actor::formatters(self.pool.status()));
        let publishes = self.publisher.upgrade().is_some_and(|a| a.connected());
        tree.push(actors::Actor::publisher(publishes, mailbox));
        Actors { actors: tree }
    }

    /// Waits until all finite sources have ended and all their records are acknowledged; at once
    /// where there is none.
    ///
    /// # Errors
    /// [`IngestError`] where one cannot go on, or the ingester was stopped first.
    pub async fn finished(&self) -> Result<(), IngestError> {
        let mut finite = self.finite.clone();
        let ended = finite.wait_for(|finite| finite.open == 0).await;
        match ended.map(|finite| finite.error.clone()) {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(error),
            Err(_) => Err(IngestError::Stopped),
        }
    }

    /// Stops taking, lets what is in flight be acknowledged and the cursors be saved, and ends the
    /// actors; what has not come to rest within `grace` is abandoned and named.
    pub async fn drain(&self, grace: Duration) -> DrainReport {
        self.stop.cancel();
        self.check.fail("draining");
        let until = Instant::now() + grace;
        let drained = self.dispatcher.send(Drain(grace)).await;
        // A dispatcher that is gone was drained before.
        let mut report = drained.unwrap_or_else(|_| DrainReport {
            abandoned: Vec::new(),
            spooled: 0,
        });
        if let Some(spool) = &self.spool {
            // What is left is safe; it is sent after the next start.
            let _ = tokio::time::timeout_at(until, spool.emptied()).await;
            report.spooled = spool.waiting();
        }
        self.closed.cancel();
        info!(
            abandoned = report.abandoned.len(),
            spooled = report.spooled,
            "ingester drained"
        );
        report
    }
}
