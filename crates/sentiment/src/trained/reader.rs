//! The reader: one pass over a text, from bytes to pieces.
//!
//! Guarantees: each byte is visited a bounded number of times, so that time is linear in the length of
//! the text. All names of mentions and all addresses of links yield the same piece.

mod punctuation;

use super::piece::{Kind, MAX_PIECES, Piece, Pieces, Style};
use super::split::Splitter;
use super::word::{MAX_FORM, WordBuffer, normalise};
use super::words::{Entry, Role, Words, form_hash};
use crate::apostrophe::{self, AfterApostrophe};
use crate::lexicon::emoticon::Emoticons;
use crate::work::count_work;

/// The scope of a negator in pieces, within its clause.
const NEGATION_SCOPE: u8 = 5;

/// The lookup tables of a reader.
#[derive(Clone, Copy)]
pub(crate) struct Tables<'a> {
    pub(crate) words: &'a Words,
    pub(crate) emoticons: &'a Emoticons,
    pub(crate) splitter: Splitter<'a>,
}

/// Reads `text` into `pieces`, which is cleared first.
pub(crate) fn read(text: &str, tables: Tables<'_>, pieces: &mut Pieces) {
    pieces.clear();
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        from: 0,
        negated: 0,
        tables,
        pieces,
    };
    while reader.at < reader.bytes.len() && reader.pieces.list.len() < MAX_PIECES {
        reader.step();
    }
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Where the current piece starts.
    from: usize,
    negated: u8,
    tables: Tables<'a>,
    pieces: &'a mut Pieces,
}

