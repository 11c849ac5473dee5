//! One word while it is read, and the form that it comes to.
//!
//! Guarantee: a word of any length takes the same memory and, per letter, the same time.

use super::words::{Words, form_hash};

/// A longer word is cut: its end is sought, its further letters are not kept.
pub(crate) const MAX_FORM: usize = 40;

/// A word while it is read, folded.
pub(crate) struct Word {
    pub(crate) folded: [u8; MAX_FORM],
    pub(crate) len: usize,
    pub(crate) capital: u32,
    pub(crate) small: u32,
    pub(crate) ended_small: bool,
    pub(crate) elongated: bool,
}

impl Default for Word {
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

impl Word {
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

    /// Of more than three of a letter in a row, three are kept.
    #[inline]
    fn push_letter(&mut self, lower: u8) {
        if self.is_before_end(1, lower) && self.is_before_end(2, lower) {
            self.elongated = true;
            if self.is_before_end(3, lower) {
                return;
            }
        }
        self.push_byte(lower);
    }

    pub(crate) fn push_wide(&mut self, c: char) {
        self.capital += u32::from(c.is_uppercase());
        self.small += u32::from(c.is_lowercase());
        self.ended_small = c.is_lowercase();
        for lower in c.to_lowercase() {
            for &byte in lower.encode_utf8(&mut [0; 4]).as_bytes() {
                self.push_byte(byte);
            }
        }
    }

    /// Whether this byte stands so many places before the end.
    #[inline]
    fn is_before_end(&self, places: usize, byte: u8) -> bool {
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

/// The form of a folded word. Of an elongated one, the first known form with its first runs cut to
/// two letters or one; else all its runs cut to one.
pub(crate) fn normal<'b>(
    folded: &'b [u8],
    elongated: bool,
    words: &Words,
    buffer: &'b mut [u8; MAX_FORM],
) -> &'b [u8] {
    const KEPT: [[usize; 2]; 4] = [[2, 2], [1, 2], [2, 1], [1, 1]];
    if !elongated || words.known(form_hash(folded)).is_some() {
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
        if words.known(form_hash(&buffer[..len])).is_some() {
            break;
        }
    }
    &buffer[..len]
}
