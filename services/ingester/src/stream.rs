//! The source of a live stream of posts: one loop over any transport and any protocol.
//!
//! Terms: a *transport* delivers text messages over a connection; a *protocol* decodes them and
//! knows how the stream resumes; a *position* is where the source resumes once a batch is
//! acknowledged.
//!
//! Guarantee: while the maximum number of batches is in flight, the connection is not read; silence
//! longer than the idle timeout ends the stream; messages that arrived before an error are
//! published; the cursor is saved only for acknowledged batches. Unreadable messages are counted
//! and skipped.
//!
//! It must not know what a message means or how a connection is opened.

mod http_lines;
mod lines;
#[cfg(test)]
mod tests;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use moodvane_model::Topic;
use moodvane_upstream::{PostFormat, RawMessage};

pub(crate) use self::http_lines::HttpLines;
pub(crate) use self::websocket::{WebSocket, origin};
use crate::cursor::CursorSaver;
use crate::error::SourceError;
use crate::formatter::PostRecords;
use crate::pipeline::{Acknowledged, Pipeline};
use crate::source_context::{SourceContext, SourceExit};

/// A batch ends with the frame that brings it to this size.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// A message, or the reason why it cannot be read.
pub(crate) type Message = Result<String, &'static str>;

/// A connection that delivers text messages.
pub(crate) trait Transport {
    /// Waits for the next frame and returns its size in bytes. Cancel safe.
    ///
    /// # Errors
    /// [`SourceError`] once the connection has ended.
    async fn receive(&mut self) -> Result<usize, SourceError>;

    /// The next complete message of the frames received so far.
    fn next_message(&mut self) -> Option<Message>;

    /// Closes the connection after the last batch.
    async fn close(&mut self) {}
}

/// The meaning of a stream's messages, and how the stream resumes.
pub(crate) trait Protocol {
    /// Where the source resumes after a batch.
    type Position: 'static;

    /// Decodes a message and appends the raw posts that it completes.
    ///
    /// # Errors
    /// [`SourceError`] if the message announces the end of the stream.
    fn decode(&mut self, message: String, raws: &mut Vec<RawMessage>) -> Result<(), SourceError>;

    /// Removes posts that do not belong to the stream, and returns the position after the batch.
    fn complete_batch(&mut self, raws: &mut Vec<RawMessage>) -> Self::Position;

    /// The cursor after a batch with this position is acknowledged, if it moves.
    fn advance(&mut self, position: Self::Position) -> Option<String>;

    /// Checks whether the source may read on; called before each read.
    ///
    /// # Errors
    /// [`SourceError`] if it may not.
    async fn allow_read(&mut self) -> Result<(), SourceError> {
        Ok(())
    }

    /// Called once after the last read.
    async fn finish_reading(&mut self) {}
}

/// A connected stream.
pub(crate) struct StreamSource<T, P: Protocol> {
    transport: T,
    protocol: P,
    pipeline: Pipeline<P::Position>,
    cursor: CursorSaver,
    /// The uptime at which the last frame arrived.
    last_received: Duration,
    idle_timeout: Duration,
    context: SourceContext,
}

/// Opens a stream and reads it until it ends or the source stops.
pub(crate) async fn run<T: Transport, P: Protocol>(
    context: &SourceContext,
    connect: impl Future<Output = Result<StreamSource<T, P>, SourceError>>,
) -> Result<SourceExit, SourceError> {
    let stop = context.shared.stop.clone();
    match stop.run_until_cancelled(connect).await {
        None => Ok(SourceExit::Stopped),
        Some(stream) => stream?.run().await,
    }
}

impl<T: Transport, P: Protocol> StreamSource<T, P> {
    /// A stream whose posts have the given format.
    pub(crate) fn new(
        context: &SourceContext,
        (transport, protocol): (T, P),
        format: impl PostFormat + 'static,
        idle_timeout: Duration,
    ) -> Self {
        let log = Arc::clone(&context.shared.log);
        let published = context.shared.published.clone();
        let records = Arc::new(PostRecords(Arc::new(format)));
        Self {
            transport,
            protocol,
            pipeline: Pipeline::new(context.clone(), Topic::Tweet, records),
            cursor: CursorSaver::new(log, context.id().to_string(), published),
            last_received: context.shared.clock.uptime(),
            idle_timeout,
            context: context.clone(),
        }
    }

