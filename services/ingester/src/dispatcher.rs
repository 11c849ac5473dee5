//! The dispatcher: starts one child actor per source and makes it anew when it fails.
//!
//! Terms: a *life* is the time from a child's start to its end; a *lifeline* tells of the end.
//! Guarantee: a child that stops with an error, panics or is dropped is replaced by a fresh one
//! after its source's own back-off; no other source notices. A finite source that has ended, or
//! that cannot go on, is not started again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use moodvane_model::SourceId;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::backoff::Attempts;
use crate::child::{Abort, Child, Lifeline};
use crate::desk::{Desk, End, Life, Shared};
use crate::error::{IngestError, SourceError};
use crate::status::{SourceCell, SourceState};

/// A source as the dispatcher knows it.
pub(crate) struct Plan {
    pub(crate) cell: Arc<SourceCell>,
    /// Whether it ends by itself.
    pub(crate) finite: bool,
    /// Whether it can be asked again for what it said.
    pub(crate) resumes: bool,
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
    attempts: Attempts,
    began: Instant,
    child: Option<Addr<Child>>,
    retry: Option<SpawnHandle>,
}

/// The actor.
pub(crate) struct Dispatcher {
    shared: Shared,
    seats: Vec<Seat>,
    finite: watch::Sender<Finite>,
    living: watch::Sender<usize>,
}

impl Dispatcher {
    pub(crate) fn new(shared: Shared, plans: Vec<Plan>, finite: watch::Sender<Finite>) -> Self {
        let seats = plans.into_iter().map(|plan| Seat {
            plan,
            attempts: Attempts::new(shared.backoff),
            began: Instant::now(),
            child: None,
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
        seat.began = Instant::now();
        seat.plan.cell.set_state(SourceState::Starting);
        let desk = Desk {
            shared: self.shared.clone(),
            cell: Arc::clone(&seat.plan.cell),
            resumes: seat.plan.resumes,
        };
        let (child, lifeline) = Child::launch((seat.plan.factory)(desk));
        seat.child = Some(child);
        self.living.send_modify(|n| *n += 1);
        self.listen(index, lifeline, ctx);
    }

    fn listen(&self, index: usize, lifeline: Lifeline, ctx: &mut Context<Self>) {
        let heard = lifeline.into_actor(self).map(move |ended, act, ctx| {
            act.ended(index, ended.unwrap_or(Err(SourceError::Lost)), ctx);
        });
        ctx.spawn(heard);
    }

    fn ended(&mut self, index: usize, ended: Result<End, SourceError>, ctx: &mut Context<Self>) {
        let Some(seat) = self.seats.get_mut(index) else {
            return;
        };
        seat.child = None;
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
        let delay = seat.attempts.failed_after(seat.began, Instant::now());
        let now = self.shared.clock.now();
        let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        cell.set_state(SourceState::BackingOff {
            until: now.plus_millis(delay_ms).unwrap_or(now),
        });
        warn!(%source, %error, delay_ms, "source failed, making it anew later");
        seat.retry = Some(ctx.run_later(delay, move |act, ctx| act.relaunch(index, ctx)));
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
