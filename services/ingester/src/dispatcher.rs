//! The dispatcher: a supervisor that starts one actor per source and restarts it when it fails.
//!
//! Terms: a *run* is the time from an actor's start to its exit; the *exit channel* reports how a
//! run ended. Guarantee: a source whose actor returns an error, panics, is dropped or exceeds its
//! watchdog deadline restarts after its own backoff; other sources are unaffected. After repeated
//! failures its circuit opens: the source pauses for the cooldown, then gets one attempt. A finite
//! source that has finished, or has failed permanently, is not restarted.
//!
//! Known limit: all source actors share a thread. A source that computes without yielding blocks
//! the others, and no other thread can end it.

use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::prelude::*;
use moodvane_model::{ErrorChain, SourceId};
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::error::{IngestError, SourceError};
use crate::recovery::{Recovery, RetryDecision, RetryPolicy, RunOutcome};
use crate::source_actor::{Abort, ExitReceiver, SourceActor};
use crate::source_context::{SharedDeps, SourceContext, SourceExit, SourceFuture};
use crate::status::{SourceState, SourceStats};

/// How often the supervisor checks for hung sources.
const WATCHDOG_INTERVAL: Duration = Duration::from_secs(1);

/// What the supervisor needs to start and restart a source.
pub(crate) struct SourceSpec {
    pub(crate) stats: Arc<SourceStats>,
    /// Whether the source ends by itself.
    pub(crate) finite: bool,
    /// Whether the source can resend earlier messages.
    pub(crate) replayable: bool,
    /// Which delays follow a failure.
    pub(crate) policy: RetryPolicy,
    /// Creates the future of a new run.
    pub(crate) factory: Box<dyn Fn(SourceContext) -> SourceFuture>,
}

/// Progress of the finite sources.
#[derive(Debug, Clone)]
pub(crate) struct FiniteSources {
    pub(crate) unfinished: usize,
    pub(crate) error: Option<IngestError>,
}

/// The result of a drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrainReport {
    /// Sources that did not stop within the grace period. Their records in flight may or may not be
    /// in the log; replayable sources resume from their cursors.
    pub abandoned: Vec<SourceId>,
    /// Records that wait in the spool for the next start.
    pub spooled: u64,
}

/// Stops all sources within the grace period.
#[derive(Debug, Message)]
#[rtype(result = "DrainReport")]
pub(crate) struct Drain(pub(crate) Duration);

struct SupervisedSource {
    spec: SourceSpec,
    recovery: Recovery,
    /// The uptime at which the current run started.
    started_at: Duration,
    actor: Option<Addr<SourceActor>>,
    /// How long the watchdog was overdue, if it aborted the current run.
    hung: Option<Duration>,
    retry: Option<SpawnHandle>,
}

/// The supervising actor.
pub(crate) struct Supervisor {
    shared: SharedDeps,
    sources: Vec<SupervisedSource>,
    finite: watch::Sender<FiniteSources>,
    /// The number of running source actors.
    running: watch::Sender<usize>,
}

impl SupervisedSource {
    fn new(spec: SourceSpec, shared: &SharedDeps) -> Self {
        Self {
            recovery: Recovery::new(spec.policy, shared.backoff, shared.circuit),
            spec,
            started_at: Duration::ZERO,
            actor: None,
            hung: None,
            retry: None,
        }
    }

    /// Aborts a run whose watchdog deadline has passed.
    fn abort_if_hung(&mut self, uptime: Duration) {
        let Some(overdue) = self.spec.stats.overdue(uptime) else {
            return;
        };
        if let Some(actor) = &self.actor
            && self.hung.is_none()
        {
            self.hung = Some(overdue);
            // At most one message per run; a full mailbox must not block it.
            actor.do_send(Abort);
        }
    }

    fn decide_retry(&mut self, error: &SourceError, shared: &SharedDeps) -> RetryDecision {
        let clock = &shared.clock;
        let outcome = RunOutcome {
            duration: clock.uptime().saturating_sub(self.started_at),
            connected: self.spec.stats.is_running(),
        };
        self.recovery
            .decide(error, outcome, clock.now(), rand::random())
    }
}

