//! The dispatcher: starts one child actor per source and makes it anew when it fails.
//!
//! Terms: a *life* is the time from a child's start to its end; a *lifeline* tells of the end.
//! Guarantee: a child that stops with an error, panics, is dropped, or gives no sign of life when it
//! had announced one, is replaced by a fresh one after its source's own back-off; no other source
//! notices. One that fails again and again rests for long, and says so. A finite source that has
//! ended, or that cannot go on, is not started again.
//!
//! Known limit: all children share a thread. One that computes without end, rather than waits, stops
//! them all; nothing can end a thread from outside.

use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::prelude::*;
use moodvane_model::SourceId;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::child::{Abort, Child, Lifeline};
use crate::desk::{Desk, End, Life, Shared};
use crate::error::{IngestError, SourceError};
use crate::recovery::{Lived, Next, Recovery, Rules};
use crate::status::{SourceCell, SourceState};

/// How often it is looked whether a source hangs.
const WATCH: Duration = Duration::from_secs(1);

/// A source as the dispatcher knows it.
pub(crate) struct Plan {
    pub(crate) cell: Arc<SourceCell>,
    /// Whether it ends by itself.
    pub(crate) finite: bool,
    /// Whether it can be asked again for what it said.
    pub(crate) resumes: bool,
    /// Whose waits hold after a failure.
    pub(crate) rules: Rules,
    /// Makes a fresh life.
    pub(crate) factory: Box<dyn Fn(Desk) -> Life>,
}

/// How far the finite sources are.
#[derive(Debug, Clone)]
pub(crate) struct Finite {
    pub(crate) open: usize,
    pub(crate) error: Option<IngestError>,
}

/// What a drain achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrainReport {
    /// Sources that did not come to rest within the grace. What they had in flight may or may not
    /// be in the log; those that can resume do so from their cursors.
    pub abandoned: Vec<SourceId>,
    /// Records that wait in the spool for the next start.
    pub spooled: u64,
}

/// Stop taking, and come to rest within the grace.
#[derive(Debug, Message)]
#[rtype(result = "DrainReport")]
pub(crate) struct Drain(pub(crate) Duration);

struct Seat {
    plan: Plan,
    recovery: Recovery,
    /// The uptime at which its life began.
    began: Duration,
    child: Option<Addr<Child>>,
    /// By how much its sign of life was late, where it was ended for that.
    hung: Option<Duration>,
    retry: Option<SpawnHandle>,
}

/// The actor.
pub(crate) struct Dispatcher {
    shared: Shared,
    seats: Vec<Seat>,
    finite: watch::Sender<Finite>,
    living: watch::Sender<usize>,
}

impl Seat {
    /// Ends a life that had announced a sign of life, and gave none.
    fn end_if_hung(&mut self, uptime: Duration) {
        let Some(late) = self.plan.cell.overdue(uptime) else {
            return;
        };
        if let Some(child) = &self.child
            && self.hung.is_none()
        {
            self.hung = Some(late);
            // One message to each, and a full mailbox must not save it.
            child.do_send(Abort);
        }
    }
}

impl Dispatcher {
    pub(crate) fn new(shared: Shared, plans: Vec<Plan>, finite: watch::Sender<Finite>) -> Self {
        let seats = plans.into_iter().map(|plan| Seat {
            recovery: Recovery::new(plan.rules, shared.backoff, shared.circuit),
            plan,
            began: Duration::ZERO,
            child: None,
            hung: None,
            retry: None,
        });
        Self {
            seats: seats.collect(),
            shared,
            finite,
            living: watch::Sender::new(0),
        }
    }

    fn launch(&mut self, index: usize, ctx: &mut Context<Self>) {
        let Some(seat) = self.seats.get_mut(index) else {
            return;
        };
        seat.retry = None;
        seat.hung = None;
        seat.began = self.shared.clock.uptime();
        seat.plan.cell.set_state(SourceState::Starting);
        seat.plan.cell.set_in_flight(0);
        let desk = Desk {
            shared: self.shared.clone(),
            cell: Arc::clone(&seat.plan.cell),
            resumes: seat.plan.resumes,
        };
        desk.expects(Duration::ZERO);
        let (child, lifeline) = Child::launch((seat.plan.factory)(desk));
        seat.child = Some(child);
        self.living.send_modify(|n| *n += 1);
        self.listen(index, lifeline, ctx);
    }

    fn listen(&self, index: usize, lifeline: Lifeline, ctx: &mut Context<Self>) {
        let heard = lifeline.into_actor(self).map(move |ended, act, ctx| {
            let ended = ended.unwrap_or_else(|_| Err(act.lost(index)));
            act.ended(index, ended, ctx);
        });
        ctx.spawn(heard);
    }

    /// Why a life ended without a word.
    fn lost(&mut self, index: usize) -> SourceError {
        let hung = self.seats.get_mut(index).and_then(|seat| seat.hung.take());
        hung.map_or(SourceError::Lost, SourceError::Hung)
    }

