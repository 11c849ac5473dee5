//! A word buffer of the reader, and the normal form of a word.
//!
//! Guarantee: memory is constant, and time per letter is constant.

use super::words::{Words, form_hash};

/// The maximum length of a form in bytes; further letters of a word are skipped.
pub(crate) const MAX_FORM: usize = 40;

/// A folded word under construction.
pub(crate) struct WordBuffer {
    pub(crate) folded: [u8; MAX_FORM],
    pub(crate) len: usize,
    pub(crate) capital: u32,
    pub(crate) small: u32,
    pub(crate) ended_small: bool,
    pub(crate) elongated: bool,
}

impl Default for WordBuffer {
    fn default() -> Self {
        Self {
            folded: [0; MAX_FORM],
            len: 0,
            capital: 0,
            small: 0,
            ended_small: false,
            elongated: false,
        }
    }
}

impl WordBuffer {
    #[inline]
    pub(crate) fn push_small(&mut self, letter: u8) {
        self.small += 1;
        self.ended_small = true;
        self.push_letter(letter);
    }

    #[inline]
    pub(crate) fn push_capital(&mut self, letter: u8) {
        self.capital += 1;
        self.ended_small = false;
        self.push_letter(letter.to_ascii_lowercase());
    }

    /// Cuts a run of a letter to three.
    #[inline]
    fn push_letter(&mut self, lower: u8) {
        if self.has_at(1, lower) && self.has_at(2, lower) {
            self.elongated = true;
            if self.has_at(3, lower) {
                return;
            }
        }
        self.push_byte(lower);
    }

    pub(crate) fn push_non_ascii(&mut self, c: char) {
        self.capital += u32::from(c.is_uppercase());
        self.small += u32::from(c.is_lowercase());
        self.ended_small = c.is_lowercase();
        for lower in c.to_lowercase() {
            for &byte in lower.encode_utf8(&mut [0; 4]).as_bytes() {
                self.push_byte(byte);
            }
        }
    }

    /// Whether `byte` is at this distance from the end.
    #[inline]
    fn has_at(&self, places: usize, byte: u8) -> bool {
        let at = self.len.wrapping_sub(places);
        self.folded.get(at) == Some(&byte)
    }

    #[inline]
    pub(crate) fn push_byte(&mut self, byte: u8) {
        if let Some(slot) = self.folded.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }
}

/// The normal form of a folded word. For an elongated word: the first known form with the runs cut to two
/// letters or one, or else with all runs cut to one.
pub(crate) fn normalise<'b>(
    folded: &'b [u8],
    elongated: bool,
    words: &Words,
    buffer: &'b mut [u8; MAX_FORM],
) -> &'b [u8] {
    const KEPT: [[usize; 2]; 4] = [[2, 2], [1, 2], [2, 1], [1, 1]];
    if !elongated || words.entry(form_hash(folded)).is_some() {
        return folded;
    }
    let mut len = 0;
    for kept in KEPT {
        len = 0;
        let mut runs = 0;
        for group in folded.chunk_by(|a, b| a == b) {
            let keep = if group.len() < 3 {
                group.len()
            } else {
                runs += 1;
                kept.get(runs - 1).copied().unwrap_or(1)
            };
            buffer[len..len + keep].copy_from_slice(&group[..keep]);
            len += keep;
        }
        if words.entry(form_hash(&buffer[..len])).is_some() {
            break;
        }
    }
    &buffer[..len]
}
