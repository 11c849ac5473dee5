//! The replay loop: chunks of rows into the pipeline, their positions into the cursor.

use std::sync::Arc;
use std::time::Duration;

use moodvane_upstream::table::RecordPosition;

use super::chunk::{Chunk, ChunkFilter, EventTime};
use super::chunks::ChunkReceiver;
use super::open::OpenInput;
use super::pacer::{self, Pacer};
use super::position::FilePosition;
use crate::cursor::CursorSaver;
use crate::error::SourceError;
use crate::pipeline::{Acknowledged, Pipeline};
use crate::source_context::{SourceContext, SourceExit};

pub(super) struct Replay {
    chunks: ChunkReceiver,
    /// The position of a batch is the end of its last row.
    pipeline: Pipeline<RecordPosition>,
    cursor: CursorSaver,
    position: Option<FilePosition>,
    pacer: Pacer,
    /// A chunk that is not due yet, and the uptime at which it is.
    next: Option<(Chunk, Duration)>,
    /// `false` for a compressed file, whose decompressed size is unknown.
    reports_progress: bool,
    context: SourceContext,
}

impl Replay {
    /// Starts to read ahead.
    pub(super) fn start(
        input: OpenInput,
        event_time: EventTime,
        pipeline: Pipeline<RecordPosition>,
    ) -> Result<Self, SourceError> {
        let context = pipeline.context().clone();
        let log = Arc::clone(&context.shared.log);
        let published = context.shared.published.clone();
        let filter = ChunkFilter {
            event_time,
            since: input.config.since,
            max_span_ms: input.config.speed.map(pacer::tick_ms),
        };
        Ok(Self {
            reports_progress: !input.reader.is_compressed(),
            chunks: input.reader.start(filter)?,
            cursor: CursorSaver::new(log, context.id().to_string(), published),
            pacer: Pacer::new(input.config.speed),
            next: None,
            pipeline,
            position: input.position,
            context,
        })
    }

    /// Replays to the end of the input, or until the source is stopped.
    pub(super) async fn run(mut self) -> Result<SourceExit, SourceError> {
        self.context.set_running();
        // Rows may arrive at any time: from a pipe, or at the replay speed.
        self.context.disarm_watchdog();
        self.report_progress();
        let exit = self.read().await;
        // Saves the acknowledged position even if a batch in flight fails.
        self.save_cursor().await;
        let drained = self.drain().await;
        self.save_cursor().await;
        drained.and(exit)
    }

    async fn read(&mut self) -> Result<SourceExit, SourceError> {
        let stop = self.context.shared.stop.clone();
        let clock = Arc::clone(&self.context.shared.clock);
        loop {
            let has_room = self.pipeline.has_room() && !self.cursor.is_behind();
            let wait = self.next.as_ref();
            let wait = wait.map(|(_, due)| due.saturating_sub(clock.uptime()));
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(SourceExit::Stopped),
                // First, so that a crash repeats a bounded number of records.
                () = self.cursor.due() => self.save_cursor().await,
                batch = self.pipeline.next() => self.acknowledge(&batch?),
                () = clock.sleep(wait.unwrap_or_default()), if has_room && wait.is_some() => {
                    self.submit_next();
                }
                chunk = self.chunks.next(), if has_room && wait.is_none() => match chunk? {
                    Some(chunk) => self.schedule(chunk),
                    None => return Ok(SourceExit::Finished),
                },
            }
        }
    }

    fn schedule(&mut self, chunk: Chunk) {
        let uptime = self.context.shared.clock.uptime();
        let due = self.pacer.due(chunk.last_event, uptime);
        self.next = Some((chunk, due));
        if due <= uptime {
            self.submit_next();
        }
    }

    fn submit_next(&mut self) {
        let Some((chunk, _)) = self.next.take() else {
            return;
        };
        self.pipeline.submit(chunk.batch, chunk.next);
    }

    /// Waits for the batches in flight.
    async fn drain(&mut self) -> Result<(), SourceError> {
        while let Some(batch) = self.pipeline.next_pending().await? {
            self.acknowledge(&batch);
        }
        Ok(())
    }

    fn acknowledge(&mut self, batch: &Acknowledged<RecordPosition>) {
        if let Some(position) = &mut self.position {
            self.cursor
                .advance(position.advance(batch.position), batch.records);
        }
        self.report_progress();
    }

    fn report_progress(&self) {
        if let Some(position) = self.position.as_ref().filter(|_| self.reports_progress) {
            self.context
                .stats
                .set_progress(position.byte(), position.size());
        }
    }

    async fn save_cursor(&mut self) {
        if let Err(error) = self.cursor.save().await {
            self.context.report_error(&error.into());
        }
    }
}
