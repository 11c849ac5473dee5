//! Splits a stream of parts into lines. Lines do not depend on where the parts end.

use bytes::BytesMut;
use tokio_util::codec::{Decoder, LinesCodec, LinesCodecError};

/// The longest accepted line, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Why a line cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    TooLong,
    NotUtf8,
}

impl Fault {
    /// The reason as a metric label.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotUtf8 => "not_utf8",
        }
    }
}

/// A buffer that takes parts and yields lines.
pub(super) struct Lines {
    codec: LinesCodec,
    buffer: BytesMut,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            codec: LinesCodec::new_with_max_length(MAX_LINE_BYTES),
            buffer: BytesMut::new(),
        }
    }
}

impl Lines {
    pub(super) fn feed(&mut self, part: &[u8]) {
        self.buffer.extend_from_slice(part);
    }

    /// The next complete line, without its terminator.
    pub(super) fn next(&mut self) -> Option<Result<String, Fault>> {
        match self.codec.decode(&mut self.buffer) {
            Ok(line) => line.map(Ok),
            Err(LinesCodecError::MaxLineLengthExceeded) => Some(Err(Fault::TooLong)),
            Err(LinesCodecError::Io(_)) => Some(Err(Fault::NotUtf8)),
        }
    }

    /// Whether the buffer holds the start of an incomplete line.
    pub(super) fn has_partial(&self) -> bool {
        !self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_lines_independently_of_part_boundaries() {
        let text = b"one\r\n\r\ntwo\n\xff\xfe\nthree\ncut o";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for part in text.chunks(size) {
                lines.feed(part);
                while let Some(line) = lines.next() {
                    found.push(line);
                }
            }
            let line = |text: &str| Ok(text.to_owned());
            let expected = [
                line("one"),
                line(""),
                line("two"),
                Err(Fault::NotUtf8),
                line("three"),
            ];
            assert_eq!(found, expected, "parts of {size}");
            assert!(lines.has_partial());
        }
    }

    #[test]
    fn skips_overlong_line_in_bounded_memory() {
        let mut lines = Lines::default();
        let mut faults = 0;
        for _ in 0..100 {
            lines.feed(&[b'x'; 1 << 16]);
            while let Some(line) = lines.next() {
                assert_eq!(line, Err(Fault::TooLong));
                faults += 1;
            }
            assert!(lines.buffer.len() <= MAX_LINE_BYTES + 1);
        }
        lines.feed(b"\nshort\n");
        assert_eq!(lines.next(), Some(Ok("short".to_owned())));
        assert_eq!((faults, lines.next()), (1, None));
    }
}
