//! The reader: one pass over a text, from bytes to pieces.
//!
//! Guarantee: every byte is looked at a bounded number of times, so that time is linear in the
//! text's length. Every name of a mention and every address of a link give the same piece.

mod marks;

use super::piece::{Kind, MAX_PIECES, Piece, Reading, Style};
use super::split::Splitter;
use super::word::{MAX_FORM, Word, normal};
use super::words::{Known, Role, Words, form_hash};
use crate::apostrophe::{self, After};
use crate::lexicon::emoticon::Emoticons;
use crate::work::done;

/// A negator turns this many pieces after it, within its clause.
const NEGATION_REACH: u8 = 5;

/// The tables that a reader looks things up in.
#[derive(Clone, Copy)]
pub(crate) struct Tables<'a> {
    pub(crate) words: &'a Words,
    pub(crate) emoticons: &'a Emoticons,
    pub(crate) splitter: Splitter<'a>,
}

/// Reads `text` into `reading`, which is cleared first.
pub(crate) fn read(text: &str, tables: Tables<'_>, reading: &mut Reading) {
    reading.clear();
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        negated: 0,
        tables,
        reading,
    };
    while reader.at < reader.bytes.len() && reader.reading.pieces.len() < MAX_PIECES {
        reader.step();
    }
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    negated: u8,
    tables: Tables<'a>,
    reading: &'a mut Reading,
}