impl Supervisor {
    pub(crate) fn new(
        shared: SharedDeps,
        specs: Vec<SourceSpec>,
        finite: watch::Sender<FiniteSources>,
    ) -> Self {
        let supervised = |spec| SupervisedSource::new(spec, &shared);
        Self {
            sources: specs.into_iter().map(supervised).collect(),
            shared,
            finite,
            running: watch::Sender::new(0),
        }
    }

    fn start_source(&mut self, index: usize, ctx: &mut Context<Self>) {
        let Some(source) = self.sources.get_mut(index) else {
            return;
        };
        source.retry = None;
        source.hung = None;
        source.started_at = self.shared.clock.uptime();
        source.spec.stats.set_state(SourceState::Starting);
        source.spec.stats.set_in_flight(0);
        let context = SourceContext {
            shared: self.shared.clone(),
            stats: Arc::clone(&source.spec.stats),
            replayable: source.spec.replayable,
        };
        context.arm_watchdog(Duration::ZERO);
        let (actor, exit) = SourceActor::launch((source.spec.factory)(context));
        source.actor = Some(actor);
        self.running.send_modify(|n| *n += 1);
        self.await_exit(index, exit, ctx);
    }

    fn await_exit(&self, index: usize, exit: ExitReceiver, ctx: &mut Context<Self>) {
        let exited = exit.into_actor(self).map(move |exit, act, ctx| {
            let exit = exit.unwrap_or_else(|_| Err(act.abnormal_exit(index)));
            act.handle_exit(index, exit, ctx);
        });
        ctx.spawn(exited);
    }

    /// Why a run ended without reporting an exit.
    fn abnormal_exit(&mut self, index: usize) -> SourceError {
        let source = self.sources.get_mut(index);
        let hung = source.and_then(|source| source.hung.take());
        hung.map_or(SourceError::Lost, SourceError::Hung)
    }

    /// Schedules the next watchdog check; checks repeat until a drain begins.
    fn schedule_watchdog(&self, ctx: &mut Context<Self>) {
        let elapsed = self.shared.clock.sleep(WATCHDOG_INTERVAL).into_actor(self);
        let check = elapsed.map(|(), act, ctx| {
            if act.shared.stop.is_cancelled() {
                return;
            }
            let uptime = act.shared.clock.uptime();
            act.sources
                .iter_mut()
                .for_each(|source| source.abort_if_hung(uptime));
            for source in &act.sources {
                source.spec.stats.flush_drops(uptime);
            }
            act.shared.pool.shrink();
            act.schedule_watchdog(ctx);
        });
        ctx.spawn(check);
    }

    fn handle_exit(
        &mut self,
        index: usize,
        exit: Result<SourceExit, SourceError>,
        ctx: &mut Context<Self>,
    ) {
        let Some(source) = self.sources.get_mut(index) else {
            return;
        };
        source.actor = None;
        source.spec.stats.set_due(None);
        let exit = match exit {
            Ok(SourceExit::Finished) if !source.spec.finite => Err(SourceError::Closed),
            other => other,
        };
        match exit {
            Ok(SourceExit::Finished) => self.complete_finite(index, None),
            Ok(SourceExit::Stopped) => source.spec.stats.set_state(SourceState::Stopped),
            Err(error) => self.handle_failure(index, &error, ctx),
        }
        // Last, so that a drain that waits for this count sees the final states.
        self.running.send_modify(|n| *n = n.saturating_sub(1));
    }

    fn handle_failure(&mut self, index: usize, error: &SourceError, ctx: &mut Context<Self>) {
        let Some(supervised) = self.sources.get_mut(index) else {
            return;
        };
        let (stats, source) = (
            Arc::clone(&supervised.spec.stats),
            supervised.spec.stats.id(),
        );
        stats.set_error(error);
        self.shared.metrics.failed(source, error.reason());
        if self.shared.stop.is_cancelled() {
            warn!(%source, error = %ErrorChain(error), "source failed while draining");
            return stats.set_state(SourceState::Stopped);
        }
        if supervised.spec.finite && error.is_permanent() {
            warn!(%source, error = %ErrorChain(error), "finite source failed permanently");
            return self.complete_finite(index, Some(ErrorChain(error).to_string()));
        }
        let decision = supervised.decide_retry(error, &self.shared);
        self.shared.metrics.circuit(source, decision.circuit_open);
        self.schedule_restart(index, decision, ctx);
        let delay_ms = decision.delay_ms();
        if decision.circuit_open {
            error!(%source, error = %ErrorChain(error), delay_ms, "source keeps failing, circuit open");
        } else {
            warn!(%source, error = %ErrorChain(error), delay_ms, "source restarting");
        }
    }

