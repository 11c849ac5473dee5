//! Reads rows on a thread where it may block, a bounded number of chunks ahead.
//!
//! Guarantee: a chunk ends where the next row belongs to a later moment, and where an input that is
//! still being written has no more for now: what is there is not kept waiting for what is to come.
//! Nobody ever waits for the thread: one that hangs on a silent input ends with the process.

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

use super::refused;
use super::unpacked::Unpacked;
use crate::config::Input;
use crate::error::SourceError;

/// Large, so that a batch's fixed costs are shared by many; bounded, since a crash may repeat it.
const CHUNK_RECORDS: usize = 2_000;
/// A chunk ends earlier where its records are long.
const CHUNK_BYTES: u64 = 4 << 20;
const CHUNKS_AHEAD: usize = 2;
const BUFFER_BYTES: usize = 256 << 10;
/// Why a row from before the moment asked for is dropped.
const BEFORE_SINCE: &str = "before_since";

/// Records of an input, in order.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) raws: Vec<RawMessage>,
    /// What could not be read or is not wanted, by reason.
    pub(super) dropped: BTreeMap<&'static str, u64>,
    /// The byte at which the next chunk begins.
    pub(super) next: u64,
    /// The latest own time of its rows, where anybody asks for it.
    pub(super) at: Option<Timestamp>,
}

/// The own time of a row, where it says one.
pub(super) type TimeOf = Box<dyn Fn(&RawMessage) -> Option<Timestamp> + Send>;

/// What is asked of each row before it is taken.
pub(super) struct Gate {
    pub(super) time_of: TimeOf,
    /// Rows of before are passed over.
    pub(super) since: Option<Timestamp>,
    /// How much of the rows' own time a chunk spans at most, in milliseconds; `None` for any.
    pub(super) tick_ms: Option<i64>,
}

/// A record with its own time, where anybody asks for it.
struct Timed {
    record: Record,
    at: Option<Timestamp>,
}

/// An open input.
pub(super) struct Reading {
    name: String,
    /// Its length in bytes, which a stream does not know.
    total: Option<u64>,
    is_packed: bool,
    reader: RecordReader<BufReader<Unpacked>>,
    /// The first record of the next chunk, where it was read already.
    ahead: Option<Timed>,
    /// Where the next chunk begins.
    next: u64,
}

impl Reading {
    pub(super) async fn open(input: Input, kind: TableKind) -> Result<Self, SourceError> {
        on_a_thread(move || match &input {
            Input::File(path) => Self::of_file(path, kind),
            Input::Stdin => Self::of_stream(input.to_string(), io::stdin(), kind),
        })
        .await
    }

    fn of_file(path: &Path, kind: TableKind) -> Result<Self, SourceError> {
        let open = || {
            // To open a named pipe would wait for ever for somebody to write to it.
            if !std::fs::metadata(path)?.is_file() {
                return Err(io::Error::other("it is not a regular file"));
            }
            let file = File::open(path)?;
            let total = file.metadata()?.len();
            Ok((Unpacked::of(file)?, total))
        };
        let name = path.display().to_string();
        let (unpacked, total) = open().map_err(|error| refused(&name, &error.into()))?;
        Self::of(name, unpacked, Some(total), kind)
    }

    fn of_stream(
        name: String,
        stream: impl Read + Send + 'static,
        kind: TableKind,
    ) -> Result<Self, SourceError> {
        let unpacked = Unpacked::of_stream(stream);
        let unpacked = unpacked.map_err(|error| refused(&name, &error.into()))?;
        Self::of(name, unpacked, None, kind)
    }

    fn of(
        name: String,
        unpacked: Unpacked,
        total: Option<u64>,
        kind: TableKind,
    ) -> Result<Self, SourceError> {
        let is_packed = unpacked.is_packed();
        let buffered = BufReader::with_capacity(BUFFER_BYTES, unpacked);
        let reader = RecordReader::new(buffered, kind).map_err(|error| refused(&name, &error))?;
        Ok(Self {
            name,
            total,
            is_packed,
            next: reader.position(),
            reader,
            ahead: None,
        })
    }

