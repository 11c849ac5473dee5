//! Reads the records of a table one by one, each with the position of the next one.
//!
//! Guarantees: the record limit bounds memory. An invalid record is returned as dropped, with its reason
//! and position, and reading continues after it. Reading from the position of a record yields the same
//! records as reading from the start. Blank lines are skipped. A byte order mark before the first row
//! and a carriage return before a line end are not part of a field.
//!
//! A CSV record over the limit ends with the line that exceeds the limit, which bounds the loss due to a
//! stray quote.

use std::io::{BufRead, Seek, SeekFrom};

use csv::StringRecord;

use super::TableKind;
use super::error::TableError;
use super::lines::{LineRead, LineReader, strip_line_end};
use super::quoting::{QuoteTracker, split_csv};
use crate::{DropReason, RawMessage};

/// The maximum size of a record with its line end, in bytes.
pub const MAX_RECORD_BYTES: usize = 65_536;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One record of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The raw message, or the reason why the record is invalid.
    pub content: Result<RawMessage, DropReason>,
    /// The number of its first line, from 1.
    pub line: u64,
    /// The position of the next record, from which reading can resume.
    pub next_position: RecordPosition,
}

/// Where a record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RecordPosition {
    /// The offset in bytes.
    pub byte: u64,
    /// The number of lines before it.
    pub lines: u64,
}

/// Reads the records of a TSV, CSV or JSONL table.
pub struct RecordReader<R> {
    lines: LineReader<R>,
    kind: TableKind,
    header: Option<StringRecord>,
    /// The position of the first record after the header.
    first_position: RecordPosition,
    limit: usize,
    buffer: Vec<u8>,
}

impl<R: BufRead> RecordReader<R> {
    /// A reader of `input` from the start of a file. Reads the header, if the kind has one. The record
    /// limit is [`MAX_RECORD_BYTES`].
    ///
    /// # Errors
    /// [`TableError::Io`], [`TableError::Empty`] and [`TableError::Header`].
    pub fn new(input: R, kind: TableKind) -> Result<Self, TableError> {
        Self::with_limit(input, kind, MAX_RECORD_BYTES)
    }

    /// As [`Self::new`], with a record limit in bytes, line end included.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_limit(input: R, kind: TableKind, limit: usize) -> Result<Self, TableError> {
        let mut reader = Self {
            lines: LineReader::new(input),
            kind,
            header: None,
            first_position: RecordPosition::default(),
            limit,
            buffer: Vec::new(),
        };
        if kind != TableKind::Jsonl {
            reader.header = Some(reader.read_header()?);
            reader.first_position = reader.lines.position();
        }
        Ok(reader)
    }

    fn read_header(&mut self) -> Result<StringRecord, TableError> {
        let record = self.next_record()?.ok_or(TableError::Empty)?;
        match record.content.map_err(TableError::Header)? {
            RawMessage::Fields(fields) => Ok(fields.iter().map(str::trim).collect()),
            RawMessage::Text(_) => {
                let fault = "must be fields, not a text";
                Err(TableError::Header(DropReason::malformed("header", fault)))
            }
        }
    }

    /// The names of the columns; `None` for JSONL, where each record names its own.
    pub fn header(&self) -> Option<&StringRecord> {
        self.header.as_ref()
    }

    /// The position of the next record.
    pub fn position(&self) -> RecordPosition {
        self.lines.position()
    }

    /// The input.
    pub fn input(&self) -> &R {
        self.lines.input()
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`TableError::Io`]. An invalid record is not an error of the reader; see [`Record::content`].
    pub fn next_record(&mut self) -> Result<Option<Record>, TableError> {
        loop {
            let start = self.lines.position();
            self.buffer.clear();
            let Some(read) = self.read_bytes(start.byte)? else {
                return Ok(None);
            };
            let content = match read {
                Err(dropped) => Err(dropped),
                Ok(()) => match self.parse(start.byte) {
                    Some(content) => content,
                    None => continue,
                },
            };
            let next_position = self.lines.position();
            return Ok(Some(Record {
                content,
                line: start.lines + 1,
                next_position,
            }));
        }
    }

    /// Reads the bytes of one record into the buffer; `None` at the end.
    fn read_bytes(&mut self, start: u64) -> Result<Option<Result<(), DropReason>>, TableError> {
        let mut quoting = QuoteTracker::new();
        loop {
            let seen = self.buffer.len();
            match self.lines.append_line(&mut self.buffer, self.limit)? {
                LineRead::EndOfInput if seen == 0 => return Ok(None),
                LineRead::EndOfInput => {
                    let fault = "quoted field is not closed before the end of the table";
                    return Ok(Some(Err(DropReason::malformed("row", fault))));
                }
                LineRead::TooLong => {
                    let (len, limit) = (self.lines.position().byte - start, self.limit);
                    return Ok(Some(Err(DropReason::RecordTooLong { len, limit })));
                }
                LineRead::Complete => {}
            }
            let is_csv = self.kind == TableKind::Csv;
            if !is_csv || !quoting.is_open_after(&self.buffer[seen..]) {
                return Ok(Some(Ok(())));
            }
        }
    }

    /// Parses the buffer; `None` for a blank line.
    fn parse(&self, start: u64) -> Option<Result<RawMessage, DropReason>> {
        let bytes = strip_line_end(&self.buffer);
        let bytes = match bytes.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if start == 0 => rest,
            _ => bytes,
        };
        if bytes.is_empty() {
            return None;
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => {
                let at = e.valid_up_to();
                return Some(Err(DropReason::NotUtf8 { at }));
            }
        };
        Some(Ok(match self.kind {
            TableKind::Jsonl => RawMessage::Text(text.to_owned()),
            TableKind::Tsv => RawMessage::Fields(split_tsv(text)),
            TableKind::Csv => RawMessage::Fields(split_csv(text)),
        }))
    }
}

impl<R: BufRead + Seek> RecordReader<R> {
    /// Continues at `position`, which must be the start of a record: an earlier
    /// [`Record::next_position`]. A position within the header means the first record.
    ///
    /// # Errors
    /// [`TableError::PastEnd`] if the file is shorter, and [`TableError::Io`].
    pub fn seek_to(&mut self, position: RecordPosition) -> Result<(), TableError> {
        let input = self.lines.input_mut();
        let end = input.seek(SeekFrom::End(0))?;
        let is_in_header = position.byte <= self.first_position.byte;
        let target = if is_in_header {
            self.first_position
        } else {
            position
        };
        let byte = input.seek(SeekFrom::Start(target.byte.min(end)))?;
        let lines = target.lines;
        self.lines.set_position(RecordPosition { byte, lines });
        if target.byte > end {
            let at = position.byte;
            return Err(TableError::PastEnd { at, end });
        }
        Ok(())
    }
}

fn split_tsv(text: &str) -> StringRecord {
    let mut fields = StringRecord::with_capacity(text.len(), 16);
    for field in text.split('\t') {
        fields.push_field(field);
    }
    fields
}
