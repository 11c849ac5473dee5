//! Reads a table's records one by one, each with the byte at which the next one begins.
//!
//! Guarantees: memory is bounded by the record limit; what cannot be read is handed over as dropped,
//! with its reason and position, and reading goes on behind it; reading on from the position of a
//! record gives the same records as reading from the beginning. Blank lines are no records. A byte
//! order mark before the first row and a carriage return at a line's end are not part of any field.
//!
//! A CSV record longer than the limit ends with the line in which it exceeds it, so that a stray
//! quote costs no more than that.

use std::io::{BufRead, Seek, SeekFrom};

use csv::StringRecord;

use super::lines::{Line, Lines, without_end};
use super::quoting::{self, Quoting};
use super::{TableError, TableKind};
use crate::{Dropped, Raw};

/// The longest record, its line end included, in bytes.
pub const MAX_RECORD_BYTES: usize = 65_536;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One record of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What stands there, or why it cannot be read.
    pub content: Result<Raw, Dropped>,
    /// The byte at which the next record begins: where to read on from after this one.
    pub next: u64,
}

/// Reads the records of a TSV, CSV or JSONL table.
pub struct RecordReader<R> {
    lines: Lines<R>,
    kind: TableKind,
    header: Option<StringRecord>,
    /// The byte behind the header.
    first: u64,
    limit: usize,
    buffer: Vec<u8>,
}

impl<R: BufRead> RecordReader<R> {
    /// Begins to read `input`, which stands at the file's beginning: takes in the header, where the
    /// kind has one. Records may be up to [`MAX_RECORD_BYTES`] long.
    ///
    /// # Errors
    /// [`TableError::Io`] and [`TableError::Header`].
    pub fn new(input: R, kind: TableKind) -> Result<Self, TableError> {
        Self::with_limit(input, kind, MAX_RECORD_BYTES)
    }

    /// As [`Self::new`], with a limit in bytes for each record, its line end included.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_limit(input: R, kind: TableKind, limit: usize) -> Result<Self, TableError> {
        let mut reader = Self {
            lines: Lines::new(input),
            kind,
            header: None,
            first: 0,
            limit,
            buffer: Vec::new(),
        };
        if kind != TableKind::Jsonl {
            reader.header = Some(reader.read_header()?);
            reader.first = reader.lines.at();
        }
        Ok(reader)
    }

    fn read_header(&mut self) -> Result<StringRecord, TableError> {
        let refused = |why: String| TableError::Header(why);
        let record = self.next_record()?;
        let record = record.ok_or_else(|| refused("the table is empty".to_owned()))?;
        match record.content.map_err(|e| refused(e.to_string()))? {
            Raw::Fields(fields) => Ok(fields.iter().map(str::trim).collect()),
            Raw::Text(_) => Err(refused("it is not a row".to_owned())),
        }
    }

    /// The columns' names; `None` for JSONL, where each record names its own.
    pub fn header(&self) -> Option<&StringRecord> {
        self.header.as_ref()
    }

    /// The byte at which the next record begins.
    pub fn position(&self) -> u64 {
        self.lines.at()
    }

    /// What is read from.
    pub fn input(&self) -> &R {
        self.lines.input_ref()
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`TableError::Io`]; what a record itself is not good for is in its content.
    pub fn next_record(&mut self) -> Result<Option<Record>, TableError> {
        loop {
            let from = self.lines.at();
            self.buffer.clear();
            let Some(read) = self.read_bytes(from)? else {
                return Ok(None);
            };
            let content = match read {
                Err(dropped) => Err(dropped),
                Ok(()) => match self.parse(from) {
                    Some(content) => content,
                    None => continue,
                },
            };
            let next = self.lines.at();
            return Ok(Some(Record { content, next }));
        }
    }

    /// Reads the bytes of one record into the buffer; `None` at the end.
    fn read_bytes(&mut self, from: u64) -> Result<Option<Result<(), Dropped>>, TableError> {
        let mut quoting = Quoting::new();
        loop {
            let seen = self.buffer.len();
            match self.lines.append(&mut self.buffer, self.limit)? {
                Line::End if seen == 0 => return Ok(None),
                Line::End => {
                    let fault = "a quoted field is not closed before the table's end";
                    return Ok(Some(Err(Dropped::malformed("row", fault))));
                }
                Line::TooLong => {
                    let (len, limit) = (self.lines.at() - from, self.limit);
                    return Ok(Some(Err(Dropped::RecordTooLong { len, limit })));
                }
                Line::Whole => {}
            }
            let is_csv = self.kind == TableKind::Csv;
            if !is_csv || !quoting.is_open_after(&self.buffer[seen..]) {
                return Ok(Some(Ok(())));
            }
        }
    }

    /// What the buffer holds; `None` for a blank line.
    fn parse(&self, from: u64) -> Option<Result<Raw, Dropped>> {
        let bytes = without_end(&self.buffer);
        let bytes = match bytes.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if from == 0 => rest,
            _ => bytes,
        };
        if bytes.is_empty() {
            return None;
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => {
                let at = e.valid_up_to();
                return Some(Err(Dropped::NotUtf8 { at }));
            }
        };
        Some(Ok(match self.kind {
            TableKind::Jsonl => Raw::Text(text.to_owned()),
            TableKind::Tsv => Raw::Fields(split(text)),
            TableKind::Csv => Raw::Fields(quoting::fields(text)),
        }))
    }
}

impl<R: BufRead + Seek> RecordReader<R> {
    /// Goes on at byte `at`, which must be a record's beginning: a [`Record::next`] of before. A byte
    /// within the header means the first record.
    ///
    /// # Errors
    /// [`TableError::PastEnd`] where the file is shorter, and [`TableError::Io`].
    pub fn seek_to(&mut self, at: u64) -> Result<(), TableError> {
        let input = self.lines.input();
        let end = input.seek(SeekFrom::End(0))?;
        let to = at.max(self.first);
        let reached = input.seek(SeekFrom::Start(to.min(end)))?;
        self.lines.moved_to(reached);
        if to > end {
            return Err(TableError::PastEnd { at, end });
        }
        Ok(())
    }
}

fn split(text: &str) -> StringRecord {
    let mut fields = StringRecord::with_capacity(text.len(), 16);
    for field in text.split('\t') {
        fields.push_field(field);
    }
    fields
}
