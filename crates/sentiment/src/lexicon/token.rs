//! The tokeniser: one pass over a text, from bytes to tokens.
//!
//! Term: a *break* is punctuation that ends a clause.
//!
//! Guarantees: each byte is visited a bounded number of times. The only allocation is the list of tokens,
//! which grows to the size of the longest text. Links and mentions produce no token.

use super::table::{Entry, Meaning, Role, Tables};
use super::word::{Shape, WordBuffer};
use crate::apostrophe::{self, AfterApostrophe};
use crate::work::count_work;

/// One word or symbol of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Token {
    pub(crate) entry: Entry,
    /// A clause ends before it.
    pub(crate) breaks: bool,
    /// It is written in capitals.
    pub(crate) capitals: bool,
    /// It is elongated.
    pub(crate) elongated: bool,
}

/// The tokens of a text. Reused between calls to avoid allocations.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) list: Vec<Token>,
    /// The number of exclamation marks.
    pub(crate) exclamations: u32,
    /// The number of question marks.
    pub(crate) questions: u32,
    /// Some word is not in capitals, so that capitals are emphasis.
    pub(crate) small_letters: bool,
}

/// Tokenises `text` into `tokens`, which is cleared first.
pub(crate) fn tokenise(text: &str, tables: &Tables, tokens: &mut Tokens) {
    tokens.list.clear();
    tokens.exclamations = 0;
    tokens.questions = 0;
    tokens.small_letters = false;
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        hashtag: false,
        breaks: false,
        tables,
        tokens,
    };
    while reader.at < reader.bytes.len() {
        reader.step();
    }
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    hashtag: bool,
    breaks: bool,
    tables: &'a Tables,
    tokens: &'a mut Tokens,
}

