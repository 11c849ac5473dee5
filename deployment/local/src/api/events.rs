//! The event stream: server-sent events, from the moment of asking on.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use futures::{Stream, StreamExt, stream};
use moodvane_marathon_api::{Event, Timestamp};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Api;

const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// All events, or only those of the `wanted` names.
pub(super) fn stream(api: &Api, client: SocketAddr, wanted: BTreeSet<String>) -> Response {
    let attached = Event::EventStreamAttached {
        remote_address: client.ip().to_string(),
        timestamp: Timestamp::new(Utc::now()),
    };
    let first = stream::once(async move { Arc::new(attached) });
    let shutdown = api.shutdown.clone();
    let all = first.chain(received(api.driver.events()));
    let told = all
        .filter(move |event| {
            let takes = wanted.is_empty() || wanted.contains(event.name());
            async move { takes }
        })
        .map(|event| Ok::<_, Infallible>(written(&event)))
        .take_until(async move { shutdown.cancelled().await });
    Sse::new(told)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

/// Until the client is too far behind: it is cut off then, so that it knows and asks again.
fn received(receiver: Receiver<Arc<Event>>) -> impl Stream<Item = Arc<Event>> {
    stream::unfold(receiver, |mut receiver| async {
        match receiver.recv().await {
            Ok(event) => Some((event, receiver)),
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(
                    missed,
                    "cutting off a client of the event stream that is too slow"
                );
                None
            }
            Err(RecvError::Closed) => None,
        }
    })
}

fn written(event: &Event) -> sse::Event {
    let data = serde_json::to_string(event).unwrap_or_default();
    sse::Event::default().event(event.name()).data(data)
}
