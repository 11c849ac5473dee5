//! Replays files, and standard input: posts or weather, once, as fast as the log takes them or at the
//! pace at which they happened.
//!
//! Guarantee: the cursor is the byte at which the first record begins that is not acknowledged, of
//! a file of that path and size; a replay goes on there. A file that has changed since is refused,
//! for a place in it would mean something else. What comes may be packed by gzip or zstd. Standard
//! input has no cursor: what was read of it and is not acknowledged is lost with the process, and a
//! source that fails does not go on with it.

mod pace;
mod place;
mod reader;
mod unpacked;

use std::sync::Arc;
use std::time::Duration;

use moodvane_eventlog::NewRecord;
use moodvane_model::{Timestamp, Topic};
use moodvane_upstream::RawMessage;
use moodvane_upstream::table::{PostTableFormat, TableError, WeatherTableFormat};
use tracing::{info, warn};

use self::pace::Pace;
use self::place::Place;
use self::reader::{Chunk, Gate, Reading, Rows, TimeOf};
use crate::config::{FileConfig, Input, PostFileConfig, WeatherFileConfig};
use crate::cursor::CursorKeeper;
use crate::error::SourceError;
use crate::formatter::{PostRecords, RecordFormat};
use crate::pipeline::{Acknowledged, Pipeline};
use crate::source_context::{SourceContext, SourceExit};

/// More batches in flight bring nothing, and would be more than a crash may repeat.
const MAX_IN_FLIGHT: usize = 8;

/// Replays posts.
pub(crate) async fn posts(
    config: PostFileConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let Some(opened) = open(&config.file, &context).await? else {
        return Ok(SourceExit::Stopped);
    };
    let header = opened.reading.header();
    let table = PostTableFormat::new(
        context.id(),
        Arc::clone(&config.selection),
        &config.spec,
        header,
    );
    let table = Arc::new(table.map_err(|error| opened.refused(&error))?);
    let times = Arc::clone(&table);
    let time_of: TimeOf = Box::new(move |raw| times.event_time(raw));
    let format = Arc::new(PostRecords(table));
    let pipeline = Pipeline::new(limited(context), Topic::Tweet, format);
    opened.replay(time_of, pipeline)?.live().await
}

/// Replays weather.
pub(crate) async fn weather(
    config: WeatherFileConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let Some(opened) = open(&config.file, &context).await? else {
        return Ok(SourceExit::Stopped);
    };
    let header = opened.reading.header();
    let table = WeatherTableFormat::new((config.city, context.id()), &config.spec, header);
    let table = Arc::new(table.map_err(|error| opened.refused(&error))?);
    let times = Arc::clone(&table);
    let time_of: TimeOf = Box::new(move |raw| times.event_time(raw));
    let format = Arc::new(WeatherRecords(table));
    let pipeline = Pipeline::new(limited(context), Topic::Temperature, format);
    opened.replay(time_of, pipeline)?.live().await
}

struct WeatherRecords(Arc<WeatherTableFormat>);

impl RecordFormat for WeatherRecords {
    fn format(
        &self,
        raw: &RawMessage,
        _: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<Option<Timestamp>, &'static str> {
        let observation = self.0.parse(raw).map_err(|reason| reason.label())?;
        out.push(NewRecord {
            key: observation.identity().into_bytes(),
            value: observation.to_json().map_err(|_| "encoding")?,
        });
        Ok(Some(observation.observed_at))
    }
}

fn limited(mut context: SourceContext) -> SourceContext {
    let in_flight = &mut context.shared.batches_in_flight;
    *in_flight = (*in_flight).min(MAX_IN_FLIGHT);
    context
}

fn refused(name: &str, error: &TableError) -> SourceError {
    SourceError::File {
        path: name.to_owned(),
        reason: error.to_string(),
    }
}

/// An input, at the place where it is gone on with.
struct Opened {
    reading: Reading,
    /// Where standard input stands is of no use to anybody.
    place: Option<Place>,
    file: FileConfig,
}

/// Opens an input; `None` where the source is told to stop meanwhile.
async fn open(file: &FileConfig, context: &SourceContext) -> Result<Option<Opened>, SourceError> {
    let stop = &context.shared.stop;
    let opened = match &file.input {
        Input::File(_) => stop.run_until_cancelled(open_file(file, context)).await,
        Input::Stdin => stop.run_until_cancelled(open_stdin(file, context)).await,
    };
    opened.transpose()
}

async fn open_file(file: &FileConfig, context: &SourceContext) -> Result<Opened, SourceError> {
    let saved = context.shared.log.cursor(context.id().as_str()).await?;
    // The way to a place in a packed file may be long.
    context.disarm_watchdog();
    let reading = Reading::open(file.input.clone(), file.format).await?;
    let size = reading.total().unwrap_or(0);
    let place = Place::restore(&file.input.to_string(), size, saved.as_deref())?;
    let reading = reading.seek_to(place.at()).await?;
    info!(source = %context.id(), path = %file.input, from_byte = place.at(), total_bytes = size, "file opened");
    Ok(Opened {
        reading,
        place: Some(place),
        file: file.clone(),
    })
}