    /// Ends the sources that hang, again and again until a drain begins.
    fn watch(&self, ctx: &mut Context<Self>) {
        let over = self.shared.clock.sleep(WATCH).into_actor(self);
        let watch = over.map(|(), act, ctx| {
            if act.shared.stop.is_cancelled() {
                return;
            }
            let uptime = act.shared.clock.uptime();
            act.seats
                .iter_mut()
                .for_each(|seat| seat.end_if_hung(uptime));
            act.shared.pool.shrink();
            act.watch(ctx);
        });
        ctx.spawn(watch);
    }

    fn ended(&mut self, index: usize, ended: Result<End, SourceError>, ctx: &mut Context<Self>) {
        let Some(seat) = self.seats.get_mut(index) else {
            return;
        };
        seat.child = None;
        seat.plan.cell.set_due(None);
        let ended = match ended {
            Ok(End::Finished) if !seat.plan.finite => Err(SourceError::Closed),
            other => other,
        };
        match ended {
            Ok(End::Finished) => self.settle(index, None),
            Ok(End::Stopped) => seat.plan.cell.set_state(SourceState::Stopped),
            Err(error) => self.failed(index, error, ctx),
        }
        // Last, so that who waits for the living sees how they ended.
        self.living.send_modify(|n| *n = n.saturating_sub(1));
    }

    fn failed(&mut self, index: usize, error: SourceError, ctx: &mut Context<Self>) {
        let Some(seat) = self.seats.get_mut(index) else {
            return;
        };
        let (cell, source) = (&seat.plan.cell, seat.plan.cell.id());
        let connected = cell.is_running();
        cell.set_error(&error);
        self.shared.metrics.failed(source, error.reason());
        if self.shared.stop.is_cancelled() {
            warn!(%source, %error, "source failed while draining");
            return cell.set_state(SourceState::Stopped);
        }
        if seat.plan.finite && error.is_permanent() {
            warn!(%source, %error, "source cannot go on");
            return self.settle(index, Some(error.to_string()));
        }
        let clock = &self.shared.clock;
        let lived = Lived {
            span: clock.uptime().saturating_sub(seat.began),
            connected,
        };
        let Next { delay, open } = seat
            .recovery
            .failed(&error, lived, clock.now(), rand::random());
        let (now, delay_ms) = (
            clock.now(),
            i64::try_from(delay.as_millis()).unwrap_or(i64::MAX),
        );
        let until = now.plus_millis(delay_ms).unwrap_or(now);
        self.shared.metrics.circuit(source, open);
        if open {
            cell.set_state(SourceState::CircuitOpen { until });
            error!(%source, %error, delay_ms, "source failed again and again, its circuit is open");
        } else {
            cell.set_state(SourceState::BackingOff { until });
            warn!(%source, %error, delay_ms, "source failed, making it anew later");
        }
        let over = wrap_future::<_, Self>(clock.sleep(delay));
        seat.retry = Some(ctx.spawn(over.map(move |(), act, ctx| act.relaunch(index, ctx))));
    }

    fn relaunch(&mut self, index: usize, ctx: &mut Context<Self>) {
        if let Some(seat) = self.seats.get(index) {
            seat.plan.cell.count_restart();
            self.shared.metrics.restarted(seat.plan.cell.id());
        }
        self.launch(index, ctx);
    }

    /// A finite source has ended for good.
    fn settle(&mut self, index: usize, failed: Option<String>) {
        let Some(seat) = self.seats.get(index) else {
            return;
        };
        let source = seat.plan.cell.id();
        seat.plan.cell.set_state(match failed {
            None => SourceState::Finished,
            Some(_) => SourceState::Failed,
        });
        info!(%source, well = failed.is_none(), "finite source ended");
        self.finite.send_modify(|finite| {
            finite.open = finite.open.saturating_sub(1);
            if let Some(reason) = failed {
                finite.error.get_or_insert(IngestError::Failed {
                    source_id: source,
                    reason,
                });
            }
        });
    }

    fn stop_taking(&mut self, ctx: &mut Context<Self>) {
        self.shared.stop.cancel();
        for seat in &mut self.seats {
            if let Some(retry) = seat.retry.take() {
                ctx.cancel_future(retry);
                seat.plan.cell.set_state(SourceState::Stopped);
            }
        }
    }

    /// Ends what is left after the grace.
    fn close(&mut self, ctx: &mut Context<Self>) -> DrainReport {
        let mut abandoned = Vec::new();
        for seat in &mut self.seats {
            if let Some(child) = seat.child.take() {
                abandoned.push(seat.plan.cell.id());
                seat.plan.cell.set_state(SourceState::Stopped);
                // One message to each, and a full mailbox must not save it.
                child.do_send(Abort);
            }
        }
        self.finite.send_modify(|finite| {
            if finite.open > 0 {
                finite.open = 0;
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

impl Actor for Dispatcher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for index in 0..self.seats.len() {
            self.launch(index, ctx);
        }
        self.watch(ctx);
    }
}

impl Handler<Drain> for Dispatcher {
    type Result = ResponseActFuture<Self, DrainReport>;

    fn handle(&mut self, Drain(grace): Drain, ctx: &mut Self::Context) -> Self::Result {
        self.stop_taking(ctx);
        let mut living = self.living.subscribe();
        let rest = async move {
            let _ = tokio::time::timeout(grace, living.wait_for(|n| *n == 0)).await;
        };
        Box::pin(rest.into_actor(self).map(|(), act, ctx| act.close(ctx)))
    }
}
