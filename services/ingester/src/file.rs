//! Replays a file: posts or weather, as fast as the log takes them, once.
//!
//! Guarantee: the cursor is the byte at which the first record begins that is not acknowledged, of
//! a file of that path and size; a replay goes on there. A file that has changed since is refused,
//! for a place in it would mean something else. A file may be packed by gzip or zstd.

mod place;
mod reader;
mod unpacked;

use std::path::Path;
use std::sync::Arc;

use moodvane_eventlog::NewRecord;
use moodvane_model::{Timestamp, Topic};
use moodvane_upstream::Raw;
use moodvane_upstream::table::{PostTable, TableError, TableKind, WeatherTable};
use tracing::info;

use self::place::Place;
use self::reader::{Reading, Rows};
use crate::config::{PostFileConfig, WeatherFileConfig};
use crate::cursor::CursorKeeper;
use crate::desk::{Desk, End};
use crate::error::SourceError;
use crate::formatter::{PostRecords, RecordFormat};
use crate::pipeline::{Acknowledged, Pipeline};

/// More batches in flight bring nothing, and would be more than a crash may repeat.
const MAX_IN_FLIGHT: usize = 8;

/// Replays a file of posts.
pub(crate) async fn posts(config: PostFileConfig, desk: Desk) -> Result<End, SourceError> {
    let (reading, place) = open(&config.path, config.format, &desk).await?;
    let selection = Arc::clone(&config.selection);
    let table = PostTable::new(desk.id(), selection, &config.spec, reading.header())
        .map_err(|error| refused(&config.path, &error))?;
    let format = Arc::new(PostRecords(Arc::new(table)));
    replay(
        reading,
        place,
        Pipeline::new(limited(desk), Topic::Tweet, format),
    )
    .await
}

/// Replays a file of weather.
pub(crate) async fn weather(config: WeatherFileConfig, desk: Desk) -> Result<End, SourceError> {
    let (reading, place) = open(&config.path, config.format, &desk).await?;
    let table = WeatherTable::new((config.city, desk.id()), &config.spec, reading.header())
        .map_err(|error| refused(&config.path, &error))?;
    let format = Arc::new(WeatherRecords(table));
    replay(
        reading,
        place,
        Pipeline::new(limited(desk), Topic::Temperature, format),
    )
    .await
}

struct WeatherRecords(WeatherTable);

impl RecordFormat for WeatherRecords {
    fn format(
        &self,
        raw: &Raw,
        _: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<Option<Timestamp>, &'static str> {
        let observation = self.0.read(raw).map_err(|dropped| dropped.reason())?;
        out.push(NewRecord {
            key: observation.identity().into_bytes(),
            value: observation.to_json().map_err(|_| "encoding")?,
        });
        Ok(Some(observation.observed_at))
    }
}

fn limited(mut desk: Desk) -> Desk {
    let in_flight = &mut desk.shared.batches_in_flight;
    *in_flight = (*in_flight).min(MAX_IN_FLIGHT);
    desk
}

fn refused(path: &Path, error: &TableError) -> SourceError {
    SourceError::File {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

async fn open(path: &Path, kind: TableKind, desk: &Desk) -> Result<(Reading, Place), SourceError> {
    let saved = desk.shared.log.cursor(desk.id().as_str()).await?;
    let reading = Reading::open(path.to_owned(), kind).await?;
    let place = Place::restore(path, reading.total(), saved.as_deref())?;
    let reading = reading.seek_to(place.at()).await?;
    info!(source = %desk.id(), path = %path.display(), from_byte = place.at(), total_bytes = reading.total(), "file opened");
    Ok((reading, place))
}

async fn replay(
    reading: Reading,
    place: Place,
    pipeline: Pipeline<u64>,
) -> Result<End, SourceError> {
    let desk = pipeline.desk().clone();
    let log = Arc::clone(&desk.shared.log);
    let replay = Replay {
        shows_progress: !reading.is_packed(),
        rows: reading.start(),
        cursor: CursorKeeper::new(log, desk.id().to_string()),
        pipeline,
        place,
        desk,
    };
    replay.live().await
}

struct Replay {
    rows: Rows,
    /// Marked with the byte at which the rows behind a batch begin.
    pipeline: Pipeline<u64>,
    cursor: CursorKeeper,
    place: Place,
    /// Of a packed file nobody knows how much is to come.
    shows_progress: bool,
    desk: Desk,
}

impl Replay {
    async fn live(mut self) -> Result<End, SourceError> {
        self.desk.running();
        // Its rows may come at any time: from a pipe, or at the pace at which they were written.
        self.desk.waits();
        self.show_progress();
        let ended = self.read().await;
        // Save what is acknowledged, whatever becomes of what is still in flight.
        self.save().await;
        let rested = self.rest().await;
        self.save().await;
        rested.and(ended)
    }

    async fn read(&mut self) -> Result<End, SourceError> {
        let stop = self.desk.shared.stop.clone();
        loop {
            let room = self.pipeline.has_room();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                // Before more is noted, so that a crash repeats a bounded part.
                () = self.cursor.due() => self.save().await,
                batch = self.pipeline.next() => self.acknowledged(&batch?),
                chunk = self.rows.next(), if room => match chunk? {
                    Some(chunk) => self.take(chunk),
                    None => return Ok(End::Finished),
                },
            }
        }
    }

    fn take(&mut self, chunk: reader::Chunk) {
        let metrics = &self.desk.shared.metrics;
        for (reason, n) in &chunk.dropped {
            metrics.seen(self.desk.id(), *n);
            metrics.dropped(self.desk.id(), reason, *n);
        }
        self.pipeline.take(chunk.raws, chunk.next);
    }

    async fn rest(&mut self) -> Result<(), SourceError> {
        while let Some(batch) = self.pipeline.rest().await? {
            self.acknowledged(&batch);
        }
        Ok(())
    }

    fn acknowledged(&mut self, batch: &Acknowledged<u64>) {
        self.cursor
            .note(self.place.advance(batch.mark), batch.records);
        self.show_progress();
    }

    fn show_progress(&self) {
        if !self.shows_progress {
            return;
        }
        self.desk
            .cell
            .set_progress(self.place.at(), self.place.total());
    }

    async fn save(&mut self) {
        if let Err(error) = self.cursor.save().await {
            self.desk.note(&error.into());
        }
    }
}