async fn open_stdin(file: &FileConfig, context: &SourceContext) -> Result<Opened, SourceError> {
    if context.stats.snapshot().restarts > 0 {
        let reason = "what was read of it before a failure does not come again, so that it cannot be gone on with";
        return Err(SourceError::File {
            path: file.input.to_string(),
            reason: reason.to_owned(),
        });
    }
    // Its first row may take any time.
    context.disarm_watchdog();
    let reading = Reading::open(file.input.clone(), file.format).await?;
    warn!(source = %context.id(), "standard input is read, which cannot be resumed");
    Ok(Opened {
        reading,
        place: None,
        file: file.clone(),
    })
}

impl Opened {
    fn refused(&self, error: &TableError) -> SourceError {
        refused(&self.file.input.to_string(), error)
    }

    fn replay(self, time_of: TimeOf, pipeline: Pipeline<u64>) -> Result<Replay, SourceError> {
        let context = pipeline.context().clone();
        let log = Arc::clone(&context.shared.log);
        let gate = Gate {
            time_of,
            since: self.file.since,
            tick_ms: self.file.speed.map(pace::tick_ms),
        };
        Ok(Replay {
            shows_progress: !self.reading.is_packed(),
            rows: self.reading.start(gate)?,
            cursor: CursorKeeper::new(log, context.id().to_string()),
            pace: Pace::new(self.file.speed),
            next: None,
            pipeline,
            place: self.place,
            context,
        })
    }
}

struct Replay {
    rows: Rows,
    /// Marked with the byte at which the rows behind a batch begin.
    pipeline: Pipeline<u64>,
    cursor: CursorKeeper,
    place: Option<Place>,
    pace: Pace,
    /// Rows whose time has not come, and the uptime at which it does.
    next: Option<(Chunk, Duration)>,
    /// Of a packed file nobody knows how much is to come.
    shows_progress: bool,
    context: SourceContext,
}

impl Replay {
    async fn live(mut self) -> Result<SourceExit, SourceError> {
        self.context.set_running();
        // Its rows may come at any time: from a pipe, or at the pace at which they were written.
        self.context.disarm_watchdog();
        self.show_progress();
        let ended = self.read().await;
        // Save what is acknowledged, whatever becomes of what is still in flight.
        self.save().await;
        let rested = self.rest().await;
        self.save().await;
        rested.and(ended)
    }

    async fn read(&mut self) -> Result<SourceExit, SourceError> {
        let stop = self.context.shared.stop.clone();
        let clock = Arc::clone(&self.context.shared.clock);
        loop {
            let room = self.pipeline.has_room();
            let wait = self.next.as_ref();
            let wait = wait.map(|(_, due)| due.saturating_sub(clock.uptime()));
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(SourceExit::Stopped),
                // Before more is noted, so that a crash repeats a bounded part.
                () = self.cursor.due() => self.save().await,
                batch = self.pipeline.next() => self.acknowledged(&batch?),
                () = clock.sleep(wait.unwrap_or_default()), if room && wait.is_some() => {
                    self.take_next();
                }
                chunk = self.rows.next(), if room && wait.is_none() => match chunk? {
                    Some(chunk) => self.read_ahead(chunk),
                    None => return Ok(SourceExit::Finished),
                },
            }
        }
    }

    fn read_ahead(&mut self, chunk: Chunk) {
        let uptime = self.context.shared.clock.uptime();
        let due = self.pace.due(chunk.at, uptime);
        self.next = Some((chunk, due));
        if due <= uptime {
            self.take_next();
        }
    }

    fn take_next(&mut self) {
        let Some((chunk, _)) = self.next.take() else {
            return;
        };
        let metrics = &self.context.shared.metrics;
        for (reason, n) in &chunk.dropped {
            metrics.seen(self.context.id(), *n);
            metrics.dropped(self.context.id(), reason, *n);
        }
        self.pipeline.submit(chunk.raws, chunk.next);
    }

    async fn rest(&mut self) -> Result<(), SourceError> {
        while let Some(batch) = self.pipeline.next_pending().await? {
            self.acknowledged(&batch);
        }
        Ok(())
    }

    fn acknowledged(&mut self, batch: &Acknowledged<u64>) {
        if let Some(place) = &mut self.place {
            self.cursor
                .note(place.advance(batch.position), batch.records);
        }
        self.show_progress();
    }

    fn show_progress(&self) {
        if let Some(place) = self.place.as_ref().filter(|_| self.shows_progress) {
            self.context.stats.set_progress(place.at(), place.total());
        }
    }

    async fn save(&mut self) {
        if let Err(error) = self.cursor.save().await {
            self.context.report_error(&error.into());
        }
    }
}
