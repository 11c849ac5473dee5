//! Opens the input of a replay at its saved position.

use csv::StringRecord;
use moodvane_upstream::table::{TableError, TimeFormat};
use tracing::{info, warn};

use super::chunks::ChunkReader;
use super::file_error;
use super::position::FilePosition;
use crate::config::{FileConfig, Input};
use crate::error::SourceError;
use crate::source_context::SourceContext;

/// An open input, positioned at the first record to replay.
pub(super) struct OpenInput {
    pub(super) reader: ChunkReader,
    /// `None` for standard input, which cannot be resumed.
    pub(super) position: Option<FilePosition>,
    pub(super) config: FileConfig,
}

impl OpenInput {
    pub(super) fn header(&self) -> Option<&StringRecord> {
        self.reader.header()
    }

    pub(super) fn error(&self, error: TableError) -> SourceError {
        file_error(&self.config.input.to_string(), error)
    }

    /// Finds the format of the times in a column of the sampled rows, if it is to be found, and
    /// reports it.
    pub(super) fn detect_times(
        &self,
        time: &mut TimeFormat,
        column: &str,
        context: &SourceContext,
    ) -> Result<(), SourceError> {
        let sample = self.reader.sampled_values(column);
        let found = time.detect_auto(column, sample.iter().map(String::as_str));
        if let Some(found) = found.map_err(|error| self.error(error))? {
            let format = found.to_string();
            info!(source = %context.id(), path = %self.config.input, column, format, "format of times found");
            context.stats.set_time_format(format);
        }
        Ok(())
    }
}

/// Opens an input, and samples its first rows if `sampled`; `None` if the source is stopped
/// meanwhile.
pub(super) async fn open(
    config: &FileConfig,
    sampled: bool,
    context: &SourceContext,
) -> Result<Option<OpenInput>, SourceError> {
    let stop = &context.shared.stop;
    let opened = match &config.input {
        Input::File(_) => {
            let open = open_file(config, sampled, context);
            stop.run_until_cancelled(open).await
        }
        Input::Stdin => {
            let open = open_stdin(config, sampled, context);
            stop.run_until_cancelled(open).await
        }
    };
    opened.transpose()
}

async fn open_reader(config: &FileConfig, sampled: bool) -> Result<ChunkReader, SourceError> {
    let reader = ChunkReader::open(config.input.clone(), config.format).await?;
    if sampled {
        return reader.sample().await;
    }
    Ok(reader)
}

async fn open_file(
    config: &FileConfig,
    sampled: bool,
    context: &SourceContext,
) -> Result<OpenInput, SourceError> {
    let saved = context.shared.log.cursor(context.id().as_str()).await?;
    // A seek in a compressed file decompresses everything before the position.
    context.disarm_watchdog();
    let reader = open_reader(config, sampled).await?;
    let size = reader.total().unwrap_or(0);
    let position = FilePosition::restore(&config.input.to_string(), size, saved.as_deref())?;
    let reader = reader.seek_to(position.byte(), position.lines()).await?;
    if position.byte() > 0 {
        context.stats.set_resumed_at(reader.next_line());
    }
    info!(source = %context.id(), path = %config.input, from_byte = position.byte(), total_bytes = size, "file opened");
    Ok(OpenInput {
        reader,
        position: Some(position),
        config: config.clone(),
    })
}

async fn open_stdin(
    config: &FileConfig,
    sampled: bool,
    context: &SourceContext,
) -> Result<OpenInput, SourceError> {
    if context.stats.snapshot().restarts > 0 {
        let reason = "cannot resume after a failure: the rows read before it are gone";
        return Err(file_error(&config.input.to_string(), reason));
    }
    // The first row may take any time.
    context.disarm_watchdog();
    let reader = open_reader(config, sampled).await?;
    warn!(source = %context.id(), "reading standard input, which cannot be resumed");
    Ok(OpenInput {
        reader,
        position: None,
        config: config.clone(),
    })
}
