//! Reads a file on a thread where it may block, a bounded number of chunks ahead.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;

use csv::StringRecord;
use moodvane_upstream::Raw;
use moodvane_upstream::table::{RecordReader, TableError, TableKind};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use super::refused;
use super::unpacked::Unpacked;
use crate::error::SourceError;

/// Large, so that a batch's fixed costs are shared by many; bounded, since a crash may repeat it.
const CHUNK_RECORDS: usize = 2_000;
/// A chunk ends earlier where its records are long.
const CHUNK_BYTES: u64 = 4 << 20;
const CHUNKS_AHEAD: usize = 2;
const BUFFER_BYTES: usize = 256 << 10;

/// Records of a file, in order.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) raws: Vec<Raw>,
    /// What could not be read, by reason.
    pub(super) dropped: BTreeMap<&'static str, u64>,
    /// The byte at which the next chunk begins.
    pub(super) next: u64,
}

/// An open file.
pub(super) struct Reading {
    path: PathBuf,
    total: u64,
    is_packed: bool,
    reader: RecordReader<BufReader<Unpacked>>,
}

impl Reading {
    pub(super) async fn open(path: PathBuf, kind: TableKind) -> Result<Self, SourceError> {
        blocking(move || {
            let open = || {
                // To open a named pipe would wait for ever for somebody to write to it.
                if !std::fs::metadata(&path)?.is_file() {
                    return Err(io::Error::other("it is not a regular file").into());
                }
                let file = File::open(&path)?;
                let total = file.metadata()?.len();
                let unpacked = Unpacked::of(file)?;
                let is_packed = unpacked.is_packed();
                let buffered = BufReader::with_capacity(BUFFER_BYTES, unpacked);
                Ok((total, is_packed, RecordReader::new(buffered, kind)?))
            };
            let opened = open().map_err(|error: TableError| refused(&path, &error));
            let (total, is_packed, reader) = opened?;
            Ok(Self {
                path,
                total,
                is_packed,
                reader,
            })
        })
        .await
    }

    /// Whether places in it are not those of the file's own bytes.
    pub(super) fn is_packed(&self) -> bool {
        self.is_packed
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn header(&self) -> Option<&StringRecord> {
        self.reader.header()
    }

    pub(super) async fn seek_to(mut self, at: u64) -> Result<Self, SourceError> {
        blocking(move || {
            if at > 0 {
                let sought = self.reader.seek_to(at);
                sought.map_err(|error| refused(&self.path, &error))?;
            }
            Ok(self)
        })
        .await
    }

    /// Begins to read ahead.
    pub(super) fn start(self) -> Rows {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        Rows {
            chunks,
            thread: Some(spawn_blocking(move || self.read_all(&sender))),
        }
    }

    fn read_all(mut self, chunks: &mpsc::Sender<Chunk>) -> Result<(), SourceError> {
        loop {
            let chunk = self.read_chunk();
            let chunk = chunk.map_err(|error| refused(&self.path, &error))?;
            let Some(chunk) = chunk else {
                return Ok(());
            };
            if chunks.blocking_send(chunk).is_err() {
                // Nobody reads any more.
                return Ok(());
            }
        }
    }

    fn read_chunk(&mut self) -> Result<Option<Chunk>, TableError> {
        let mut chunk = Chunk {
            raws: Vec::with_capacity(CHUNK_RECORDS),
            next: self.reader.position(),
            ..Chunk::default()
        };
        let begin = chunk.next;
        for read in 0..CHUNK_RECORDS {
            if chunk.next - begin > CHUNK_BYTES {
                break;
            }
            let Some(record) = self.reader.next_record()? else {
                return Ok((read > 0).then_some(chunk));
            };
            chunk.next = record.next;
            match record.content {
                Ok(raw) => chunk.raws.push(raw),
                Err(dropped) => *chunk.dropped.entry(dropped.reason()).or_default() += 1,
            }
        }
        Ok(Some(chunk))
    }
}

/// The chunks of a file, as they are read.
pub(super) struct Rows {
    chunks: mpsc::Receiver<Chunk>,
    thread: Option<JoinHandle<Result<(), SourceError>>>,
}

impl Rows {
    /// The next chunk; `None` at the file's end. Loses nothing where it is dropped unready.
    pub(super) async fn next(&mut self) -> Result<Option<Chunk>, SourceError> {
        if let Some(chunk) = self.chunks.recv().await {
            return Ok(Some(chunk));
        }
        let Some(thread) = &mut self.thread else {
            return Ok(None);
        };
        let read = thread.await;
        self.thread = None;
        read.map_err(|_| SourceError::Gone("file's reader"))??;
        Ok(None)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    spawn_blocking(work)
        .await
        .map_err(|_| SourceError::Gone("file's reader"))?
}
