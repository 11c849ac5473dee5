//! Reads chunks of rows on a blocking thread, a bounded number ahead.
//!
//! Guarantee: a chunk ends where the next row's event time is too much later, and where an input
//! that is still being written has no more rows for now, so that available rows do not wait for
//! future ones. Shutdown never waits for the thread: one that blocks on a silent input ends with
//! the process.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::thread;

use csv::StringRecord;
use moodvane_upstream::table::{
    Record, RecordPosition, RecordReader, SAMPLE_ROWS, TableError, TableKind, column_value,
};
use tokio::sync::{mpsc, oneshot};

use super::chunk::{Chunk, ChunkFilter, TimedRecord};
use super::decompress::DecodedInput;
use super::file_error;
use crate::config::Input;
use crate::error::SourceError;

/// Large, to spread the fixed costs of a batch; bounded, because a crash may repeat a chunk.
pub(crate) const CHUNK_RECORDS: usize = 2_000;
/// A chunk of long records ends earlier.
const CHUNK_BYTES: u64 = 4 << 20;
const CHUNKS_AHEAD: usize = 2;
const BUFFER_BYTES: usize = 256 << 10;
/// A sample of long records ends earlier than at its number of rows.
const SAMPLE_BYTES: u64 = 4 << 20;

/// An open input that reads chunk by chunk.
pub(super) struct ChunkReader {
    name: String,
    /// Size in bytes; `None` for a stream.
    total: Option<u64>,
    is_compressed: bool,
    reader: RecordReader<BufReader<DecodedInput>>,
    /// The first record of the next chunk, if it is read already.
    ahead: Option<TimedRecord>,
    /// The first records of the input, if they were sampled.
    sampled: VecDeque<Record>,
    /// As sampled, of an input that is continued after them.
    passed: VecDeque<Record>,
    /// Position of the next chunk.
    next: RecordPosition,
}

impl ChunkReader {
    pub(super) async fn open(input: Input, kind: TableKind) -> Result<Self, SourceError> {
        run_on_thread(move || match &input {
            Input::File(path) => Self::from_file(path, kind),
            Input::Stdin => Self::from_stream(input.to_string(), io::stdin(), kind),
        })
        .await
    }

    fn from_file(path: &Path, kind: TableKind) -> Result<Self, SourceError> {
        let open = || {
            // Opening a named pipe would block until a process opens it for writing.
            if !std::fs::metadata(path)?.is_file() {
                return Err(io::Error::other("not a regular file"));
            }
            let file = File::open(path)?;
            let total = file.metadata()?.len();
            Ok((DecodedInput::from_file(file)?, total))
        };
        let name = path.display().to_string();
        let (input, total) = open().map_err(|error| file_error(&name, error))?;
        Self::new(name, input, Some(total), kind)
    }

    fn from_stream(
        name: String,
        stream: impl Read + Send + 'static,
        kind: TableKind,
    ) -> Result<Self, SourceError> {
        let input = DecodedInput::from_stream(stream);
        let input = input.map_err(|error| file_error(&name, error))?;
        Self::new(name, input, None, kind)
    }

    fn new(
        name: String,
        input: DecodedInput,
        total: Option<u64>,
        kind: TableKind,
    ) -> Result<Self, SourceError> {
        let is_compressed = input.is_compressed();
        let buffered = BufReader::with_capacity(BUFFER_BYTES, input);
        let reader = RecordReader::new(buffered, kind);
        let reader = reader.map_err(|error| file_error(&name, error))?;
        Ok(Self {
            name,
            total,
            is_compressed,
            next: reader.position(),
            reader,
            ahead: None,
            sampled: VecDeque::new(),
            passed: VecDeque::new(),
        })
    }

    /// Whether positions refer to decompressed bytes.
    pub(super) fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn header(&self) -> Option<&StringRecord> {
        self.reader.header()
    }

    /// Reads the first rows, at least one, and keeps them; returns those of a stream that are
    /// available.
    pub(super) async fn sample(mut self) -> Result<Self, SourceError> {
        run_on_thread(move || {
            let sampled = self.read_sample();
            sampled.map_err(|error| file_error(&self.name, error))?;
            Ok(self)
        })
        .await
    }

    fn read_sample(&mut self) -> Result<(), TableError> {
        while self.sampled.len() < SAMPLE_ROWS && self.reader.position().byte < SAMPLE_BYTES {
            if !self.sampled.is_empty() && self.stream_may_block() {
                break;
            }
            let Some(record) = self.reader.next_record()? else {
                break;
            };
            self.sampled.push_back(record);
        }
        Ok(())
    }

