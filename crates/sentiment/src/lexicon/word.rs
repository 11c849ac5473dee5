//! A word buffer of the tokeniser: the folded word and its shape.
//!
//! Terms: a word is *folded* to lower case, without apostrophes and with runs of a letter cut to three; it
//! is *elongated* if a letter occurs three or more times in a row.
//!
//! Guarantee: memory is constant, and time per letter is constant.

use super::table::{Entry, Tables};

/// No table has longer words; further letters are skipped.
const MAX_WORD: usize = 40;

/// The spelling of a word.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shape {
    pub(crate) capital: u32,
    pub(crate) small: u32,
    pub(crate) elongated: bool,
}

impl Shape {
    pub(crate) fn capitals(self) -> bool {
        self.capital >= 2 && self.small == 0
    }
}

/// A folded word under construction.
pub(crate) struct WordBuffer {
    folded: [u8; MAX_WORD],
    len: usize,
    too_long: bool,
    pub(crate) ended_small: bool,
    pub(crate) shape: Shape,
}

impl Default for WordBuffer {
    fn default() -> Self {
        Self {
            folded: [0; MAX_WORD],
            len: 0,
            too_long: false,
            ended_small: false,
            shape: Shape::default(),
        }
    }
}

impl WordBuffer {
    pub(crate) fn push_ascii(&mut self, byte: u8) {
        let lower = byte.to_ascii_lowercase();
        if byte.is_ascii_alphabetic() {
            let capital = byte != lower;
            self.shape.capital += u32::from(capital);
            self.shape.small += u32::from(!capital);
            self.ended_small = !capital;
            if self.folded[..self.len].ends_with(&[lower; 2]) {
                self.shape.elongated = true;
                if self.folded[..self.len].ends_with(&[lower; 3]) {
                    return;
                }
            }
        }
        self.push_byte(lower);
    }

    pub(crate) fn push_non_ascii(&mut self, c: char) {
        self.shape.capital += u32::from(c.is_uppercase());
        self.shape.small += u32::from(c.is_lowercase());
        self.ended_small = c.is_lowercase();
        for lower in c.to_lowercase() {
            for &byte in lower.encode_utf8(&mut [0; 4]).as_bytes() {
                self.push_byte(byte);
            }
        }
    }

    fn push_byte(&mut self, byte: u8) {
        match self.folded.get_mut(self.len) {
            Some(slot) => {
                *slot = byte;
                self.len += 1;
            }
            None => self.too_long = true,
        }
    }

    pub(crate) fn entry(&self, tables: &Tables) -> Entry {
        if self.too_long {
            return Entry::default();
        }
        let folded = &self.folded[..self.len];
        if let Some(entry) = tables.word(folded) {
            return entry;
        }
        if !self.shape.elongated {
            return Entry::default();
        }
        self.collapsed(tables).unwrap_or_default()
    }

    /// Looks up an elongated word with its runs cut to two letters or one: all combinations for the first
    /// two runs, one letter for further runs.
    fn collapsed(&self, tables: &Tables) -> Option<Entry> {
        const RUNS_KEPT: [[usize; 2]; 4] = [[2, 2], [1, 2], [2, 1], [1, 1]];
        RUNS_KEPT.iter().find_map(|kept| {
            let mut out = [0; MAX_WORD];
            let mut len = 0;
            let mut run = 0;
            let folded = &self.folded[..self.len];
            for group in folded.chunk_by(|a, b| a == b) {
                let keep = if group.len() < 3 {
                    group.len()
                } else {
                    run += 1;
                    kept.get(run - 1).copied().unwrap_or(1)
                };
                out[len..len + keep].copy_from_slice(&group[..keep]);
                len += keep;
            }
            tables.word(&out[..len])
        })
    }
}
