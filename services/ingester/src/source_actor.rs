//! The actor that runs a source once.
//!
//! Guarantee: the supervisor learns of every exit. The actor owns the sender of the exit channel
//! and sends the result of its run. A panic drops the actor and closes the channel without a
//! result.

use actix::prelude::*;
use tokio::sync::oneshot;

use crate::error::SourceError;
use crate::source_context::{SourceExit, SourceFuture};

/// The supervisor's end of the exit channel.
pub(crate) type ExitReceiver = oneshot::Receiver<Result<SourceExit, SourceError>>;

/// Stops the actor at once and drops its records in flight.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Abort;

/// The actor of one run.
pub(crate) struct SourceActor {
    run: Option<SourceFuture>,
    exit: Option<oneshot::Sender<Result<SourceExit, SourceError>>>,
}

impl SourceActor {
    /// Starts an actor that drives `run` to its end.
    pub(crate) fn launch(run: SourceFuture) -> (Addr<Self>, ExitReceiver) {
        let (exit, receiver) = oneshot::channel();
        let actor = Self {
            run: Some(run),
            exit: Some(exit),
        };
        (actor.start(), receiver)
    }
}

impl Actor for SourceActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(run) = self.run.take() else {
            return ctx.stop();
        };
        let ended = run.into_actor(self).map(|result, actor, ctx| {
            if let Some(exit) = actor.exit.take() {
                // The receiver is dropped if the supervisor has stopped.
                let _ = exit.send(result);
            }
            ctx.stop();
        });
        ctx.spawn(ended);
    }
}

impl Handler<Abort> for SourceActor {
    type Result = ();

    fn handle(&mut self, _: Abort, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
