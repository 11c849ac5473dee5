//! Physical lines of bounded length, with the byte where each ends.

use std::io::{self, BufRead, Read};

/// What one more line came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It was appended, its line end included.
    Whole,
    /// It did not fit: its beginning was appended, its rest passed over.
    TooLong,
    /// There is none.
    End,
}

pub(super) struct Lines<R> {
    input: R,
    /// The byte at which the next line begins.
    at: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, at: 0 }
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn input_ref(&self) -> &R {
        &self.input
    }

    pub(super) fn input(&mut self) -> &mut R {
        &mut self.input
    }

    /// Says that the input now stands at byte `at`.
    pub(super) fn moved_to(&mut self, at: u64) {
        self.at = at;
    }

    /// Appends the next line to `buffer`, which may hold `limit` bytes.
    pub(super) fn append(&mut self, buffer: &mut Vec<u8>, limit: usize) -> io::Result<Line> {
        let room = limit.saturating_sub(buffer.len());
        let taken = self
            .input
            .by_ref()
            .take(room as u64)
            .read_until(b'\n', buffer)?;
        self.at += taken as u64;
        let has_end = taken > 0 && buffer.last() == Some(&b'\n');
        let rest = if has_end || taken < room {
            0
        } else {
            self.pass()?
        };
        Ok(match (taken, rest) {
            (0, 0) => Line::End,
            (_, 0) => Line::Whole,
            _ => Line::TooLong,
        })
    }

    /// Passes over the rest of the line and says how many bytes that were.
    fn pass(&mut self) -> io::Result<usize> {
        let passed = self.input.skip_until(b'\n')?;
        self.at += passed as u64;
        Ok(passed)
    }
}

/// A line without its `\n` or `\r\n`.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
