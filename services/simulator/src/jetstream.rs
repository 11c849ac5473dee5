//! `GET /subscribe`: the post stream in the format of Jetstream.
//!
//! Terms: a *cursor* is a time in microseconds; with one in the past, the client receives every event
//! at or after it as fast as it reads, and then new events as they happen.
//!
//! Guarantees: an event of the future or from before the cursor is never sent. A client that does not
//! read stops the delivery (back-pressure), and nothing accumulates here.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::sync::OwnedSemaphorePermit;

use crate::faults::{Fault, Upstream};
use crate::feed::Event;
use crate::jetstream_json;
use crate::playback::{Delivery, Playback};
use crate::state::SharedWorld;

const MAX_COLLECTIONS: usize = 100;
/// Limit of a client's message in bytes. The simulator ignores these messages.
const MAX_CLIENT_MESSAGE: usize = 64 * 1024;
/// Bounds the sleep between reads of the clock: a manual clock cannot wake a task.
const MAX_SLEEP: Duration = Duration::from_millis(20);
const MIN_SLEEP: Duration = Duration::from_millis(1);

#[derive(Debug, Default, PartialEq, Eq)]
struct SubscribeRequest {
    /// Wanted collections; a final `*` matches any suffix. Empty means all.
    collections: Vec<String>,
    cursor_us: Option<i64>,
}

impl SubscribeRequest {
    fn parse(pairs: &[(String, String)]) -> Result<Self, String> {
        let mut request = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "wantedCollections" => request.collections.push(collection(value)?),
                "cursor" => request.cursor_us = Some(cursor(value)?),
                "compress" | "requireHello" if value == "false" => {}
                "maxMessageSizeBytes" if value == "0" => {}
                _ => return Err(format!("the simulator does not support {name}={value}")),
            }
        }
        if request.collections.len() > MAX_COLLECTIONS {
            return Err(format!(
                "wantedCollections must be at most {MAX_COLLECTIONS}"
            ));
        }
        Ok(request)
    }

    /// Whether the client selected the event. Account and identity events are always selected.
    fn selects(&self, event: &Event) -> bool {
        let Some(collection) = jetstream_json::collection(event) else {
            return true;
        };
        self.collections.is_empty()
            || self
                .collections
                .iter()
                .any(|wanted| match wanted.strip_suffix('*') {
                    Some(prefix) => collection.starts_with(prefix),
                    None => collection == wanted,
                })
    }
}

fn collection(value: &str) -> Result<String, String> {
    let name = value.strip_suffix(".*").unwrap_or(value);
    let valid = name.len() <= 317
        && name.contains('.')
        && name.split('.').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
    if valid {
        Ok(value.to_owned())
    } else {
        Err(format!(
            "wantedCollections: {value} must look like app.bsky.feed.post or app.bsky.feed.*"
        ))
    }
}

fn cursor(value: &str) -> Result<i64, String> {
    value
        .parse()
        .map_err(|_| format!("cursor: {value} must be a time in microseconds since 1970-01-01 UTC"))
}

/// Handles `GET /subscribe`.
pub(crate) async fn subscribe(
    State(shared): State<SharedWorld>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let request = query
        .map_err(|rejection| rejection.body_text())
        .and_then(|Query(pairs)| SubscribeRequest::parse(&pairs));
    let request = match request {
        Ok(request) => request,
        Err(reason) => return (StatusCode::BAD_REQUEST, reason).into_response(),
    };
    let Ok(permit) = shared.subscribers.clone().try_acquire_owned() else {
        let reason = "too many subscribers: close a connection first";
        return (StatusCode::SERVICE_UNAVAILABLE, reason).into_response();
    };
    shared.counters.subscription();
    let fault = shared.faults.take_stream_fault(Upstream::Jetstream);
    tracing::info!(cursor_us = request.cursor_us, "client subscribed");
    // Decides the start position before the response, not when the task first runs.
    let subscription = Subscription {
        playback: playback(&shared, &request, fault),
        fault,
        sent: 0,
        shared,
        request,
        _permit: permit,
    };
    upgrade
        .max_message_size(MAX_CLIENT_MESSAGE)
        .on_upgrade(|socket| subscription.serve(socket))
}

fn playback(shared: &SharedWorld, request: &SubscribeRequest, fault: Option<Fault>) -> Playback {
    let now_us = shared.now_us();
    let order = shared.order.clone();
    let cursor_us = match fault {
        Some(Fault::Rewind(span)) => {
            let back_us = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
            let requested_us = request.cursor_us.unwrap_or(now_us);
            Some(requested_us.saturating_sub(back_us))
        }
        // A server that no longer has the requested events starts later without notice.
        Some(Fault::SkipAhead(span)) => {
            let later_us = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
            request.cursor_us.map(|at| at.saturating_add(later_us))
        }
        _ => request.cursor_us,
    };
    match cursor_us {
        Some(cursor_us) if cursor_us <= now_us => Playback::from_cursor(order, cursor_us),
        _ => Playback::live(order, now_us),
    }
}

