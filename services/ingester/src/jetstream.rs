//! Posts from a Bluesky Jetstream: a websocket that resumes from a cursor.
//!
//! Terms: the *cursor* is the greatest `time_us` of the acknowledged batches; the *rewind* is how
//! far before the cursor a new connection starts, since messages of one moment may straddle it.
//! Guarantee: no message is skipped between two connections. A server that has discarded the
//! requested messages is detected, and the gap is counted. After a host fails, the next one is
//! used.

mod gap;
mod hosts;
mod position;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use moodvane_upstream::RawMessage;
use moodvane_upstream::jetstream::{JetstreamFormat, subscribe_url, time_us};
use tracing::info;
use url::Url;

use self::hosts::Hosts;
pub(crate) use self::position::OTHER_HOST_REWIND;
use self::position::Position;
use crate::config::BlueskyConfig;
use crate::error::SourceError;
use crate::source_context::{SourceContext, SourceExit};
use crate::stream::{self, Protocol, StreamSource, WebSocket, origin};

/// How far the server's clock may be ahead of ours.
const MAX_CLOCK_SKEW_US: i64 = 600_000_000;

/// Reads the stream of the current host until it ends or the source stops.
pub(crate) async fn run(
    config: BlueskyConfig,
    host_index: Arc<AtomicUsize>,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let started_at = context.shared.clock.uptime();
    let hosts = Hosts::new(&config, host_index);
    let host = hosts.current();
    let exit = stream::run(&context, connect(&config, &host, &context)).await;
    if let Err(error) = &exit {
        let duration = context.shared.clock.uptime().saturating_sub(started_at);
        hosts.report_failure(error, duration);
    }
    exit
}

async fn connect(
    config: &BlueskyConfig,
    host: &Url,
    context: &SourceContext,
) -> Result<StreamSource<WebSocket, Jetstream>, SourceError> {
    let saved = context.shared.log.cursor(context.id().as_str()).await?;
    let position = Position::restore(config, host, saved.as_deref())?;
    let start = position.start();
    let url = subscribe_url(host, start);
    let socket = WebSocket::connect(&url, context).await?;
    info!(source = %context.id(), host = origin(&url), cursor_us = start, "stream connected");
    context.set_running();
    let now_us = context.now().millis() * 1000;
    let protocol = Jetstream {
        // A server starts at the present if the cursor is in the future.
        not_before: start.filter(|start| *start <= now_us),
        position,
        context: context.clone(),
    };
    let format = JetstreamFormat::new(context.id(), Arc::clone(&config.selection))
        .with_max_age(config.max_age);
    let transport_and_protocol = (socket, protocol);
    Ok(StreamSource::new(
        context,
        transport_and_protocol,
        format,
        config.idle,
    ))
}

struct Jetstream {
    position: Position,
    /// Messages before this time were not requested.
    not_before: Option<i64>,
    context: SourceContext,
}

impl Protocol for Jetstream {
    /// The greatest plausible time of a batch.
    type Position = Option<i64>;

    fn decode(&mut self, message: String, raws: &mut Vec<RawMessage>) -> Result<(), SourceError> {
        raws.push(RawMessage::Text(message));
        Ok(())
    }

    fn complete_batch(&mut self, raws: &mut Vec<RawMessage>) -> Self::Position {
        let time = |raw: &RawMessage| match raw {
            RawMessage::Text(text) => time_us(text),
            _ => None,
        };
        let times: Vec<Option<i64>> = raws.iter().map(time).collect();
        let mut each = times.iter();
        raws.retain(|_| each.next().is_none_or(|time| self.is_requested(*time)));
        let times: Vec<i64> = times.into_iter().flatten().collect();
        self.report_gap(&times);
        self.latest(&times)
    }

    fn advance(&mut self, time_us: Self::Position) -> Option<String> {
        time_us.map(|time_us| self.position.advance(time_us))
    }
}

impl Jetstream {
    /// Whether a message lies at or after the requested start. Some hosts start up to an hour
    /// early, which exceeds the readers' duplicate window. Earlier messages are acknowledged
    /// already or were not requested.
    fn is_requested(&self, time: Option<i64>) -> bool {
        let is_requested = time.is_none() || time >= self.not_before;
        if !is_requested {
            self.context.count_unselected("before_cursor");
        }
        is_requested
    }

    /// The greatest time of a batch. Times far in the future are ignored: the cursor would skip the
    /// messages until then.
    fn latest(&self, times: &[i64]) -> Option<i64> {
        let limit = self.context.now().millis() * 1000 + MAX_CLOCK_SKEW_US;
        times.iter().copied().filter(|time| *time <= limit).max()
    }

    /// Reports a server that starts later than requested, which it does without an error.
    fn report_gap(&mut self, times: &[i64]) {
        let Some(gap_us) = self.position.gap(times) else {
            return;
        };
        let gap_ms = gap_us / 1000;
        let ms = u64::try_from(gap_ms).unwrap_or(0);
        self.context.shared.metrics.gap(self.context.id(), ms);
        self.context.report_error(&SourceError::Gap { gap_ms });
    }
}
