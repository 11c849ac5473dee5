//! Reads physical lines of bounded length and counts bytes.

use std::io::{self, BufRead, Read};

use super::RecordPosition;

/// The result of reading one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LineRead {
    /// The line was appended with its line end.
    Complete,
    /// The line exceeds the limit: its start was appended, the rest skipped.
    TooLong,
    /// The input has no more lines.
    EndOfInput,
}

pub(super) struct LineReader<R> {
    input: R,
    /// Where the next line begins.
    position: RecordPosition,
}

impl<R: BufRead> LineReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            position: RecordPosition::default(),
        }
    }

    pub(super) fn position(&self) -> RecordPosition {
        self.position
    }

    pub(super) fn input(&self) -> &R {
        &self.input
    }

    pub(super) fn input_mut(&mut self) -> &mut R {
        &mut self.input
    }

    /// Records that the input was moved to `position`.
    pub(super) fn set_position(&mut self, position: RecordPosition) {
        self.position = position;
    }

    /// Appends the next line to `buffer`, up to a total of `limit` bytes.
    pub(super) fn append_line(
        &mut self,
        buffer: &mut Vec<u8>,
        limit: usize,
    ) -> io::Result<LineRead> {
        let room = limit.saturating_sub(buffer.len());
        let read = self
            .input
            .by_ref()
            .take(room as u64)
            .read_until(b'\n', buffer)?;
        self.position.byte += read as u64;
        let has_end = read > 0 && buffer.last() == Some(&b'\n');
        let skipped = if has_end || read < room {
            0
        } else {
            self.skip_line()?
        };
        self.position.lines += u64::from(read > 0 || skipped > 0);
        Ok(match (read, skipped) {
            (0, 0) => LineRead::EndOfInput,
            (_, 0) => LineRead::Complete,
            _ => LineRead::TooLong,
        })
    }

    /// Skips the rest of the line and returns its length in bytes.
    fn skip_line(&mut self) -> io::Result<usize> {
        let skipped = self.input.skip_until(b'\n')?;
        self.position.byte += skipped as u64;
        Ok(skipped)
    }
}

/// Strips `\n` or `\r\n`.
pub(super) fn strip_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
