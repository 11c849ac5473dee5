//! The event stream: server-sent events from the time of the request on.

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

/// All events, or only those of the named types.
pub(super) fn stream(api: &Api, client: SocketAddr, event_types: BTreeSet<String>) -> Response {
    let attached = Event::EventStreamAttached {
        remote_address: client.ip().to_string(),
        timestamp: Timestamp::new(Utc::now()),
    };
    let attached_event = stream::once(async move { Arc::new(attached) });
    let shutdown = api.shutdown.clone();
    let all = attached_event.chain(receive_events(api.driver.subscribe_events()));
    let messages = all
        .filter(move |event| {
            let is_selected = event_types.is_empty() || event_types.contains(event.name());
            async move { is_selected }
        })
        .map(|event| Ok::<_, Infallible>(to_message(&event)))
        .take_until(async move { shutdown.cancelled().await });
    Sse::new(messages)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

/// The events until the client lags too far behind. Its stream ends then, so that it reconnects.
fn receive_events(receiver: Receiver<Arc<Event>>) -> impl Stream<Item = Arc<Event>> {
    stream::unfold(receiver, |mut receiver| async {
        match receiver.recv().await {
            Ok(event) => Some((event, receiver)),
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "closing event stream of slow client");
                None
            }
            Err(RecvError::Closed) => None,
        }
    })
}

fn to_message(event: &Event) -> sse::Event {
    let data = serde_json::to_string(event).unwrap_or_default();
    sse::Event::default().event(event.name()).data(data)
}