    /// Submits a batch to the pipeline.
    pub(crate) fn submit(&mut self, mut raws: Vec<RawMessage>) {
        let position = self.protocol.complete_batch(&mut raws);
        if !raws.is_empty() {
            self.pipeline.submit(raws, position);
        }
    }

    async fn run(mut self) -> Result<SourceExit, SourceError> {
        let exit = self.read().await;
        self.protocol.finish_reading().await;
        // Save the acknowledged part first: the batches in flight may never be acknowledged.
        self.save_cursor().await;
        let drained = self.drain().await;
        self.save_cursor().await;
        self.transport.close().await;
        drained.and(exit)
    }

    async fn read(&mut self) -> Result<SourceExit, SourceError> {
        let stop = self.context.shared.stop.clone();
        let clock = Arc::clone(&self.context.shared.clock);
        loop {
            let has_room = self.pipeline.has_room() && !self.cursor.is_behind();
            if has_room {
                self.protocol.allow_read().await?;
                self.context.arm_watchdog(self.idle_timeout);
            } else {
                self.context.disarm_watchdog();
            }
            let idle_at = self.last_received + self.idle_timeout;
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(SourceExit::Stopped),
                batch = self.pipeline.next() => {
                    self.acknowledge(batch?);
                    if !has_room {
                        // Silence counts only while the connection is read.
                        self.last_received = clock.uptime();
                    }
                }
                () = self.cursor.due() => self.save_cursor().await,
                received = self.transport.receive(), if has_room => self.read_batch(received)?,
                () = clock.sleep(idle_at.saturating_sub(clock.uptime())), if has_room => {
                    return Err(SourceError::Idle(self.idle_timeout));
                }
            }
        }
    }

    /// Submits the received frame as one batch with the frames that have arrived after it.
    fn read_batch(&mut self, received: Result<usize, SourceError>) -> Result<(), SourceError> {
        self.last_received = self.context.shared.clock.uptime();
        let (protocol, context) = (&mut self.protocol, &self.context);
        let decode = |message: Message, raws: &mut Vec<RawMessage>| match message {
            Ok(message) => protocol.decode(message, raws),
            Err(reason) => {
                context.count_dropped(reason);
                Ok(())
            }
        };
        let limit = context.shared.batch_posts;
        let (raws, outcome) = collect_batch(&mut self.transport, received, limit, decode);
        self.submit(raws);
        outcome
    }

    fn acknowledge(&mut self, batch: Acknowledged<P::Position>) {
        if let Some(cursor) = self.protocol.advance(batch.position) {
            self.cursor.advance(cursor, batch.records);
        }
    }

    /// Waits for the batches in flight.
    async fn drain(&mut self) -> Result<(), SourceError> {
        self.context.disarm_watchdog();
        while let Some(batch) = self.pipeline.next_pending().await? {
            self.acknowledge(batch);
        }
        Ok(())
    }

    async fn save_cursor(&mut self) {
        if let Err(error) = self.cursor.save().await {
            self.context.report_error(&error.into());
        }
    }
}

/// Decodes the received frame and the frames that have arrived after it, until the batch has
/// `limit` posts or its maximum size. Returns the posts decoded before an error with the error.
fn collect_batch<T: Transport>(
    transport: &mut T,
    mut received: Result<usize, SourceError>,
    limit: usize,
    mut decode: impl FnMut(Message, &mut Vec<RawMessage>) -> Result<(), SourceError>,
) -> (Vec<RawMessage>, Result<(), SourceError>) {
    let (mut raws, mut bytes) = (Vec::new(), 0);
    loop {
        while let Some(message) = transport.next_message() {
            if let Err(error) = decode(message, &mut raws) {
                return (raws, Err(error));
            }
        }
        match received {
            Ok(frame_bytes) => bytes += frame_bytes,
            Err(error) => return (raws, Err(error)),
        }
        if raws.len() >= limit || bytes >= MAX_BATCH_BYTES {
            return (raws, Ok(()));
        }
        match transport.receive().now_or_never() {
            Some(next) => received = next,
            None => return (raws, Ok(())),
        }
    }
}
