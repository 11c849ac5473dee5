//! One word of a text while it is read: folded, and how it was written.
//!
//! Terms: a word is *folded* when it is in lower case, without apostrophes and with no letter more
//! than three times in a row; it is *elongated* where a letter stands three times in a row or more.
//!
//! Guarantee: a word of any length takes the same memory and, per letter, the same time.

use super::table::{Entry, Tables};

/// Longer words are in no table; their end is sought, their letters are not kept.
const MAX_WORD: usize = 40;

/// How a word is written.
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

/// A word while it is read, folded.
pub(crate) struct Word {
    folded: [u8; MAX_WORD],
    len: usize,
    too_long: bool,
    pub(crate) ended_small: bool,
    pub(crate) shape: Shape,
}

impl Default for Word {
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

impl Word {
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

    pub(crate) fn push_wide(&mut self, c: char) {
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

    /// Tries an elongated word with its runs cut to two letters or one, in every combination for
    /// the first two runs; further runs are cut to one.
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
