//! The actor that lives one life of a source.
//!
//! Guarantee: however it ends, its dispatcher hears of it: the actor owns one end of a lifeline,
//! and says there how the life ended. A panic drops the actor, and with it the lifeline, unsaid.

use actix::prelude::*;
use tokio::sync::oneshot;

use crate::desk::{End, Life};
use crate::error::SourceError;

/// How a life ended; the dispatcher's end of the lifeline.
pub(crate) type Lifeline = oneshot::Receiver<Result<End, SourceError>>;

/// Stop at once, whatever is in flight.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Abort;

/// The actor.
pub(crate) struct Child {
    life: Option<Life>,
    lifeline: Option<oneshot::Sender<Result<End, SourceError>>>,
}

impl Child {
    /// Starts an actor that lives `life`.
    pub(crate) fn launch(life: Life) -> (Addr<Self>, Lifeline) {
        let (lifeline, heard) = oneshot::channel();
        let child = Self {
            life: Some(life),
            lifeline: Some(lifeline),
        };
        (child.start(), heard)
    }
}

impl Actor for Child {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(life) = self.life.take() else {
            return ctx.stop();
        };
        let lived = life.into_actor(self).map(|ended, child, ctx| {
            if let Some(lifeline) = child.lifeline.take() {
                // Nobody listens where the dispatcher is gone.
                let _ = lifeline.send(ended);
            }
            ctx.stop();
        });
        ctx.spawn(lived);
    }
}

impl Handler<Abort> for Child {
    type Result = ();

    fn handle(&mut self, _: Abort, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