/// One client's connection.
struct Subscription {
    shared: SharedWorld,
    request: SubscribeRequest,
    playback: Playback,
    fault: Option<Fault>,
    sent: usize,
    _permit: OwnedSemaphorePermit,
}

impl Subscription {
    async fn serve(mut self, socket: WebSocket) {
        let (sink, stream) = socket.split();
        let shutdown = self.shared.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = drain_client(stream) => {}
            () = self.send(sink) => {}
        }
        tracing::info!("client disconnected");
    }

    /// Sends events as they become due, until the socket fails.
    async fn send(&mut self, mut sink: SplitSink<WebSocket, Message>) {
        loop {
            if matches!(self.fault, Some(Fault::Stall(after)) if self.sent >= after) {
                std::future::pending::<()>().await;
            }
            let now_us = self.shared.now_us();
            while let Some(delivery) = self.playback.next_due(now_us) {
                if !self.send_one(&mut sink, delivery).await {
                    return;
                }
                if matches!(self.fault, Some(Fault::Stall(after)) if self.sent >= after) {
                    break;
                }
            }
            if sink.flush().await.is_err() {
                return;
            }
            let wait_us = self.playback.next_due_us() - self.shared.now_us();
            let wait = Duration::from_micros(u64::try_from(wait_us).unwrap_or(0));
            tokio::time::sleep(wait.clamp(MIN_SLEEP, MAX_SLEEP)).await;
        }
    }

    /// Writes one event to the socket; `false` if the socket or the serialiser failed.
    async fn send_one(
        &mut self,
        sink: &mut SplitSink<WebSocket, Message>,
        delivery: Delivery,
    ) -> bool {
        let event = self.shared.feed.event(delivery.index);
        if !self.request.selects(&event) {
            return true;
        }
        let text = match jetstream_json::message(&event) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(%error, time_us = event.time_us, "cannot serialise event, closing the stream");
                return false;
            }
        };
        self.sent += 1;
        match self.fault {
            Some(Fault::Disconnect(after)) if self.sent > after => return false,
            Some(Fault::Garbage(after)) if self.sent == after + 1 => {
                let half = text.get(..text.len() / 2).unwrap_or_default();
                let bytes = Message::binary(b"\xff\xfe".to_vec());
                for garbage in [Message::text(half), bytes, Message::text("<html>")] {
                    if sink.feed(garbage).await.is_err() {
                        return false;
                    }
                }
            }
            _ => {}
        }
        // Counts before sending, so that no client has more messages than the counter.
        self.shared.counters.message(delivery.copy);
        sink.feed(Message::text(text)).await.is_ok()
    }
}

/// Reads until the client closes; reading also answers its pings.
async fn drain_client(mut stream: SplitStream<WebSocket>) {
    while let Some(Ok(message)) = stream.next().await {
        if matches!(message, Message::Close(_)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::EventKind;

    fn request(pairs: &[(&str, &str)]) -> Result<SubscribeRequest, String> {
        let pairs: Vec<(String, String)> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        SubscribeRequest::parse(&pairs)
    }

    #[test]
    fn rejects_invalid_parameters_with_reason() {
        for (name, value) in [
            ("cursor", "yesterday"),
            ("cursor", ""),
            ("cursor", "99999999999999999999"),
            ("wantedCollections", "post"),
            ("wantedCollections", "app..post"),
            ("wantedCollections", "app.bsky.*.post"),
            ("compress", "true"),
            ("wantedDids", "did:plc:x"),
        ] {
            let reason = request(&[(name, value)]).unwrap_err();
            assert!(reason.contains(name), "{reason}");
        }
        let many = vec![("wantedCollections", "app.bsky.feed.post"); 101];
        assert!(request(&many).unwrap_err().contains("at most 100"));
    }

    #[test]
    fn selects_collections_by_name_or_prefix() {
        let event = |kind| Event {
            time_us: 2,
            author: 1,
            kind,
        };
        let like = event(EventKind::Like {
            time_us: 1,
            author: 1,
        });
        let delete = event(EventKind::Delete { time_us: 1 });
        for (wanted, likes, posts) in [
            (vec![], true, true),
            (
                vec![("wantedCollections", "app.bsky.feed.post")],
                false,
                true,
            ),
            (vec![("wantedCollections", "app.bsky.feed.*")], true, true),
            (
                vec![("wantedCollections", "app.bsky.graph.*")],
                false,
                false,
            ),
        ] {
            let request = request(&wanted).unwrap();
            assert_eq!(request.selects(&like), likes, "{wanted:?}");
            assert_eq!(request.selects(&delete), posts, "{wanted:?}");
            assert!(request.selects(&event(EventKind::Account)), "{wanted:?}");
        }
    }
}