    /// The values of a column in the sampled rows.
    pub(super) fn sampled_values(&self, column: &str) -> Vec<String> {
        let rows = self.sampled.iter().chain(&self.passed);
        let rows = rows.filter_map(|record| record.content.as_ref().ok());
        rows.filter_map(|raw| column_value(raw, self.header(), column))
            .collect()
    }

    /// Continues at a saved position. Without its line, the lines before it are counted.
    pub(super) async fn seek_to(
        mut self,
        byte: u64,
        lines: Option<u64>,
    ) -> Result<Self, SourceError> {
        run_on_thread(move || {
            if byte > 0 {
                let sought = self.seek(byte, lines);
                sought.map_err(|error| file_error(&self.name, error))?;
                self.passed = std::mem::take(&mut self.sampled);
                self.next = self.reader.position();
            }
            Ok(self)
        })
        .await
    }

    fn seek(&mut self, byte: u64, lines: Option<u64>) -> Result<(), TableError> {
        let lines = match lines {
            Some(lines) => lines,
            None => {
                self.reader.seek_to(RecordPosition::default())?;
                while self.reader.position().byte < byte && self.reader.next_record()?.is_some() {}
                self.reader.position().lines
            }
        };
        self.reader.seek_to(RecordPosition { byte, lines })
    }

    /// The number of the line at which reading starts, from 1.
    pub(super) fn next_line(&self) -> u64 {
        self.next.lines + 1
    }

    /// Starts to read ahead.
    pub(super) fn start(mut self, filter: ChunkFilter) -> Result<ChunkReceiver, SourceError> {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        spawn_thread(move || {
            loop {
                let chunk = self.read_chunk(&filter);
                let chunk = chunk.map_err(|error| file_error(&self.name, error));
                let is_last = !matches!(chunk, Ok(Some(_)));
                // Sending fails if the receiver is dropped.
                if sender.blocking_send(chunk).is_err() || is_last {
                    return;
                }
            }
        })?;
        Ok(ChunkReceiver { chunks })
    }

    fn read_chunk(&mut self, filter: &ChunkFilter) -> Result<Option<Chunk>, TableError> {
        let start = self.next;
        let mut chunk = Chunk {
            next: start,
            ..Chunk::default()
        };
        chunk.batch.raws.reserve(CHUNK_RECORDS);
        chunk.batch.lines.reserve(CHUNK_RECORDS);
        let mut first_event = None;
        for read in 0..CHUNK_RECORDS {
            let is_full = chunk.next.byte - start.byte > CHUNK_BYTES;
            if is_full || (read > 0 && self.may_block()) {
                break;
            }
            let Some(timed) = self.next_record(filter)? else {
                return Ok((read > 0).then_some(chunk));
            };
            if filter.exceeds_span(first_event, timed.event) {
                self.ahead = Some(timed);
                break;
            }
            first_event = first_event.or(timed.event);
            chunk.push(timed, filter);
            self.next = chunk.next;
        }
        Ok(Some(chunk))
    }

    fn next_record(&mut self, filter: &ChunkFilter) -> Result<Option<TimedRecord>, TableError> {
        if let Some(timed) = self.ahead.take() {
            return Ok(Some(timed));
        }
        let record = match self.sampled.pop_front() {
            Some(record) => Some(record),
            None => self.reader.next_record()?,
        };
        let timed = |record: Record| TimedRecord {
            event: record
                .content
                .as_ref()
                .ok()
                .and_then(|raw| filter.event_time_of(raw)),
            record,
        };
        Ok(record.map(timed))
    }

    /// Whether reading the next record may block for any time.
    fn may_block(&self) -> bool {
        self.ahead.is_none() && self.sampled.is_empty() && self.stream_may_block()
    }

    fn stream_may_block(&self) -> bool {
        self.total.is_none() && !self.reader.input().buffer().contains(&b'\n')
    }
}

/// Receives the chunks of an input as they are read.
pub(super) struct ChunkReceiver {
    /// `None` is the end of the input.
    chunks: mpsc::Receiver<Result<Option<Chunk>, SourceError>>,
}

impl ChunkReceiver {
    /// The next chunk; `None` at the end of the input, after which it must not be called again.
    /// Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<Chunk>, SourceError> {
        let chunk = self.chunks.recv().await;
        chunk.unwrap_or(Err(SourceError::Gone("file reader")))
    }
}

/// Spawns a thread outside the runtime, which would wait for it at shutdown.
fn spawn_thread(work: impl FnOnce() + Send + 'static) -> Result<(), SourceError> {
    let spawned = thread::Builder::new()
        .name("file-reader".to_owned())
        .spawn(work);
    spawned.map(|_| ()).map_err(SourceError::Thread)
}