    /// Whether places in it are not those of the file's own bytes.
    pub(super) fn is_packed(&self) -> bool {
        self.is_packed
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn header(&self) -> Option<&StringRecord> {
        self.reader.header()
    }

    pub(super) async fn seek_to(mut self, at: u64) -> Result<Self, SourceError> {
        on_a_thread(move || {
            if at > 0 {
                let sought = self.reader.seek_to(at);
                sought.map_err(|error| refused(&self.name, &error))?;
                self.next = self.reader.position();
            }
            Ok(self)
        })
        .await
    }

    /// Begins to read ahead.
    pub(super) fn start(mut self, gate: Gate) -> Result<Rows, SourceError> {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        spawn(move || {
            loop {
                let chunk = self.read_chunk(&gate);
                let chunk = chunk.map_err(|error| refused(&self.name, &error));
                let is_last = !matches!(chunk, Ok(Some(_)));
                // Or nobody reads any more.
                if sender.blocking_send(chunk).is_err() || is_last {
                    return;
                }
            }
        })?;
        Ok(Rows { chunks })
    }

    fn read_chunk(&mut self, gate: &Gate) -> Result<Option<Chunk>, TableError> {
        let begin = self.next;
        let mut chunk = Chunk {
            raws: Vec::with_capacity(CHUNK_RECORDS),
            next: begin,
            ..Chunk::default()
        };
        let mut first = None;
        for read in 0..CHUNK_RECORDS {
            let is_full = chunk.next - begin > CHUNK_BYTES;
            if is_full || (read > 0 && self.may_block()) {
                break;
            }
            let Some(timed) = self.next_record(gate)? else {
                return Ok((read > 0).then_some(chunk));
            };
            if gate.is_later(first, timed.at) {
                self.ahead = Some(timed);
                break;
            }
            first = first.or(timed.at);
            chunk.take(timed, gate);
            self.next = chunk.next;
        }
        Ok(Some(chunk))
    }

    fn next_record(&mut self, gate: &Gate) -> Result<Option<Timed>, TableError> {
        if let Some(timed) = self.ahead.take() {
            return Ok(Some(timed));
        }
        let record = self.reader.next_record()?;
        let timed = |record: Record| Timed {
            at: record.content.as_ref().ok().and_then(|raw| gate.at(raw)),
            record,
        };
        Ok(record.map(timed))
    }

    /// Whether the next record may take any time to come.
    fn may_block(&self) -> bool {
        let there = self.reader.input().buffer();
        self.total.is_none() && self.ahead.is_none() && !there.contains(&b'\n')
    }
}

impl Gate {
    /// The own time of a row, where it matters here.
    fn at(&self, raw: &RawMessage) -> Option<Timestamp> {
        let matters = self.since.is_some() || self.tick_ms.is_some();
        matters.then(|| (self.time_of)(raw)).flatten()
    }

    /// Whether a row belongs to a later chunk than one whose first row is of `first`.
    fn is_later(&self, first: Option<Timestamp>, at: Option<Timestamp>) -> bool {
        let (Some(tick_ms), Some(first), Some(at)) = (self.tick_ms, first, at) else {
            return false;
        };
        at.millis() - first.millis() > tick_ms
    }
}

impl Chunk {
    fn take(&mut self, timed: Timed, gate: &Gate) {
        self.next = timed.record.next_position;
        match timed.record.content {
            Ok(_) if timed.at.is_some() && timed.at < gate.since => self.drop(BEFORE_SINCE),
            Ok(raw) => {
                self.raws.push(raw);
                self.at = self.at.max(timed.at);
            }
            Err(dropped) => self.drop(dropped.label()),
        }
    }

