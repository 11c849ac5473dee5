//! A stream of records over HTTP, in whatever shape a protocol gives them, live by the clock.
//!
//! Guarantee: an event of the future is never sent. A client that does not read stops the sending, and
//! nothing piles up here. A sign of life is sent when nothing else was for a while.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream;
use tokio::sync::OwnedSemaphorePermit;

use crate::faults::{Fault, Upstream};
use crate::feed::Event;
use crate::playback::Playback;
use crate::state::Shared;

/// The clock is looked at this often at least: a clock that is set by hand cannot wake anyone.
const LONGEST_WAIT: Duration = Duration::from_millis(20);
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// The record of an event, for one that the client is to have.
pub(crate) type Record = Box<dyn Fn(&Shared, &Event) -> Option<String> + Send>;

/// How a protocol writes.
pub(crate) struct Shape {
    pub(crate) upstream: Upstream,
    pub(crate) record: Record,
    /// The sign of life, and how often it is sent.
    pub(crate) beat: (&'static str, Duration),
    /// What is sent as garbage.
    pub(crate) garbage: &'static [u8],
}

/// The body of a stream that begins `back` before now.
pub(crate) fn body(
    shared: Shared,
    shape: Shape,
    back: Duration,
    place: OwnedSemaphorePermit,
) -> Body {
    let fault = shared.faults.of_stream(shape.upstream);
    let again = match fault {
        Some(Fault::Again(span)) => span,
        _ => Duration::ZERO,
    };
    let back = back.max(again);
    let (order, now_us) = (shared.order.clone(), shared.now_us());
    let playback = match back.is_zero() {
        true => Playback::live(order, now_us),
        false => {
            let back_us = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
            Playback::from_cursor(order, now_us.saturating_sub(back_us))
        }
    };
    shared.counters.subscription();
    let sender = Sender {
        beaten: shared.clock.uptime(),
        shared,
        shape,
        playback,
        fault,
        sent: 0,
        broken: false,
        _place: place,
    };
    Body::from_stream(stream::unfold(sender, |mut sender| async move {
        sender.next().await.map(|part| (part, sender))
    }))
}

struct Sender {
    shared: Shared,
    shape: Shape,
    playback: Playback,
    fault: Option<Fault>,
    sent: usize,
    /// The uptime at which something was sent last.
    beaten: Duration,
    broken: bool,
    _place: OwnedSemaphorePermit,
}

impl Sender {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.broken {
            return Some(Err(io::Error::other("cut on purpose")));
        }
        if matches!(self.fault, Some(Fault::Stall(after)) if self.sent >= after) {
            self.shared.shutdown.cancelled().await;
        }
        while !self.shared.shutdown.is_cancelled() {
            if let Some(record) = self.due() {
                self.beaten = self.shared.clock.uptime();
                return Some(Ok(self.faulty(record)));
            }
            let (beat, every) = self.shape.beat;
            let uptime = self.shared.clock.uptime();
            if uptime.saturating_sub(self.beaten) >= every {
                self.beaten = uptime;
                return Some(Ok(Bytes::from_static(beat.as_bytes())));
            }
            let wait_us = self.playback.next_due_us() - self.shared.now_us();
            let wait = Duration::from_micros(u64::try_from(wait_us).unwrap_or(0));
            tokio::time::sleep(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT)).await;
        }
        None
    }

    /// The next record that is due.
    fn due(&mut self) -> Option<String> {
        let now_us = self.shared.now_us();
        while let Some(sending) = self.playback.next_due(now_us) {
            let event = self.shared.feed.event(sending.index);
            if let Some(record) = (self.shape.record)(&self.shared, &event) {
                self.shared.counters.message(sending.copy);
                return Some(record);
            }
        }
        None
    }

    fn faulty(&mut self, record: String) -> Bytes {
        self.sent += 1;
        let mut bytes = record.into_bytes();
        match self.fault {
            Some(Fault::Cut(after)) if self.sent > after => {
                bytes.truncate(bytes.len() / 2);
                self.broken = true;
            }
            Some(Fault::Garbage(after)) if self.sent == after + 1 => {
                bytes = [self.shape.garbage, bytes.as_slice()].concat();
            }
            _ => {}
        }
        bytes.into()
    }
}