    fn schedule_restart(&mut self, index: usize, decision: RetryDecision, ctx: &mut Context<Self>) {
        let Some(source) = self.sources.get_mut(index) else {
            return;
        };
        let clock = &self.shared.clock;
        let now = clock.now();
        let until = now.checked_add_millis(decision.delay_ms()).unwrap_or(now);
        source.spec.stats.set_state(match decision.circuit_open {
            true => SourceState::CircuitOpen { until },
            false => SourceState::BackingOff { until },
        });
        let elapsed = wrap_future::<_, Self>(clock.sleep(decision.delay));
        let restart = elapsed.map(move |(), act, ctx| act.restart_source(index, ctx));
        source.retry = Some(ctx.spawn(restart));
    }

    fn restart_source(&mut self, index: usize, ctx: &mut Context<Self>) {
        if let Some(source) = self.sources.get(index) {
            source.spec.stats.count_restart();
            self.shared.metrics.restarted(source.spec.stats.id());
        }
        self.start_source(index, ctx);
    }

    /// Records that a finite source has finished or failed permanently.
    fn complete_finite(&mut self, index: usize, failure: Option<String>) {
        let Some(source) = self.sources.get(index) else {
            return;
        };
        let id = source.spec.stats.id();
        source.spec.stats.set_state(match failure {
            None => SourceState::Finished,
            Some(_) => SourceState::Failed,
        });
        info!(source = %id, succeeded = failure.is_none(), "finite source ended");
        self.finite.send_modify(|finite| {
            finite.unfinished = finite.unfinished.saturating_sub(1);
            if let Some(reason) = failure {
                finite.error.get_or_insert(IngestError::Failed {
                    source_id: id,
                    reason,
                });
            }
        });
    }

    fn stop_sources(&mut self, ctx: &mut Context<Self>) {
        self.shared.stop.cancel();
        for source in &mut self.sources {
            if let Some(retry) = source.retry.take() {
                ctx.cancel_future(retry);
                source.spec.stats.set_state(SourceState::Stopped);
            }
        }
    }

    /// Aborts the sources that still run after the grace period.
    fn abandon_running(&mut self, ctx: &mut Context<Self>) -> DrainReport {
        let mut abandoned = Vec::new();
        for source in &mut self.sources {
            if let Some(actor) = source.actor.take() {
                abandoned.push(source.spec.stats.id());
                source.spec.stats.set_state(SourceState::Stopped);
                // At most one message per run; a full mailbox must not block it.
                actor.do_send(Abort);
            }
        }
        self.finite.send_modify(|finite| {
            if finite.unfinished > 0 {
                finite.unfinished = 0;
                finite.error.get_or_insert(IngestError::Stopped);
            }
        });
        ctx.stop();
        DrainReport {
            abandoned,
            spooled: 0,
        }
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for index in 0..self.sources.len() {
            self.start_source(index, ctx);
        }
        self.schedule_watchdog(ctx);
    }
}

impl Handler<Drain> for Supervisor {
    type Result = ResponseActFuture<Self, DrainReport>;

    fn handle(&mut self, Drain(grace): Drain, ctx: &mut Self::Context) -> Self::Result {
        self.stop_sources(ctx);
        let mut running = self.running.subscribe();
        let stopped = async move {
            let _ = tokio::time::timeout(grace, running.wait_for(|n| *n == 0)).await;
        };
        let report = |(), act: &mut Self, ctx: &mut Context<Self>| act.abandon_running(ctx);
        Box::pin(stopped.into_actor(self).map(report))
    }
}