impl Reader<'_> {
    fn step(&mut self) {
        count_work(1);
        let byte = self.bytes[self.at];
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => self.word_or_emoticon(byte),
            b' ' => self.at += 1,
            0x80.. => self.non_ascii(),
            _ => self.punctuation(byte),
        }
        if byte != b'#' && !byte.is_ascii_alphanumeric() && byte < 0x80 {
            self.hashtag = false;
        }
    }

    fn word_or_emoticon(&mut self, byte: u8) {
        if matches!(byte, b'x' | b'X' | b'8' | b'D') && self.emoticon() {
            return;
        }
        self.word();
    }

    /// Reads an emoticon, if there is one here.
    fn emoticon(&mut self) -> bool {
        let Some(found) = self.tables.emoticons.find_at(self.bytes, self.at) else {
            return false;
        };
        self.at += found.len;
        self.symbol(found.valence);
        true
    }

    fn symbol(&mut self, valence: i16) {
        let meaning = Meaning {
            role: Role::Symbol,
            valence,
        };
        self.push(Entry { meaning, number: 0 }, Shape::default());
    }

    fn push(&mut self, entry: Entry, shape: Shape) {
        self.tokens.list.push(Token {
            entry,
            breaks: std::mem::take(&mut self.breaks),
            capitals: shape.capitals(),
            elongated: shape.elongated,
        });
        self.tokens.small_letters |= shape.small > 0;
    }

    /// Reads a non-ASCII character.
    fn non_ascii(&mut self) {
        let Some(c) = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        else {
            self.at += 1;
            return;
        };
        if let Some(valence) = self.tables.emoji(c) {
            self.at += c.len_utf8();
            self.symbol(valence);
            return;
        }
        let before = self.at;
        if c.is_alphanumeric() {
            self.word();
        }
        // A letter-like apostrophe starts no word but must be skipped.
        if self.at > before {
            return;
        }
        self.at += c.len_utf8();
        self.breaks |= matches!(c, '\u{2026}' | '\u{2013}' | '\u{2014}' | '\u{3002}');
    }

    /// Reads an ASCII character other than a letter, digit or space.
    fn punctuation(&mut self, byte: u8) {
        if matches!(
            byte,
            b':' | b';' | b'=' | b'(' | b')' | b'<' | b'>' | b'\\' | b'^' | b'-'
        ) && self.emoticon()
        {
            return;
        }
        self.at += 1;
        match byte {
            b'@' => self.skip_mention(),
            b'#' => self.hashtag = true,
            b'!' => {
                self.tokens.exclamations = self.tokens.exclamations.saturating_add(1);
                self.breaks = true;
            }
            b'?' => {
                self.tokens.questions = self.tokens.questions.saturating_add(1);
                self.breaks = true;
            }
            b'.' | b',' | b';' | b':' | b'\n' | b'(' | b')' | b'"' => self.breaks = true,
            _ => {}
        }
    }

    /// Skips the name of a mention: letters, digits and `_`, with single dots or hyphens inside.
    fn skip_mention(&mut self) {
        let name = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        loop {
            while name(self.bytes.get(self.at)) {
                count_work(1);
                self.at += 1;
            }
            let inside = matches!(self.bytes.get(self.at), Some(b'.' | b'-'))
                && self.at > 0
                && name(self.bytes.get(self.at - 1))
                && name(self.bytes.get(self.at + 1));
            if !inside {
                return;
            }
            self.at += 1;
        }
    }

    fn word(&mut self) {
        let mut word = WordBuffer::default();
        while let Some(&byte) = self.bytes.get(self.at) {
            count_work(1);
            if byte.is_ascii_alphanumeric() {
                if self.hashtag && byte.is_ascii_uppercase() && word.ended_small {
                    break;
                }
                word.push_ascii(byte);
                self.at += 1;
                continue;
            }
            let apostrophe = if byte == b'\'' { 1 } else { 0 };
            if apostrophe == 0 && byte < 0x80 {
                break;
            }
            if !self.inside_word(&mut word, apostrophe) {
                break;
            }
        }
        if self.skip_link() {
            return;
        }
        let entry = word.entry(self.tables);
        self.push(entry, word.shape);
    }

    /// Reads an apostrophe or a non-ASCII letter of the word; `false` if the word ends here.
    fn inside_word(&mut self, word: &mut WordBuffer, ascii_apostrophe: usize) -> bool {
        if ascii_apostrophe == 1 {
            return self.apostrophe(1);
        }
        let Some(c) = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        else {
            return false;
        };
        let len = c.len_utf8();
        match c {
            '\u{2019}' | '\u{2018}' | '\u{2bc}' | '\u{ff07}' => return self.apostrophe(len),
            // A combining accent belongs to the preceding letter.
            '\u{300}'..='\u{36f}' => {}
            c if c.is_alphanumeric() => word.push_non_ascii(c),
            _ => return false,
        }
        self.at += len;
        true
    }

    /// Skips an apostrophe of `len` bytes; `false` if the word ends.
    fn apostrophe(&mut self, len: usize) -> bool {
        let after = apostrophe::skip(self.bytes, self.at, len);
        let (AfterApostrophe::Continues(at) | AfterApostrophe::Ends(at)) = after;
        self.at = at;
        matches!(after, AfterApostrophe::Continues(_))
    }

    /// Skips the rest of a link after its first word: `scheme://…`, `www.…`, `pic.twitter.…`.
    fn skip_link(&mut self) -> bool {
        let rest = &self.bytes[self.at..];
        let before = &self.bytes[..self.at];
        let is_link = match rest.first() {
            Some(b':') => rest.starts_with(b"://"),
            Some(b'.') => {
                let ends = |s: &[u8]| {
                    let tail = before
                        .len()
                        .checked_sub(s.len())
                        .map(|from| &before[from..]);
                    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(s))
                };
                ends(b"www") || (ends(b"pic") && rest.starts_with(b".twitter."))
            }
            _ => false,
        };
        if is_link {
            let from = self.at;
            let end = self
                .text
                .get(self.at..)
                .and_then(|rest| rest.find(char::is_whitespace));
            self.at = end.map_or(self.bytes.len(), |end| self.at + end);
            count_work(self.at - from);
        }
        is_link
    }
}
