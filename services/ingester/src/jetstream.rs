//! Posts from a Bluesky Jetstream: a websocket that can resume from a moment.
//!
//! Terms: the *cursor* is the greatest `time_us` of the batches that are acknowledged, in order;
//! the *rewind* is how far before it a new connection begins, since messages of one moment may
//! straddle it. Guarantee: no message is skipped between two lives: the cursor moves only after
//! the log has all before it; a server that no longer has what was asked for is noticed, and what is
//! missing is counted. A host that fails is left for the next one. While as many batches are in flight as may be, the socket is not
//! read. Pings are answered by the protocol whenever it is read.

mod cursor;
mod hosts;
mod resumed;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use moodvane_model::Topic;
use moodvane_upstream::RawMessage;
use moodvane_upstream::jetstream::{JetstreamFormat, subscribe_url, time_us};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tracing::info;
use url::Url;

use self::cursor::Position;
use self::hosts::Hosts;
use crate::config::BlueskyConfig;
use crate::cursor::CursorKeeper;
use crate::error::SourceError;
use crate::formatter::PostRecords;
use crate::pipeline::{Acknowledged, Pipeline};
use crate::source_context::{SourceContext, SourceExit};

/// The longest message that is read, in bytes.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// The longest that the protocol takes in before it breaks the connection. Above the other, so
/// that one message too long is dropped and counted, and does not come again for ever.
const MAX_SOCKET_BYTES: usize = 4 << 20;
/// A batch ends with the message that fills it to so many bytes.
const MAX_BATCH_BYTES: usize = 4 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Whoever asks for a longer pause is asked again nevertheless.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How far ahead of our clock the server's may be.
const AHEAD_US: i64 = 600_000_000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Frame = Result<Message, WsError>;

/// Reads the stream of the host whose `turn` it is, until it breaks or is told to stop.
pub(crate) async fn run(
    config: BlueskyConfig,
    turn: Arc<AtomicUsize>,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let (began, clock) = (
        context.shared.clock.uptime(),
        Arc::clone(&context.shared.clock),
    );
    let hosts = Hosts::new(&config, turn);
    let host = hosts.current();
    let ended = listen(config, &host, context).await;
    if let Err(error) = &ended {
        hosts.failed(error, clock.uptime().saturating_sub(began));
    }
    ended
}

async fn listen(
    config: BlueskyConfig,
    host: &Url,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let name = context.id().to_string();
    let stored = context.shared.log.cursor(&name).await?;
    let position = Position::restore(&config, host, stored.as_deref())?;
    let url = subscribe_url(host, position.begin());
    let stop = context.shared.stop.clone();
    let Some(socket) = stop.run_until_cancelled(connect(&url, &context)).await else {
        return Ok(SourceExit::Stopped);
    };
    let now_us = context.now().millis() * 1000;
    let format = JetstreamFormat::new(context.id(), Arc::clone(&config.selection));
    let stream = Stream {
        socket: socket?,
        pipeline: Pipeline::new(
            context.clone(),
            Topic::Tweet,
            Arc::new(PostRecords(Arc::new(format))),
        ),
        cursor: CursorKeeper::new(Arc::clone(&context.shared.log), name),
        heard: context.shared.clock.uptime(),
        idle: config.idle,
        // From a moment that is yet to come a server begins now.
        not_before: position.begin().filter(|begin| *begin <= now_us),
        position,
        context,
    };
    let host = origin(&url);
    info!(source = %stream.context.id(), host, cursor_us = stream.position.begin(), "stream connected");
    stream.context.set_running();
    stream.live().await
}

async fn connect(url: &Url, context: &SourceContext) -> Result<Socket, SourceError> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_SOCKET_BYTES))
        .max_frame_size(Some(MAX_SOCKET_BYTES));
    let failed = |reason| SourceError::Connect {
        url: origin(url),
        reason,
    };
    let connecting = connect_async_with_config(url.as_str(), Some(limits), true);
    let late = context.shared.clock.sleep(CONNECT_TIMEOUT);
    tokio::select! {
        biased;
        connected = connecting => match connected {
            Ok((socket, _)) => Ok(socket),
            Err(error) => Err(refusal(error, failed)),
        },
        () = late => Err(failed(format!("no answer within {} ms", CONNECT_TIMEOUT.as_millis()))),
    }
}

/// A server that answers with a status, and no stream, may say how long it wants to be left alone.
fn refusal(error: WsError, failed: impl FnOnce(String) -> SourceError) -> SourceError {
    let WsError::Http(answer) = error else {
        return failed(error.to_string());
    };
    let header = answer.headers().get("retry-after");
    let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    SourceError::Status {
        status: answer.status().as_u16(),
        retry_after: seconds.map(|s| Duration::from_secs(s).min(MAX_RETRY_AFTER)),
    }
}

/// What of a URL may be shown: not what is behind its host, which may be a key.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Waits for a frame, and takes with it those that are there already, as far as a batch goes; none
/// at the stream's end. Loses nothing where it is dropped before it is ready.
async fn frames(
    socket: &mut (impl futures::Stream<Item = Frame> + Unpin),
    most: usize,
) -> Vec<Frame> {
    let (mut frames, mut bytes) = (Vec::new(), 0);
    let mut next = socket.next().await;
    while let Some(frame) = next {
        bytes += frame.as_ref().map_or(0, Message::len);
        frames.push(frame);
        if frames.len() >= most || bytes >= MAX_BATCH_BYTES {
            break;
        }
        next = socket.next().now_or_never().flatten();
    }
    frames
}

