//! A stream of lines over HTTP, which lasts as long as it may.
//!
//! Terms: a *protocol* says what a line means; a *mark* says where the source stands once a batch is
//! acknowledged. Guarantee: while as many batches are in flight as may be, the socket is not read; a
//! silence longer than the protocol allows ends the stream; what came before an error is taken; a line
//! that is too long, cut off or not UTF-8 is counted and harms no other.

mod lines;

use std::time::Duration;

use futures::FutureExt;
use moodvane_upstream::RawMessage;
use reqwest::Response;

use self::lines::Lines;
use crate::error::SourceError;
use crate::http;
use crate::pipeline::{Acknowledged, Pipeline};
use crate::source_context::{SourceContext, SourceExit};

/// What the lines of a stream mean.
pub(crate) trait Protocol {
    /// Where the source stands.
    type Mark: 'static;

    /// Takes a line; appends the raw messages that it completes.
    ///
    /// # Errors
    /// [`SourceError`] where the line says that the stream ends.
    fn line(&mut self, line: &str, out: &mut Vec<RawMessage>) -> Result<(), SourceError>;

    /// Where the source stands after these messages.
    fn mark(&self, raws: &[RawMessage]) -> Self::Mark;

    /// Whether more may be read.
    ///
    /// # Errors
    /// [`SourceError`] where no more may be read.
    async fn may_read(&mut self) -> Result<(), SourceError> {
        Ok(())
    }

    /// A batch is durable.
    fn acknowledged(&mut self, _: Acknowledged<Self::Mark>) {}

    /// Waits until there is something to save and it is time.
    async fn due(&self) {
        std::future::pending().await
    }

    /// Saves what was noted.
    async fn save(&mut self) {}
}

/// A stream that is being read.
pub(crate) struct Listening<P: Protocol> {
    body: Response,
    lines: Lines,
    protocol: P,
    pipeline: Pipeline<P::Mark>,
    /// The uptime at which something was heard last.
    heard: Duration,
    /// The longest silence.
    idle: Duration,
    context: SourceContext,
}

impl<P: Protocol> Listening<P> {
    pub(crate) fn new(
        body: Response,
        protocol: P,
        pipeline: Pipeline<P::Mark>,
        idle: Duration,
    ) -> Self {
        let context = pipeline.context().clone();
        Self {
            body,
            lines: Lines::default(),
            protocol,
            pipeline,
            heard: context.shared.clock.uptime(),
            idle,
            context,
        }
    }

    /// Reads until the stream breaks or the source is to stop.
    pub(crate) async fn live(mut self) -> Result<SourceExit, SourceError> {
        let ended = self.read().await;
        // Save what is acknowledged, whatever becomes of what is still in flight.
        self.protocol.save().await;
        let rested = self.rest().await;
        self.protocol.save().await;
        rested.and(ended)
    }

    async fn read(&mut self) -> Result<SourceExit, SourceError> {
        let (stop, clock) = (
            self.context.shared.stop.clone(),
            self.context.shared.clock.clone(),
        );
        loop {
            let room = self.pipeline.has_room();
            if room {
                self.protocol.may_read().await?;
                self.context.arm_watchdog(self.idle);
            } else {
                self.context.disarm_watchdog();
            }
            let silence = (self.heard + self.idle).saturating_sub(clock.uptime());
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(SourceExit::Stopped),
                batch = self.pipeline.next() => {
                    self.protocol.acknowledged(batch?);
                    if !room {
                        // Silence counts only while we listen.
                        self.heard = clock.uptime();
                    }
                }
                () = self.protocol.due() => self.protocol.save().await,
                part = self.body.chunk(), if room => self.heard(part)?,
                () = clock.sleep(silence), if room => return Err(SourceError::Idle(self.idle)),
            }
        }
    }

    async fn rest(&mut self) -> Result<(), SourceError> {
        self.context.disarm_watchdog();
        while let Some(batch) = self.pipeline.next_pending().await? {
            self.protocol.acknowledged(batch);
        }
        Ok(())
    }

    /// Takes a part of the stream and those that are there already, as far as a batch goes.
    fn heard<B: AsRef<[u8]>>(
        &mut self,
        part: Result<Option<B>, reqwest::Error>,
    ) -> Result<(), SourceError> {
        self.heard = self.context.shared.clock.uptime();
        let mut raws = Vec::new();
        let mut ended = self.take(part, &mut raws);
        while ended.is_ok() && raws.len() < self.context.shared.batch_posts {
            let Some(part) = self.body.chunk().now_or_never() else {
                break;
            };
            ended = self.take(part, &mut raws);
        }
        if !raws.is_empty() {
            let mark = self.protocol.mark(&raws);
            self.pipeline.submit(raws, mark);
        }
        ended
    }

    fn take<B: AsRef<[u8]>>(
        &mut self,
        part: Result<Option<B>, reqwest::Error>,
        raws: &mut Vec<RawMessage>,
    ) -> Result<(), SourceError> {
        let part = match part {
            Ok(Some(part)) => part,
            Ok(None) => return Err(self.cut(SourceError::Closed)),
            Err(error) => {
                let error = SourceError::Stream(http::failed(error).to_string());
                return Err(self.cut(error));
            }
        };
        self.lines.feed(part.as_ref());
        while let Some(line) = self.lines.next() {
            match line {
                Ok(line) => self.protocol.line(&line, raws)?,
                Err(fault) => self.context.count_dropped(fault.reason()),
            }
        }
        Ok(())
    }

    /// The stream ended; what it had begun to say is lost.
    fn cut(&mut self, error: SourceError) -> SourceError {
        if self.lines.is_within_one() {
            self.context.count_dropped("cut_off");
        }
        error
    }
}
