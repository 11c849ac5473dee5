//! Reads chunks of rows on a blocking thread, a bounded number ahead.
//!
//! Guarantee: a chunk ends where the next row's event time is too much later, and where an input
//! that is still being written has no more rows for now, so that available rows do not wait for
//! future ones. Shutdown never waits for the thread: one that blocks on a silent input ends with
//! the process.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::thread;

use csv::StringRecord;
use moodvane_model::Timestamp;
use moodvane_upstream::RawMessage;
use moodvane_upstream::table::{Record, RecordReader, TableError, TableKind};
use tokio::sync::{mpsc, oneshot};

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
/// Drop reason of a row with an event time before `since`.
const BEFORE_SINCE: &str = "before_since";

/// Consecutive records of an input.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) raws: Vec<RawMessage>,
    /// Number of dropped records by reason.
    pub(super) dropped: BTreeMap<&'static str, u64>,
    /// Position of the next chunk.
    pub(super) next: u64,
    /// Latest event time of its rows, if the filter uses event times.
    pub(super) last_event: Option<Timestamp>,
}

/// Reads the event time of a row; `None` if the row has none.
pub(super) type EventTime = Box<dyn Fn(&RawMessage) -> Option<Timestamp> + Send>;

/// Decides which rows form a chunk.
pub(super) struct ChunkFilter {
    pub(super) event_time: EventTime,
    /// Earlier rows are dropped.
    pub(super) since: Option<Timestamp>,
    /// The range of event time that a chunk may span, in milliseconds; `None` for any.
    pub(super) max_span_ms: Option<i64>,
}

/// A record with its event time, if the filter uses event times.
struct TimedRecord {
    record: Record,
    event: Option<Timestamp>,
}

/// An open input that reads chunk by chunk.
pub(super) struct ChunkReader {
    name: String,
    /// Size in bytes; `None` for a stream.
    total: Option<u64>,
    is_compressed: bool,
    reader: RecordReader<BufReader<DecodedInput>>,
    /// The first record of the next chunk, if it is read already.
    ahead: Option<TimedRecord>,
    /// Position of the next chunk.
    next: u64,
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

    pub(super) async fn seek_to(mut self, position: u64) -> Result<Self, SourceError> {
        run_on_thread(move || {
            if position > 0 {
                let sought = self.reader.seek_to(position);
                sought.map_err(|error| file_error(&self.name, error))?;
                self.next = self.reader.position();
            }
            Ok(self)
        })
        .await
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
            raws: Vec::with_capacity(CHUNK_RECORDS),
            next: start,
            ..Chunk::default()
        };
        let mut first_event = None;
        for read in 0..CHUNK_RECORDS {
            let is_full = chunk.next - start > CHUNK_BYTES;
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
        let record = self.reader.next_record()?;
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
        let buffered = self.reader.input().buffer();
        self.total.is_none() && self.ahead.is_none() && !buffered.contains(&b'\n')
    }
}

impl ChunkFilter {
    /// The event time of a row, if the filter uses it.
    fn event_time_of(&self, raw: &RawMessage) -> Option<Timestamp> {
        let is_used = self.since.is_some() || self.max_span_ms.is_some();
        is_used.then(|| (self.event_time)(raw)).flatten()
    }

    /// Whether a row is too late for a chunk whose first event time is `first`.
    fn exceeds_span(&self, first: Option<Timestamp>, event: Option<Timestamp>) -> bool {
        let (Some(span_ms), Some(first), Some(event)) = (self.max_span_ms, first, event) else {
            return false;
        };
        event.millis() - first.millis() > span_ms
    }
}

impl Chunk {
    fn push(&mut self, timed: TimedRecord, filter: &ChunkFilter) {
        self.next = timed.record.next_position;
        match timed.record.content {
            Ok(_) if timed.event.is_some() && timed.event < filter.since => {
                self.count_dropped(BEFORE_SINCE);
            }
            Ok(raw) => {
                self.raws.push(raw);
                self.last_event = self.last_event.max(timed.event);
            }
            Err(reason) => self.count_dropped(reason.label()),
        }
    }

    fn count_dropped(&mut self, reason: &'static str) {
        *self.dropped.entry(reason).or_default() += 1;
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
            let rows = chunk.raws.iter().map(|raw| match raw {
                RawMessage::Text(text) => text.clone(),
                RawMessage::Fields(_) => unreachable!("the format is JSONL"),
            });
            let dropped = chunk.dropped.values().sum();
            let last_event = chunk.last_event.map(Timestamp::millis);
            found.push((rows.collect(), last_event, dropped));
        }
        assert_eq!(reader.next, text.len() as u64);
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
            received += chunks.next().await.unwrap().unwrap().raws.len();
        }
        writer.write_all(b"3\n4").unwrap();
        let third = chunks.next().await.unwrap().unwrap();
        assert_eq!(third.raws, [RawMessage::Text("3".to_owned())]);
        drop(writer);
        let last = chunks.next().await.unwrap().unwrap();
        assert_eq!((last.raws.len(), last.next), (1, 7));
        assert!(chunks.next().await.unwrap().is_none());
    }
}
