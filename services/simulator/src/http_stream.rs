//! A stream of records over HTTP in the format of a protocol, by the clock.
//!
//! Guarantees: an event of the future is never sent. A client that does not read stops the delivery
//! (back-pressure), and nothing accumulates here. An idle stream sends keep-alives.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream;
use tokio::sync::OwnedSemaphorePermit;

use crate::faults::{Fault, Upstream};
use crate::feed::Event;
use crate::playback::Playback;
use crate::state::SharedWorld;

/// Bounds the sleep between reads of the clock: a manual clock cannot wake a task.
const MAX_SLEEP: Duration = Duration::from_millis(20);
const MIN_SLEEP: Duration = Duration::from_millis(1);

/// Encodes an event; `None` if the client did not select it.
pub(crate) type EncodeRecord = Box<dyn Fn(&SharedWorld, &Event) -> Option<String> + Send>;

/// The format of a protocol's stream.
pub(crate) struct StreamFormat {
    pub(crate) upstream: Upstream,
    pub(crate) encode: EncodeRecord,
    /// The keep-alive and its interval.
    pub(crate) keep_alive: (&'static str, Duration),
    /// The data that [`Fault::Garbage`] inserts.
    pub(crate) garbage: &'static [u8],
}

/// The response body of a stream that starts `back` before now.
pub(crate) fn stream_body(
    shared: SharedWorld,
    format: StreamFormat,
    back: Duration,
    permit: OwnedSemaphorePermit,
) -> Body {
    let fault = shared.faults.take_stream_fault(format.upstream);
    let rewind = match fault {
        Some(Fault::Rewind(span)) => span,
        _ => Duration::ZERO,
    };
    let back = back.max(rewind);
    let (order, now_us) = (shared.order.clone(), shared.now_us());
    let playback = match back.is_zero() {
        true => Playback::live(order, now_us),
        false => {
            let back_us = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
            Playback::from_cursor(order, now_us.saturating_sub(back_us))
        }
    };
    shared.counters.subscription();
    let stream = RecordStream {
        last_sent: shared.clock.uptime(),
        shared,
        format,
        playback,
        fault,
        sent: 0,
        is_disconnected: false,
        _permit: permit,
    };
    Body::from_stream(stream::unfold(stream, |mut stream| async move {
        stream.next().await.map(|part| (part, stream))
    }))
}

struct RecordStream {
    shared: SharedWorld,
    format: StreamFormat,
    playback: Playback,
    fault: Option<Fault>,
    sent: usize,
    /// The uptime of the last record or keep-alive.
    last_sent: Duration,
    is_disconnected: bool,
    _permit: OwnedSemaphorePermit,
}

impl RecordStream {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.is_disconnected {
            return Some(Err(io::Error::other("injected disconnect")));
        }
        if matches!(self.fault, Some(Fault::Stall(after)) if self.sent >= after) {
            self.shared.shutdown.cancelled().await;
        }
        while !self.shared.shutdown.is_cancelled() {
            if let Some(record) = self.next_record() {
                self.last_sent = self.shared.clock.uptime();
                return Some(Ok(self.apply_fault(record)));
            }
            let (keep_alive, every) = self.format.keep_alive;
            let uptime = self.shared.clock.uptime();
            if uptime.saturating_sub(self.last_sent) >= every {
                self.last_sent = uptime;
                return Some(Ok(Bytes::from_static(keep_alive.as_bytes())));
            }
            let wait_us = self.playback.next_due_us() - self.shared.now_us();
            let wait = Duration::from_micros(u64::try_from(wait_us).unwrap_or(0));
            tokio::time::sleep(wait.clamp(MIN_SLEEP, MAX_SLEEP)).await;
        }
        None
    }

    /// The next due record that the client selected.
    fn next_record(&mut self) -> Option<String> {
        let now_us = self.shared.now_us();
        while let Some(delivery) = self.playback.next_due(now_us) {
            let event = self.shared.feed.event(delivery.index);
            if let Some(record) = (self.format.encode)(&self.shared, &event) {
                self.shared.counters.message(delivery.copy);
                return Some(record);
            }
        }
        None
    }

    fn apply_fault(&mut self, record: String) -> Bytes {
        self.sent += 1;
        let mut bytes = record.into_bytes();
        match self.fault {
            Some(Fault::Disconnect(after)) if self.sent > after => {
                bytes.truncate(bytes.len() / 2);
                self.is_disconnected = true;
            }
            Some(Fault::Garbage(after)) if self.sent == after + 1 => {
                bytes = [self.format.garbage, bytes.as_slice()].concat();
            }
            _ => {}
        }
        bytes.into()
    }
}
