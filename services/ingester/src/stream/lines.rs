//! Lines out of a stream's parts, wherever the parts end.

use bytes::BytesMut;
use tokio_util::codec::{Decoder, LinesCodec, LinesCodecError};

/// The longest line that is read, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Why a line is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    TooLong,
    NotUtf8,
}

impl Fault {
    /// A short name of the reason, fit for a metric's label.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotUtf8 => "not_utf8",
        }
    }
}

/// Lines as their parts come.
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

    /// The next whole line, without its end.
    pub(super) fn next(&mut self) -> Option<Result<String, Fault>> {
        match self.codec.decode(&mut self.buffer) {
            Ok(line) => line.map(Ok),
            Err(LinesCodecError::MaxLineLengthExceeded) => Some(Err(Fault::TooLong)),
            Err(LinesCodecError::Io(_)) => Some(Err(Fault::NotUtf8)),
        }
    }

    /// Whether a line has begun that has not ended.
    pub(super) fn is_within_one(&self) -> bool {
        !self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_wherever_the_parts_end() {
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
            assert!(lines.is_within_one());
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_in_bounded_memory() {
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
