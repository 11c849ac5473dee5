//! The progress of a computation and its result as server-sent events.

use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use utoipa::ToSchema;

use super::EXAMPLE;
use super::compute::compute;
use super::request::EffectRequest;
use crate::deadline::Deadline;
use crate::state::ServerState;

/// How far a computation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EffectProgress)]
pub(crate) struct Progress {
    /// The number of finished steps.
    pub(super) done: usize,
    /// The number of all steps.
    pub(super) total: usize,
    /// The present step.
    #[schema(example = "reading hours of New York")]
    pub(super) step: String,
}

/// Computes the report and streams the events. A client that disconnects ends the reads of the store.
pub(super) fn respond(state: ServerState, request: EffectRequest, deadline: Deadline) -> Response {
    // A request has a bounded number of events: one a city and step, and the result.
    let (sender, receiver) = unbounded_channel();
    let task = tokio::spawn({
        let sender = sender.clone();
        async move {
            let on_progress = |progress: Progress| send(&sender, "progress", &progress);
            let report = tokio::select! {
                report = compute(&state, &request, deadline, &on_progress) => report,
                () = sender.closed() => return,
            };
            let answer = report.and_then(|report| super::answer(&request, &report));
            match answer {
                Ok(answer) => send(&sender, "answer", &answer),
                Err(problem) => send(&sender, "problem", &problem.with_example(EXAMPLE).body()),
            }
        }
    });
    drop(sender);
    // A panic in the task ends the stream without a result, and is in the log.
    drop(task);
    let keep_alive = KeepAlive::default();
    Sse::new(stream(receiver))
        .keep_alive(keep_alive)
        .into_response()
}

fn send(sender: &UnboundedSender<Event>, name: &str, data: &impl Serialize) {
    let event = Event::default().event(name).json_data(data);
    match event {
        // The client may be gone.
        Ok(event) => drop(sender.send(event)),
        Err(error) => tracing::error!(%error, "cannot serialize an event"),
    }
}

fn stream(
    receiver: UnboundedReceiver<Event>,
) -> impl futures::Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(receiver, |mut receiver| async {
        let event = receiver.recv().await?;
        Some((Ok(event), receiver))
    })
}
