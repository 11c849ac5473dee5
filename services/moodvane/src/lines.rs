//! Lines of standard input, each with its number and of bounded length.

use std::io::{BufRead, Read as _};

use anyhow::Context;
use moodvane_model::{Account, Example};

/// The longest line, in bytes.
pub(crate) const MAX_LINE_BYTES: u64 = 65_536;

/// A line of the input.
pub(crate) struct Line {
    /// The number, from 1.
    number: u64,
    /// The text without its newline.
    pub(crate) text: Result<String, LineFault>,
}

/// Why a line has no text to score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineFault {
    /// Over the limit.
    TooLong,
    /// The offset of the first invalid byte.
    NotUtf8(usize),
}

impl Line {
    /// Counts the line; `is_scored` tells whether the scorer accepted its text.
    pub(crate) fn count(&self, is_scored: bool, account: &mut Account) {
        let example = |why: &str| Example::new(why).at_line(Some(self.number));
        match &self.text {
            Ok(_) if is_scored => account.keep(1),
            Ok(text) => account.leave_out("unscored", || {
                example("the scorer declines the text").with_value(text)
            }),
            Err(LineFault::TooLong) => account.leave_out("too_long", || {
                example(&format!("the line is longer than {MAX_LINE_BYTES} bytes"))
            }),
            Err(LineFault::NotUtf8(at)) => account.leave_out("not_utf8", || {
                example(&format!("the line is not UTF-8 from byte {at}"))
            }),
        }
    }
}

/// Calls `work` with each line.
pub(crate) fn each_line(
    mut input: impl BufRead,
    mut work: impl FnMut(Line) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    for number in 1_u64.. {
        bytes.clear();
        let read = input
            .by_ref()
            .take(MAX_LINE_BYTES + 1)
            .read_until(b'\n', &mut bytes);
        if read.context("cannot read standard input")? == 0 {
            break;
        }
        let text = if bytes.len() as u64 > MAX_LINE_BYTES {
            if bytes.last() != Some(&b'\n') {
                let skipped = input.skip_until(b'\n');
                skipped.context("cannot read standard input")?;
            }
            Err(LineFault::TooLong)
        } else {
            std::str::from_utf8(&bytes)
                .map(|text| text.trim_end_matches(['\n', '\r']).to_owned())
                .map_err(|error| LineFault::NotUtf8(error.valid_up_to()))
        };
        work(Line { number, text })?;
    }
    Ok(())
}
