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

use futures::StreamExt;
use futures::stream::ReadyChunks;
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
use crate::pipeline::Pipeline;

/// The longest message that is read, in bytes.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// The longest that the protocol takes in before it breaks the connection. Above the other, so
/// that one message too long is dropped and counted, and does not come again for ever.
const MAX_SOCKET_BYTES: usize = 4 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A first message this long after the cursor means that the server no longer had what we asked.
const GAP_US: i64 = 600_000_000;
/// How far ahead of our clock the server's may be.
const AHEAD_US: i64 = 600_000_000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

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
        frames: socket?.ready_chunks(desk.shared.batch_posts.max(1)),
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
    info!(source = %stream.desk.id(), %url, "stream connected");
    stream.desk.running();
    stream.live().await
}

async fn connect(url: &Url) -> Result<Socket, SourceError> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_SOCKET_BYTES))
        .max_frame_size(Some(MAX_SOCKET_BYTES));
    let failed = |reason| SourceError::Connect {
        url: url.to_string(),
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

/// What is acknowledged with a batch.
#[derive(Clone, Copy)]
struct Mark {
    time_us: Option<i64>,
    messages: usize,
}

struct Stream {
    frames: ReadyChunks<Socket>,
    pipeline: Pipeline<Mark>,
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
        loop {
            let room = self.pipeline.has_room();
            let was_full = !room;
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                mark = self.pipeline.next() => {
                    let mark = mark?;
                    self.acknowledged(mark);
                    if was_full {
                        // Silence counts only while we listen.
                        self.heard_at = Instant::now();
                    }
                }
                () = self.cursor.due() => self.save().await,
                frames = self.frames.next(), if room => match frames {
                    Some(frames) => self.heard(frames)?,
                    None => return Err(SourceError::Closed),
                },
                () = tokio::time::sleep_until(self.heard_at + self.idle), if room => {
                    return Err(SourceError::Idle(self.idle));
                }
            }
        }
    }

    async fn rest(&mut self) -> Result<(), SourceError> {
        while let Some(mark) = self.pipeline.rest().await? {
            self.acknowledged(mark);
        }
        Ok(())
    }

    /// Takes what is ready as one batch. What came before an error is taken too.
    fn heard(&mut self, frames: Vec<Result<Message, WsError>>) -> Result<(), SourceError> {
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
            let mark = Mark {
                time_us: self.latest(&raws),
                messages: raws.len(),
            };
            self.look_for_gap(raws.first().and_then(|raw| time_us(raw)));
            self.pipeline
                .take(raws.into_iter().map(Raw::Text).collect(), mark);
        }
        ended
    }

    /// The greatest time of a batch. A time far ahead is not believed: the cursor would skip what
    /// comes until then.
    fn latest(&self, raws: &[String]) -> Option<i64> {
        let latest = self.desk.now().millis() * 1000 + AHEAD_US;
        let times = raws.iter().filter_map(|raw| time_us(raw));
        times.filter(|time_us| *time_us <= latest).max()
    }

    fn dropped(&self, reason: &'static str) {
        let metrics = &self.desk.shared.metrics;
        metrics.seen(self.desk.id(), 1);
        metrics.dropped(self.desk.id(), reason, 1);
    }

    /// A server that no longer has what was asked for begins later and does not say so.
    fn look_for_gap(&mut self, first: Option<i64>) {
        let (Some(first), Some(asked)) = (first, self.position.take_asked()) else {
            return;
        };
        if first - asked > GAP_US {
            let gap_ms = (first - asked) / 1000;
            self.desk.note(&SourceError::Gap { gap_ms });
        }
    }

    fn acknowledged(&mut self, mark: Mark) {
        if let Some(time_us) = mark.time_us {
            self.cursor
                .note(self.position.advance(time_us), mark.messages);
        }
    }

    async fn save(&mut self) {
        if let Err(error) = self.cursor.save().await {
            self.desk.note(&error.into());
        }
    }

    async fn hang_up(self) {
        let mut socket = self.frames.into_inner();
        // The server's answer is worth no longer wait: all that matters is acknowledged.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, socket.close(None)).await;
    }
}