impl Reader<'_> {
    fn step(&mut self) {
        done(1);
        let byte = self.bytes[self.at];
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
            b'a'..=b'z' | b'A'..=b'Z' => self.letter(byte),
            b'0'..=b'9' => self.digit(),
            0x80.. => self.wide(),
            _ => self.mark(byte),
        }
    }

    fn style(&mut self) -> &mut Style {
        &mut self.reading.style
    }

    fn letter(&mut self, byte: u8) {
        if matches!(byte, b'x' | b'X' | b'D') && self.face() {
            return;
        }
        if self.link() {
            return;
        }
        self.word(false);
    }

    fn digit(&mut self) {
        if self.bytes[self.at] == b'8' && self.face() {
            return;
        }
        let digits = run(&self.bytes[self.at..], |b| b.is_ascii_digit());
        let after = self.bytes.get(self.at + digits);
        if after.is_some_and(u8::is_ascii_alphabetic) {
            self.word(false);
            return;
        }
        self.at += digits;
        self.style().numbers += 1;
        let form: &[u8] = match digits {
            1 => b"0",
            2 => b"00",
            3 => b"000",
            4 => b"0000",
            _ => b"00000",
        };
        self.push_form(Kind::Number, form);
    }

    fn face(&mut self) -> bool {
        let Some(found) = self.tables.emoticons.at(self.bytes, self.at) else {
            return false;
        };
        let mut form = [0; 8];
        let mut len = 0;
        for &byte in &self.bytes[self.at..self.at + found.len] {
            // Noses and repeated mouths say nothing more.
            if byte == b'-' || (len > 0 && form[len - 1] == byte) || len == form.len() {
                continue;
            }
            form[len] = byte;
            len += 1;
        }
        self.at += found.len;
        self.symbol(&form[..len], (found.valence / 10) as i8);
        true
    }

    fn symbol(&mut self, form: &[u8], valence: i8) {
        self.style().symbols += 1;
        let known = Known {
            vader: valence,
            afinn: valence,
            role: Role::Plain,
        };
        let negated = std::mem::take(&mut self.negated);
        self.push(Kind::Symbol, form, known);
        self.negated = negated;
    }

    fn push_form(&mut self, kind: Kind, form: &[u8]) {
        self.push(kind, form, Known::default());
    }

    fn push(&mut self, kind: Kind, form: &[u8], known: Known) {
        let hash = form_hash(form);
        self.place(kind, form, hash, known);
    }

    fn place(&mut self, kind: Kind, form: &[u8], hash: u64, known: Known) {
        let start = self.reading.forms.len() as u32;
        self.reading.forms.extend_from_slice(form);
        self.reading.pieces.push(Piece {
            kind,
            hash: hash ^ ((kind as u64) << 60),
            start,
            len: form.len() as u16,
            known,
            negated: self.negated > 0,
            capitals: false,
            elongated: false,
            tagged: false,
        });
    }

    /// A clause ends here, and with it a negator's reach.
    fn clause(&mut self) {
        self.negated = 0;
    }

    fn char(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn wide(&mut self) {
        let Some(c) = self.char() else {
            self.at += 1;
            return;
        };
        let before = self.at;
        if c.is_alphabetic() {
            self.word(false);
        }
        // An apostrophe that counts as a letter begins no word, but must be passed all the same.
        if self.at > before {
            return;
        }
        self.at += c.len_utf8();
        match c {
            '\u{2026}' => self.ellipsis(),
            '\u{201c}' | '\u{201d}' => self.style().quotes += 1,
            '\u{2013}' | '\u{2014}' | '\u{3002}' => self.clause(),
            // What changes the look of the emoji before it, or joins two.
            '\u{fe0e}' | '\u{fe0f}' | '\u{200d}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{20e3}' => {}
            c if is_emoji(c) => {
                let valence = self.tables.words.emoji(c).unwrap_or_default();
                self.symbol(c.encode_utf8(&mut [0; 4]).as_bytes(), valence);
            }
            _ => {}
        }
    }

    /// Takes a word; inside a hashtag it ends where a capital follows a small letter.
    fn word(&mut self, tagged: bool) {
        let mut word = Word::default();
        while let Some(&byte) = self.bytes.get(self.at) {
            done(1);
            match byte {
                b'a'..=b'z' => word.push_small(byte),
                b'A'..=b'Z' if tagged && word.ended_small => break,
                b'A'..=b'Z' => word.push_capital(byte),
                b'0'..=b'9' => word.push_byte(byte),
                b'\'' if !tagged && self.apostrophe(1) => continue,
                0x80.. if self.inside(&mut word, tagged) => continue,
                _ => break,
            }
            self.at += 1;
        }
        self.finish(&word, tagged);
    }

    /// Takes a wide character into the word; `false` where the word ends here.
    fn inside(&mut self, word: &mut Word, tagged: bool) -> bool {
        let Some(c) = self.char() else {
            return false;
        };
        match c {
            '\u{2019}' | '\u{2018}' | '\u{2bc}' | '\u{ff07}' => {
                return !tagged && self.apostrophe(c.len_utf8());
            }
            // A combining accent belongs to the letter before it.
            '\u{300}'..='\u{36f}' => {}
            c if c.is_alphanumeric() => word.push_wide(c),
            _ => return false,
        }
        self.at += c.len_utf8();
        true
    }

    /// Looks past an apostrophe of `len` bytes; `false` where the word ends.
    fn apostrophe(&mut self, len: usize) -> bool {
        let after = apostrophe::after(self.bytes, self.at, len);
        let (After::GoesOn(at) | After::Ended(at)) = after;
        self.at = at;
        matches!(after, After::GoesOn(_))
    }

    fn finish(&mut self, word: &Word, tagged: bool) {
        let whole = &word.folded[..word.len];
        if whole.is_empty() {
            return;
        }
        if tagged && word.len > 3 && self.tables.words.known(form_hash(whole)).is_none() {
            let cuts = self.tables.splitter.split(whole);
            if cuts.count() > 1 {
                for (from, to) in cuts.parts() {
                    self.push_word(&whole[from..to], word, tagged);
                }
                return;
            }
        }
        self.push_word(whole, word, tagged);
    }

    fn push_word(&mut self, folded: &[u8], word: &Word, tagged: bool) {
        let mut buffer = [0; MAX_FORM];
        let form = normal(folded, word.elongated, self.tables.words, &mut buffer);
        let hash = form_hash(form);
        let known = self.tables.words.known(hash).unwrap_or_default();
        let capitals = word.capital >= 2 && word.small == 0;
        let style = &mut self.reading.style;
        style.words += 1;
        style.capitals += u32::from(capitals && !tagged);
        style.elongated += u32::from(word.elongated);
        if known.role == Role::Turn {
            self.clause();
        }
        self.place(Kind::Word, form, hash, known);
        if let Some(piece) = self.reading.pieces.last_mut() {
            piece.capitals = capitals && !tagged;
            piece.elongated = word.elongated;
            piece.tagged = tagged;
        }
        if known.role == Role::Negator {
            self.reading.style.negators += 1;
            self.negated = NEGATION_REACH;
        } else {
            self.negated = self.negated.saturating_sub(1);
        }
    }
}

fn run(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let count = bytes.iter().take_while(|b| is(**b)).count();
    done(count + 1);
    count
}

/// Symbols and pictographs; no space is one.
fn is_emoji(c: char) -> bool {
    let symbol = matches!(
        c,
        '\u{203c}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    );
    symbol && !c.is_whitespace()
}