    fn drop(&mut self, reason: &'static str) {
        *self.dropped.entry(reason).or_default() += 1;
    }
}

/// The chunks of an input, as they are read.
pub(super) struct Rows {
    /// `None` is the input's end.
    chunks: mpsc::Receiver<Result<Option<Chunk>, SourceError>>,
}

impl Rows {
    /// The next chunk; `None` at the input's end, after which there is nothing more to ask. Loses
    /// nothing where it is dropped unready.
    pub(super) async fn next(&mut self) -> Result<Option<Chunk>, SourceError> {
        let chunk = self.chunks.recv().await;
        chunk.unwrap_or(Err(SourceError::Gone("file's reader")))
    }
}

/// Not on a thread of the runtime's: those are waited for when it ends.
fn spawn(work: impl FnOnce() + Send + 'static) -> Result<(), SourceError> {
    let spawned = thread::Builder::new()
        .name("file-reader".to_owned())
        .spawn(work);
    spawned
        .map(|_| ())
        .map_err(|error| SourceError::Thread(error.to_string()))
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let (sender, done) = oneshot::channel();
    spawn(move || {
        // Nobody wants it any more where the source was stopped meanwhile.
        let _ = sender.send(work());
    })?;
    done.await.map_err(|_| SourceError::Gone("file's reader"))?
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Each row is its own time in milliseconds.
    fn gate(since_ms: Option<i64>, tick_ms: Option<i64>) -> Gate {
        let time_of = |raw: &RawMessage| match raw {
            RawMessage::Text(text) => Timestamp::from_millis(text.parse().ok()?).ok(),
            RawMessage::Fields(_) => None,
        };
        Gate {
            time_of: Box::new(time_of),
            since: since_ms.map(|ms| Timestamp::from_millis(ms).unwrap()),
            tick_ms,
        }
    }

    /// Rows, the latest time and what was dropped of each chunk, and that the chunks are seamless.
    fn chunks(text: &'static str, gate: &Gate) -> Vec<(Vec<String>, Option<i64>, u64)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut reading = Reading::of_file(file.path(), TableKind::Jsonl).unwrap();
        let mut found = Vec::new();
        while let Some(chunk) = reading.read_chunk(gate).unwrap() {
            assert_eq!(chunk.next, reading.next);
            let rows = chunk.raws.iter().map(|raw| match raw {
                RawMessage::Text(text) => text.clone(),
                RawMessage::Fields(_) => unreachable!("it is JSONL"),
            });
            let dropped = chunk.dropped.values().sum();
            let at = chunk.at.map(Timestamp::millis);
            found.push((rows.collect(), at, dropped));
        }
        assert_eq!(reading.next, text.len() as u64);
        found
    }

    #[test]
    fn a_chunk_ends_where_a_later_moment_begins_and_disorder_ends_none() {
        let rows = "10\n30\n5\n61\n?\n62\n200\n";
        for (tick_ms, expected) in [
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
            let found = chunks(rows, &gate(None, tick_ms));
            let lists: Vec<_> = found.iter().map(|(rows, ..)| rows.clone()).collect();
            assert_eq!(lists, expected, "{tick_ms:?}");
            let latest = |(rows, at, _): &(Vec<String>, Option<i64>, u64)| {
                let times = rows.iter().filter_map(|row| row.parse().ok());
                *at == times.max().filter(|_| tick_ms.is_some())
            };
            assert!(found.iter().all(latest), "{found:?}");
        }
    }

    #[test]
    fn rows_from_before_the_moment_asked_for_are_passed_over_and_counted() {
        let found = chunks("10\n30\n?\n20\n40\n", &gate(Some(30), None));
        let expected: Vec<String> = ["30", "?", "40"].map(str::to_owned).into();
        assert_eq!(found, [(expected, Some(40), 2)]);
    }

    #[tokio::test]
    async fn what_a_stream_has_is_not_kept_waiting_for_what_is_to_come() {
        let (stream, mut writer) = io::pipe().unwrap();
        writer.write_all(b"1\n2\n").unwrap();
        let name = "pipe".to_owned();
        let reading = Reading::of_stream(name, stream, TableKind::Jsonl).unwrap();
        let mut rows = reading.start(gate(None, None)).unwrap();
        // The stream is still open, and says nothing more until these were heard.
        let mut heard = 0;
        while heard < 2 {
            heard += rows.next().await.unwrap().unwrap().raws.len();
        }
        writer.write_all(b"3\n4").unwrap();
        let third = rows.next().await.unwrap().unwrap();
        assert_eq!(third.raws, [RawMessage::Text("3".to_owned())]);
        drop(writer);
        let last = rows.next().await.unwrap().unwrap();
        assert_eq!((last.raws.len(), last.next), (1, 7));
        assert!(rows.next().await.unwrap().is_none());
    }
}