async fn run_on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let (sender, done) = oneshot::channel();
    spawn_thread(move || {
        // Sending fails if the source was stopped meanwhile.
        let _ = sender.send(work());
    })?;
    done.await.map_err(|_| SourceError::Gone("file reader"))?
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use moodvane_model::Timestamp;
    use moodvane_upstream::RawMessage;

    use super::*;

    /// The content of each row is its event time in milliseconds.
    fn filter(since_ms: Option<i64>, max_span_ms: Option<i64>) -> ChunkFilter {
        let event_time = |raw: &RawMessage| match raw {
            RawMessage::Text(text) => Timestamp::from_millis(text.parse().ok()?).ok(),
            RawMessage::Fields(_) => None,
        };
        ChunkFilter {
            event_time: Box::new(event_time),
            since: since_ms.map(|ms| Timestamp::from_millis(ms).unwrap()),
            max_span_ms,
        }
    }

    /// Rows, latest event time and number of dropped rows of each chunk. Checks that chunks are
    /// contiguous.
    fn chunks(text: &'static str, filter: &ChunkFilter) -> Vec<(Vec<String>, Option<i64>, u64)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut reader = ChunkReader::from_file(file.path(), TableKind::Jsonl).unwrap();
        let mut found = Vec::new();
        while let Some(chunk) = reader.read_chunk(filter).unwrap() {
            assert_eq!(chunk.next, reader.next);
            let rows = chunk.batch.raws.iter().map(|raw| match raw {
                RawMessage::Text(text) => text.clone(),
                RawMessage::Fields(_) => unreachable!("the format is JSONL"),
            });
            let account = &chunk.batch.account;
            let dropped = account.records_read();
            assert_eq!(account.out_of_range(), dropped);
            let last_event = chunk.last_event.map(Timestamp::millis);
            found.push((rows.collect(), last_event, dropped));
        }
        assert_eq!(reader.next.byte, text.len() as u64);
        found
    }

    #[test]
    fn splits_chunks_at_later_event_times_but_not_at_disorder() {
        let rows = "10\n30\n5\n61\n?\n62\n200\n";
        for (max_span_ms, expected) in [
            (None, vec![vec!["10", "30", "5", "61", "?", "62", "200"]]),
            (
                Some(50),
                vec![vec!["10", "30", "5"], vec!["61", "?", "62"], vec!["200"]],
            ),
            (
                Some(0),
                vec![
                    vec!["10"],
                    vec!["30", "5"],
                    vec!["61", "?"],
                    vec!["62"],
                    vec!["200"],
                ],
            ),
        ] {
            let found = chunks(rows, &filter(None, max_span_ms));
            let lists: Vec<_> = found.iter().map(|(rows, ..)| rows.clone()).collect();
            assert_eq!(lists, expected, "{max_span_ms:?}");
            let latest = |(rows, at, _): &(Vec<String>, Option<i64>, u64)| {
                let times = rows.iter().filter_map(|row| row.parse().ok());
                *at == times.max().filter(|_| max_span_ms.is_some())
            };
            assert!(found.iter().all(latest), "{found:?}");
        }
    }

    #[test]
    fn drops_and_counts_rows_before_since() {
        let found = chunks("10\n30\n?\n20\n40\n", &filter(Some(30), None));
        let expected: Vec<String> = ["30", "?", "40"].map(str::to_owned).into();
        assert_eq!(found, [(expected, Some(40), 2)]);
    }

    #[tokio::test]
    async fn delivers_available_rows_of_open_stream() {
        let (stream, mut writer) = io::pipe().unwrap();
        writer.write_all(b"1\n2\n").unwrap();
        let name = "pipe".to_owned();
        let reader = ChunkReader::from_stream(name, stream, TableKind::Jsonl).unwrap();
        let mut chunks = reader.start(filter(None, None)).unwrap();
        // The stream stays open and has no more rows until these are received.
        let mut received = 0;
        while received < 2 {
            received += chunks.next().await.unwrap().unwrap().batch.raws.len();
        }
        writer.write_all(b"3\n4").unwrap();
        let third = chunks.next().await.unwrap().unwrap();
        assert_eq!(third.batch.raws, [RawMessage::Text("3".to_owned())]);
        drop(writer);
        let last = chunks.next().await.unwrap().unwrap();
        assert_eq!((last.batch.raws.len(), last.next.byte), (1, 7));
        assert_eq!(last.batch.lines, [4]);
        assert!(chunks.next().await.unwrap().is_none());
    }
}