struct Stream {
    socket: Socket,
    /// Marked with the greatest time of a batch.
    pipeline: Pipeline<Option<i64>>,
    cursor: CursorKeeper,
    position: Position,
    /// What is from before this time was not asked for.
    not_before: Option<i64>,
    /// The uptime at which something was heard last.
    heard: Duration,
    idle: Duration,
    context: SourceContext,
}

impl Stream {
    async fn live(mut self) -> Result<SourceExit, SourceError> {
        let ended = self.read().await;
        // Save what is acknowledged, whatever becomes of what is still in flight.
        self.save().await;
        let rested = self.rest().await;
        self.save().await;
        self.hang_up().await;
        rested.and(ended)
    }

    async fn read(&mut self) -> Result<SourceExit, SourceError> {
        let stop = self.context.shared.stop.clone();
        let most = self.context.shared.batch_posts;
        let clock = Arc::clone(&self.context.shared.clock);
        loop {
            let room = self.pipeline.has_room();
            match room {
                true => self.context.arm_watchdog(self.idle),
                false => self.context.disarm_watchdog(),
            }
            let silence = (self.heard + self.idle).saturating_sub(clock.uptime());
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(SourceExit::Stopped),
                batch = self.pipeline.next() => {
                    self.acknowledged(&batch?);
                    if !room {
                        // Silence counts only while we listen.
                        self.heard = clock.uptime();
                    }
                }
                () = self.cursor.due() => self.save().await,
                frames = frames(&mut self.socket, most), if room => self.heard(frames)?,
                () = clock.sleep(silence), if room => {
                    return Err(SourceError::Idle(self.idle));
                }
            }
        }
    }

    async fn rest(&mut self) -> Result<(), SourceError> {
        self.context.disarm_watchdog();
        while let Some(batch) = self.pipeline.next_pending().await? {
            self.acknowledged(&batch);
        }
        Ok(())
    }

    /// Takes what is ready as one batch. What came before an error is taken too.
    fn heard(&mut self, frames: Vec<Frame>) -> Result<(), SourceError> {
        if frames.is_empty() {
            return Err(SourceError::Closed);
        }
        self.heard = self.context.shared.clock.uptime();
        let mut raws = Vec::with_capacity(frames.len());
        let mut ended = Ok(());
        for frame in frames {
            match frame {
                Ok(Message::Text(text)) if text.len() > MAX_MESSAGE_BYTES => {
                    self.context.count_dropped("too_long");
                }
                Ok(Message::Text(text)) => raws.push(text.to_string()),
                Ok(Message::Binary(_)) => self.context.count_dropped("binary"),
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Close(_)) => ended = Err(SourceError::Closed),
                Err(error) => ended = Err(SourceError::Stream(error.to_string())),
            }
        }
        let times: Vec<Option<i64>> = raws.iter().map(|raw| time_us(raw)).collect();
        let told: Vec<i64> = times.iter().copied().flatten().collect();
        self.look_for_gap(&told);
        let raws: Vec<RawMessage> = raws
            .into_iter()
            .zip(times)
            .filter(|(_, time)| self.is_new(*time))
            .map(|(raw, _)| RawMessage::Text(raw))
            .collect();
        if !raws.is_empty() {
            self.pipeline.submit(raws, self.latest(&told));
        }
        ended
    }

    /// Some hosts begin up to an hour before the cursor, and do not say so: more than the readers can
    /// tell for duplicates. What is from before it was acknowledged, or not asked for.
    fn is_new(&self, time: Option<i64>) -> bool {
        let is_new = time.is_none() || time >= self.not_before;
        if !is_new {
            self.context.count_dropped("before_cursor");
        }
        is_new
    }

    /// The greatest of a batch's times. One far ahead is not believed: the cursor would skip what
    /// comes until then.
    fn latest(&self, times: &[i64]) -> Option<i64> {
        let latest = self.context.now().millis() * 1000 + AHEAD_US;
        times.iter().copied().filter(|at| *at <= latest).max()
    }

    /// A server that no longer has what was asked for begins later and does not say so.
    fn look_for_gap(&mut self, times: &[i64]) {
        let Some(gap_us) = self.position.gap(times) else {
            return;
        };
        let gap_ms = gap_us / 1000;
        let ms = u64::try_from(gap_ms).unwrap_or(0);
        self.context.shared.metrics.gap(self.context.id(), ms);
        self.context.report_error(&SourceError::Gap { gap_ms });
    }

    fn acknowledged(&mut self, batch: &Acknowledged<Option<i64>>) {
        if let Some(time_us) = batch.position {
            self.cursor
                .note(self.position.advance(time_us), batch.records);
        }
    }

    async fn save(&mut self) {
        if let Err(error) = self.cursor.save().await {
            self.context.report_error(&error.into());
        }
    }

    async fn hang_up(mut self) {
        // The server's answer is worth no longer wait: all that matters is acknowledged.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.socket.close(None)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;

    #[tokio::test]
    async fn a_batch_is_bounded_in_messages_and_in_bytes() {
        let ready = |n: usize, bytes: usize| {
            let message = Message::text("x".repeat(bytes));
            stream::iter((0..n).map(move |_| Frame::Ok(message.clone())))
        };
        let mut small = ready(7, 1);
        for expected in [3, 3, 1, 0] {
            assert_eq!(frames(&mut small, 3).await.len(), expected);
        }
        let mut large = ready(9, MAX_BATCH_BYTES / 2 - 1);
        for expected in [3, 3, 3, 0] {
            assert_eq!(frames(&mut large, 1_000).await.len(), expected);
        }
    }
}