impl Reader<'_> {
    fn step(&mut self) {
        count_work(1);
        let byte = self.bytes[self.at];
        self.from = self.at;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
            b'a'..=b'z' | b'A'..=b'Z' => self.letter(byte),
            b'0'..=b'9' => self.digit(),
            0x80.. => self.non_ascii(),
            _ => self.punctuation(byte),
        }
    }

    fn style(&mut self) -> &mut Style {
        &mut self.pieces.style
    }

    fn letter(&mut self, byte: u8) {
        if matches!(byte, b'x' | b'X' | b'D') && self.emoticon() {
            return;
        }
        if self.link() {
            return;
        }
        self.word(false);
    }

    fn digit(&mut self) {
        if self.bytes[self.at] == b'8' && self.emoticon() {
            return;
        }
        let digits = run_length(&self.bytes[self.at..], |b| b.is_ascii_digit());
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

    fn emoticon(&mut self) -> bool {
        let Some(found) = self.tables.emoticons.find_at(self.bytes, self.at) else {
            return false;
        };
        let mut form = [0; 8];
        let mut len = 0;
        for &byte in &self.bytes[self.at..self.at + found.len] {
            // Noses and repeated mouths do not change the form.
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
        let entry = Entry {
            vader: valence,
            afinn: valence,
            role: Role::Plain,
        };
        let negated = std::mem::take(&mut self.negated);
        self.push(Kind::Symbol, form, entry);
        self.negated = negated;
    }

    fn push_form(&mut self, kind: Kind, form: &[u8]) {
        self.push(kind, form, Entry::default());
    }

    fn push(&mut self, kind: Kind, form: &[u8], entry: Entry) {
        let hash = form_hash(form);
        self.push_hashed(kind, form, hash, entry);
    }

    fn push_hashed(&mut self, kind: Kind, form: &[u8], hash: u64, entry: Entry) {
        let start = self.pieces.forms.len() as u32;
        self.pieces.forms.extend_from_slice(form);
        self.pieces.list.push(Piece {
            kind,
            hash: hash ^ ((kind as u64) << 60),
            start,
            len: form.len() as u16,
            from: self.from as u32,
            to: self.at as u32,
            entry,
            negated: self.negated > 0,
            capitals: false,
            elongated: false,
            tagged: false,
        });
    }

    /// Ends the clause and the scope of a negator.
    fn end_clause(&mut self) {
        self.negated = 0;
    }

    fn char(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn non_ascii(&mut self) {
        let Some(c) = self.char() else {
            self.at += 1;
            return;
        };
        let before = self.at;
        if c.is_alphabetic() {
            self.word(false);
        }
        // A letter-like apostrophe starts no word but must be skipped.
        if self.at > before {
            return;
        }
        self.at += c.len_utf8();
        match c {
            '\u{2026}' => self.ellipsis(),
            '\u{201c}' | '\u{201d}' => self.style().quotes += 1,
            '\u{2013}' | '\u{2014}' | '\u{3002}' => self.end_clause(),
            // Modifiers of the preceding emoji, and the joiner.
            '\u{fe0e}' | '\u{fe0f}' | '\u{200d}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{20e3}' => {}
            c if is_emoji(c) => {
                let valence = self.tables.words.emoji(c).unwrap_or_default();
                self.symbol(c.encode_utf8(&mut [0; 4]).as_bytes(), valence);
            }
            _ => {}
        }
    }

    /// Reads a word. Inside a hashtag, a capital after a small letter ends it.
    fn word(&mut self, tagged: bool) {
        self.from = self.at;
        let mut word = WordBuffer::default();
        while let Some(&byte) = self.bytes.get(self.at) {
            count_work(1);
            match byte {
                b'a'..=b'z' => word.push_small(byte),
                b'A'..=b'Z' if tagged && word.ended_small => break,
                b'A'..=b'Z' => word.push_capital(byte),
                b'0'..=b'9' => word.push_byte(byte),
                b'\'' if !tagged && self.apostrophe(1) => continue,
                0x80.. if self.non_ascii_in_word(&mut word, tagged) => continue,
                _ => break,
            }
            self.at += 1;
        }
        self.finish(&word, tagged);
    }

    /// Reads a non-ASCII character of the word; `false` if the word ends here.
    fn non_ascii_in_word(&mut self, word: &mut WordBuffer, tagged: bool) -> bool {
        let Some(c) = self.char() else {
            return false;
        };
        match c {
            '\u{2019}' | '\u{2018}' | '\u{2bc}' | '\u{ff07}' => {
                return !tagged && self.apostrophe(c.len_utf8());
            }
            // A combining accent belongs to the preceding letter.
            '\u{300}'..='\u{36f}' => {}
            c if c.is_alphanumeric() => word.push_non_ascii(c),
            _ => return false,
        }
        self.at += c.len_utf8();
        true
    }

    /// Skips an apostrophe of `len` bytes; `false` if the word ends.
    fn apostrophe(&mut self, len: usize) -> bool {
        let after = apostrophe::skip(self.bytes, self.at, len);
        let (AfterApostrophe::Continues(at) | AfterApostrophe::Ends(at)) = after;
        self.at = at;
        matches!(after, AfterApostrophe::Continues(_))
    }

    fn finish(&mut self, word: &WordBuffer, tagged: bool) {
        let folded = &word.folded[..word.len];
        if folded.is_empty() {
            return;
        }
        if tagged && word.len > 3 && self.tables.words.entry(form_hash(folded)).is_none() {
            let split = self.tables.splitter.split(folded);
            if split.count() > 1 {
                for (from, to) in split.parts() {
                    self.push_word(&folded[from..to], word, tagged);
                }
                return;
            }
        }
        self.push_word(folded, word, tagged);
    }

    fn push_word(&mut self, folded: &[u8], word: &WordBuffer, tagged: bool) {
        let mut buffer = [0; MAX_FORM];
        let form = normalise(folded, word.elongated, self.tables.words, &mut buffer);
        let hash = form_hash(form);
        let entry = self.tables.words.entry(hash).unwrap_or_default();
        let capitals = word.capital >= 2 && word.small == 0;
        let style = &mut self.pieces.style;
        style.words += 1;
        style.capitals += u32::from(capitals && !tagged);
        style.elongated += u32::from(word.elongated);
        if entry.role == Role::Turn {
            self.end_clause();
        }
        self.push_hashed(Kind::Word, form, hash, entry);
        if let Some(piece) = self.pieces.list.last_mut() {
            piece.capitals = capitals && !tagged;
            piece.elongated = word.elongated;
            piece.tagged = tagged;
        }
        if entry.role == Role::Negator {
            self.pieces.style.negators += 1;
            self.negated = NEGATION_SCOPE;
        } else {
            self.negated = self.negated.saturating_sub(1);
        }
    }
}

fn run_length(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let count = bytes.iter().take_while(|b| is(**b)).count();
    count_work(count + 1);
    count
}

/// Whether `c` is a symbol or pictograph other than a space.
fn is_emoji(c: char) -> bool {
    let symbol = matches!(
        c,
        '\u{203c}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    );
    symbol && !c.is_whitespace()
}
