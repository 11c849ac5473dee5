//! Opens the input of a replay at its saved position.

use csv::StringRecord;
use moodvane_upstream::table::TableError;
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
}

/// Opens an input; `None` if the source is stopped meanwhile.
pub(super) async fn open(
    config: &FileConfig,
    context: &SourceContext,
) -> Result<Option<OpenInput>, SourceError> {
    let stop = &context.shared.stop;
    let opened = match &config.input {
        Input::File(_) => stop.run_until_cancelled(open_file(config, context)).await,
        Input::Stdin => stop.run_until_cancelled(open_stdin(config, context)).await,
    };
    opened.transpose()
}

async fn open_file(config: &FileConfig, context: &SourceContext) -> Result<OpenInput, SourceError> {
    let saved = context.shared.log.cursor(context.id().as_str()).await?;
    // A seek in a compressed file decompresses everything before the position.
    context.disarm_watchdog();
    let reader = ChunkReader::open(config.input.clone(), config.format).await?;
    let size = reader.total().unwrap_or(0);
    let position = FilePosition::restore(&config.input.to_string(), size, saved.as_deref())?;
    let reader = reader.seek_to(position.byte()).await?;
    info!(source = %context.id(), path = %config.input, from_byte = position.byte(), total_bytes = size, "file opened");
    Ok(OpenInput {
        reader,
        position: Some(position),
        config: config.clone(),
    })
}

async fn open_stdin(
    config: &FileConfig,
    context: &SourceContext,
) -> Result<OpenInput, SourceError> {
    if context.stats.snapshot().restarts > 0 {
        let reason = "cannot resume after a failure: the rows read before it are gone";
        return Err(file_error(&config.input.to_string(), reason));
    }
    // The first row may take any time.
    context.disarm_watchdog();
    let reader = ChunkReader::open(config.input.clone(), config.format).await?;
    warn!(source = %context.id(), "reading standard input, which cannot be resumed");
    Ok(OpenInput {
        reader,
        position: None,
        config: config.clone(),
    })
}
