//! Posts from a Bluesky Jetstream: a websocket that can resume from a moment.
//!
//! Terms: the *cursor* is the greatest `time_us` of the batches that are acknowledged, in order;
//! the *rewind* is how far before it a new connection begins, since messages of one moment may
//! straddle it. Guarantee: no message is skipped between two lives: the cursor moves only after
//! the log has all before it. While as many batches are in flight as may be, the socket is not
//! read. Pings are answered by the protocol whenever it is read.

mod cursor;

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use moodvane_model::Topic;
use moodvane_upstream::Raw;
use moodvane_upstream::jetstream::{JetstreamFormat, subscribe_url, time_us};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tracing::info;
use url::Url;

use self::cursor::Position;
use crate::config::BlueskyConfig;
use crate::cursor::CursorKeeper;
use crate::desk::{Desk, End};
use crate::error::SourceError;
use crate::formatter::PostRecords;
use crate::pipeline::{Acknowledged, Pipeline};

/// The longest message that is read, in bytes.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// The longest that the protocol takes in before it breaks the connection. Above the other, so
/// that one message too long is dropped and counted, and does not come again for ever.
const MAX_SOCKET_BYTES: usize = 4 << 20;
/// A batch ends with the message that fills it to so many bytes.
const MAX_BATCH_BYTES: usize = 4 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A first message this long after the cursor means that the server no longer had what we asked.
const GAP_US: i64 = 600_000_000;
/// How far ahead of our clock the server's may be.
const AHEAD_US: i64 = 600_000_000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Frame = Result<Message, WsError>;

/// Reads the stream until it breaks or is told to stop.
pub(crate) async fn run(config: BlueskyConfig, desk: Desk) -> Result<End, SourceError> {
    let name = desk.id().to_string();
    let stored = desk.shared.log.cursor(&name).await?;
    let position = Position::restore(&config, stored.as_deref())?;
    let url = subscribe_url(&config.base_url, position.begin());
    let stop = desk.shared.stop.clone();
    let Some(socket) = stop.run_until_cancelled(connect(&url)).await else {
        return Ok(End::Stopped);
    };
    let format = JetstreamFormat::new(desk.id(), Arc::clone(&config.selection));
    let stream = Stream {
        socket: socket?,
        pipeline: Pipeline::new(
            desk.clone(),
            Topic::Tweet,
            Arc::new(PostRecords(Arc::new(format))),
        ),
        cursor: CursorKeeper::new(Arc::clone(&desk.shared.log), name),
        heard_at: Instant::now(),
        idle: config.idle,
        position,
        desk,
    };
    let host = origin(&url);
    info!(source = %stream.desk.id(), host, cursor_us = stream.position.begin(), "stream connected");
    stream.desk.running();
    stream.live().await
}

async fn connect(url: &Url) -> Result<Socket, SourceError> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_SOCKET_BYTES))
        .max_frame_size(Some(MAX_SOCKET_BYTES));
    let failed = |reason| SourceError::Connect {
        url: origin(url),
        reason,
    };
    let connecting = connect_async_with_config(url.as_str(), Some(limits), true);
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!(
            "no answer within {} ms",
            CONNECT_TIMEOUT.as_millis()
        ))),
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
    heard_at: Instant,
    idle: Duration,
    desk: Desk,
}

impl Stream {
    async fn live(mut self) -> Result<End, SourceError> {
        let ended = self.read().await;
        // Save what is acknowledged, whatever becomes of what is still in flight.
        self.save().await;
        let rested = self.rest().await;
        self.save().await;
        self.hang_up().await;
        rested.and(ended)
    }

    async fn read(&mut self) -> Result<End, SourceError> {
        let stop = self.desk.shared.stop.clone();
        let most = self.desk.shared.batch_posts;
        loop {
            let room = self.pipeline.has_room();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                batch = self.pipeline.next() => {
                    self.acknowledged(&batch?);
                    if !room {
                        // Silence counts only while we listen.
                        self.heard_at = Instant::now();
                    }
                }
                () = self.cursor.due() => self.save().await,
                frames = frames(&mut self.socket, most), if room => self.heard(frames)?,
                () = tokio::time::sleep_until(self.heard_at + self.idle), if room => {
                    return Err(SourceError::Idle(self.idle));
                }
            }
        }
    }

    async fn rest(&mut self) -> Result<(), SourceError> {
        while let Some(batch) = self.pipeline.rest().await? {
            self.acknowledged(&batch);
        }
        Ok(())
    }

    /// Takes what is ready as one batch. What came before an error is taken too.
    fn heard(&mut self, frames: Vec<Frame>) -> Result<(), SourceError> {
        if frames.is_empty() {
            return Err(SourceError::Closed);
        }
        self.heard_at = Instant::now();
        let mut raws = Vec::with_capacity(frames.len());
        let mut ended = Ok(());
        for frame in frames {
            match frame {
                Ok(Message::Text(text)) if text.len() > MAX_MESSAGE_BYTES => {
                    self.dropped("too_long");
                }
                Ok(Message::Text(text)) => raws.push(text.to_string()),
                Ok(Message::Binary(_)) => self.dropped("binary"),
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Close(_)) => ended = Err(SourceError::Closed),
                Err(error) => ended = Err(SourceError::Stream(error.to_string())),
            }
        }
        if !raws.is_empty() {
            let times: Vec<i64> = raws.iter().filter_map(|raw| time_us(raw)).collect();
            self.look_for_gap(times.first().copied());
            let raws = raws.into_iter().map(Raw::Text).collect();
            self.pipeline.take(raws, self.latest(&times));
        }
        ended
    }

    /// The greatest of a batch's times. One far ahead is not believed: the cursor would skip what
    /// comes until then.
    fn latest(&self, times: &[i64]) -> Option<i64> {
        let latest = self.desk.now().millis() * 1000 + AHEAD_US;
        times.iter().copied().filter(|at| *at <= latest).max()
    }

    fn dropped(&self, reason: &'static str) {
        let metrics = &self.desk.shared.metrics;
        metrics.seen(self.desk.id(), 1);
        metrics.dropped(self.desk.id(), reason, 1);
    }

    /// A server that no longer has what was asked for begins later and does not say so.
    fn look_for_gap(&mut self, first: Option<i64>) {
        let Some(first) = first else {
            return;
        };
        let gap_us = self
            .position
            .take_asked()
            .map_or(0, |asked| first.saturating_sub(asked));
        if gap_us > GAP_US {
            let gap_ms = gap_us / 1000;
            self.desk.note(&SourceError::Gap { gap_ms });
        }
    }

    fn acknowledged(&mut self, batch: &Acknowledged<Option<i64>>) {
        if let Some(time_us) = batch.mark {
            self.cursor
                .note(self.position.advance(time_us), batch.records);
        }
    }

    async fn save(&mut self) {
        if let Err(error) = self.cursor.save().await {
            self.desk.note(&error.into());
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
