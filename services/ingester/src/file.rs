//! Replays a file or standard input once: posts or weather, as fast as the log accepts records or
//! at a multiple of real time.
//!
//! Guarantee: the cursor is the position of the first record that is not acknowledged, in a file of
//! that path and size; a replay resumes there. A file that has changed since is rejected, because
//! the position is no longer valid. The input may be compressed by gzip or zstd. Standard input has
//! no cursor: records that are read and not acknowledged are lost with the process, and after a
//! failure the source does not resume.

mod chunk;
mod chunks;
mod decompress;
mod open;
mod pacer;
mod position;
mod replay;

use std::sync::Arc;

use moodvane_eventlog::NewRecord;
use moodvane_model::{SourceId, Timestamp, Topic};
use moodvane_upstream::table::{PostTableFormat, TableObservation, WeatherTableFormat};
use moodvane_upstream::{OmittedValue, RawMessage};

use self::chunk::EventTime;
pub(crate) use self::chunks::CHUNK_RECORDS;
use self::open::open;
use self::replay::Replay;
use crate::config::{PostFileConfig, WeatherFileConfig};
use crate::error::{BoxError, SourceError};
use crate::formatter::{FormatError, FormattedMessage, PostRecords, RecordFormat};
use crate::metrics::IngesterMetrics;
use crate::pipeline::Pipeline;
use crate::source_context::{SourceContext, SourceExit};

/// More batches in flight are not faster, and a crash would repeat more of them.
pub(crate) const MAX_IN_FLIGHT: usize = 8;

/// Replays posts.
pub(crate) async fn posts(
    config: PostFileConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let mut spec = config.spec;
    let opened = open(&config.file, spec.time.is_auto(), &context).await?;
    let Some(input) = opened else {
        return Ok(SourceExit::Stopped);
    };
    input.detect_times(&mut spec.time, &spec.columns.time, &context)?;
    let selection = Arc::clone(&config.selection);
    let table = PostTableFormat::new(context.id(), selection, &spec, input.header());
    let table = Arc::new(table.map_err(|error| input.error(error))?);
    let times = Arc::clone(&table);
    let event_time: EventTime = Box::new(move |raw| times.event_time(raw));
    let format = Arc::new(PostRecords(table));
    let pipeline = Pipeline::new(limit_in_flight(context), Topic::Tweet, format);
    Replay::start(input, event_time, pipeline)?.run().await
}

/// Replays weather.
pub(crate) async fn weather(
    config: WeatherFileConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let mut spec = config.spec;
    let opened = open(&config.file, spec.time.is_auto(), &context).await?;
    let Some(input) = opened else {
        return Ok(SourceExit::Stopped);
    };
    input.detect_times(&mut spec.time, &spec.columns.time, &context)?;
    let source = (config.city, context.id());
    let table = WeatherTableFormat::new(source, &spec, input.header());
    let table = Arc::new(table.map_err(|error| input.error(error))?);
    let times = Arc::clone(&table);
    let event_time: EventTime = Box::new(move |raw| times.event_time(raw));
    let format = Arc::new(WeatherRecords {
        table,
        metrics: context.shared.metrics.clone(),
        source: context.id(),
    });
    let pipeline = Pipeline::new(limit_in_flight(context), Topic::Temperature, format);
    Replay::start(input, event_time, pipeline)?.run().await
}

/// Converts rows to records of topic `temperature`. Counts the side values that a record lacks.
struct WeatherRecords {
    table: Arc<WeatherTableFormat>,
    metrics: IngesterMetrics,
    source: SourceId,
}

impl RecordFormat for WeatherRecords {
    fn format(
        &self,
        raw: &RawMessage,
        _: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<FormattedMessage, FormatError> {
        let TableObservation {
            observation,
            omitted,
        } = self.table.parse(raw)?;
        for OmittedValue {
            variable, reason, ..
        } in &omitted
        {
            self.metrics.omitted(self.source, *variable, *reason, 1);
        }
        out.push(NewRecord {
            key: observation.identity().into_bytes(),
            value: observation.to_json().map_err(FormatError::Encoding)?,
        });
        Ok(FormattedMessage {
            event: Some(observation.observed_at),
            omitted,
        })
    }
}

fn limit_in_flight(mut context: SourceContext) -> SourceContext {
    let in_flight = &mut context.shared.batches_in_flight;
    *in_flight = (*in_flight).min(MAX_IN_FLIGHT);
    context
}

fn file_error(path: &str, cause: impl Into<BoxError>) -> SourceError {
    SourceError::File {
        path: path.to_owned(),
        source: cause.into(),
    }
}
