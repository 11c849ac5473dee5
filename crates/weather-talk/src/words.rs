//! Splits a text in normal form into the words that the list knows.
//!
//! Terms: a *word* is a run of letters and digits, without apostrophes, in lower case; a symbol, such as "☔", is a
//! word if the list has it. Links and mentions have no words. A hashtag is split at capitals and digits.
//! A *key* is a word of at most 16 bytes as a number; a longer word has the key of no entry. A word is *elongated*
//! if a letter occurs three times in a row; it is found by its *squeezed* form, in which each run of a letter is one
//! letter.
//!
//! Guarantees: one pass; each byte is read a bounded number of times.

use hashbrown::HashMap;

/// A word's number in the vocabulary.
pub(crate) type WordId = u16;

/// A word that the list does not have.
pub(crate) const UNKNOWN: WordId = 0;
/// A number from -60 to 130.
pub(crate) const NUMBER: WordId = 1;
/// Such a number with a degree sign.
pub(crate) const DEGREES: WordId = 2;
/// The first number of the vocabulary's own words.
const FIRST: WordId = 3;

/// Numbers that are rather an angle than a temperature when a degree sign follows.
const ANGLES: [i32; 3] = [45, 90, 100];

/// A word of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    pub(crate) id: WordId,
    /// Whether a phrase may not extend from the word before to this one.
    pub(crate) starts_clause: bool,
    /// Whether only the first letter is a capital, and not because of the start of a clause or a hashtag.
    pub(crate) is_title: bool,
    /// Whether the word is part of an exception; the matcher decides this.
    pub(crate) is_excepted: bool,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The words of the list.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    ids: HashMap<u128, WordId>,
    squeezed: HashMap<u128, WordId>,
    count: WordId,
    pub(crate) fragments: Vec<(String, WordId)>,
    pub(crate) no_fragments: Vec<String>,
}

impl Vocabulary {
    /// The number of a word, which is added if it is new.
    pub(crate) fn insert(&mut self, word: &str) -> WordId {
        match word {
            "<n>" => return NUMBER,
            "<deg>" => return DEGREES,
            _ => {}
        }
        let Some(exact) = key(word, false) else {
            return UNKNOWN;
        };
        let next = self.count.saturating_add(FIRST);
        let id = *self.ids.entry(exact).or_insert(next);
        if id == next {
            self.count = self.count.saturating_add(1);
            if let Some(squeezed) = key(word, true) {
                self.squeezed.entry(squeezed).or_insert(id);
            }
        }
        id
    }

    fn find(&self, word: &str) -> WordId {
        if let Some(id) = key(word, false).and_then(|key| self.ids.get(&key)) {
            return *id;
        }
        if !is_elongated(word) {
            return UNKNOWN;
        }
        let squeezed = key(word, true).and_then(|key| self.squeezed.get(&key));
        squeezed.copied().unwrap_or(UNKNOWN)
    }
}

/// The key of a word without its apostrophes, or of its squeezed form, if that has 1 to 16 bytes. Only ASCII letters
/// change case.
fn key(word: &str, squeeze: bool) -> Option<u128> {
    let mut key = 0_u128;
    let mut length = 0;
    let mut last = 0;
    let mut rest = word.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let byte = byte.to_ascii_lowercase();
        match byte {
            b'\'' => continue,
            0xe2 if rest.starts_with(&[0x80, 0x99]) => {
                rest = rest.get(2..).unwrap_or_default();
                continue;
            }
            _ if squeeze && byte == last => continue,
            _ => {}
        }
        last = byte;
        length += 1;
        if length > 16 {
            return None;
        }
        key = key << 8 | u128::from(byte);
    }
    (length > 0).then_some(key)
}

fn is_elongated(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.windows(3).any(|run| match run {
        [a, b, c] => {
            a.is_ascii_alphabetic() && a.eq_ignore_ascii_case(b) && b.eq_ignore_ascii_case(c)
        }
        _ => false,
    })
}

/// Writes the words of `text` to `words`, which is cleared first. Positions fit, because the detector reads less
/// than 4 GiB of a text.
pub(crate) fn split(text: &str, vocabulary: &Vocabulary, words: &mut Vec<Word>) {
    words.clear();
    let mut splitter = Splitter {
        text,
        vocabulary,
        words,
        at: 0,
        starts_clause: true,
    };
    while let Some(c) = splitter.char_at(splitter.at) {
        splitter.step(c);
    }
}

struct Splitter<'t, 'v> {
    text: &'t str,
    vocabulary: &'v Vocabulary,
    words: &'v mut Vec<Word>,
    at: usize,
    starts_clause: bool,
}

impl<'t> Splitter<'t, '_> {
    fn char_at(&self, at: usize) -> Option<char> {
        let byte = *self.text.as_bytes().get(at)?;
        if byte < 0x80 {
            return Some(char::from(byte));
        }
        self.text.get(at..)?.chars().next()
    }

    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn step(&mut self, c: char) {
        match c {
            ' ' | ',' | '\'' | '"' | '*' | '_' => self.at += 1,
            '@' => {
                self.at += 1;
                self.at = self.end_of(self.at, |c| is_letter(c) || matches!(c, '_' | '.' | '-'));
                self.starts_clause = true;
            }
            '#' => {
                let start = self.at + 1;
                let end = self.end_of(start, |c| is_letter(c) || c == '_');
                self.hashtag(start, end);
                self.at = end.max(start);
            }
            '0'..='9' => self.number(),
            c if is_letter(c) => {
                let start = self.at;
                if self.is_link() {
                    self.at = self.end_of(start, |c| c != ' ' && c != '\n');
                } else {
                    self.at = self.end_of(start, |c| is_letter(c) || is_apostrophe(c));
                    self.push(start, self.at);
                }
            }
            c if c.is_ascii() => {
                self.starts_clause |=
                    matches!(c, '.' | '!' | '?' | ';' | '|' | '\n' | '(' | ')' | ':');
                self.at += 1;
            }
            c => {
                let end = self.at + c.len_utf8();
                let id = self.vocabulary.find(self.slice(self.at, end));
                if id != UNKNOWN {
                    self.push_id(id, self.at, end);
                }
                self.at = end;
            }
        }
    }

    /// The first position from `at` where the character does not hold.
    fn end_of(&self, mut at: usize, holds: impl Fn(char) -> bool) -> usize {
        while let Some(c) = self.char_at(at) {
            if !holds(c) {
                break;
            }
            at += c.len_utf8();
        }
        at
    }

    fn is_link(&self) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let starts = |prefix: &[u8]| {
            rest.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        match rest.first() {
            Some(b'h' | b'H') => starts(b"http://") || starts(b"https://"),
            Some(b'w' | b'W') => starts(b"www."),
            Some(b'p' | b'P') => starts(b"pic.twitter.com/"),
            _ => false,
        }
    }

    fn push(&mut self, start: usize, end: usize) {
        let id = self.vocabulary.find(self.slice(start, end));
        self.push_id(id, start, end);
    }

    fn push_id(&mut self, id: WordId, start: usize, end: usize) {
        let starts_clause = std::mem::take(&mut self.starts_clause);
        let mut letters = self.slice(start, end).chars();
        let is_title = letters.next().is_some_and(char::is_uppercase)
            && letters.next().is_some_and(char::is_lowercase)
            && !self
                .text
                .get(..start)
                .is_some_and(|before| before.ends_with('#'));
        let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.words.push(Word {
            id,
            starts_clause,
            is_excepted: false,
            is_title: is_title && !starts_clause,
            start: position(start),
            end: position(end),
        });
    }

    /// Digits, a degree sign or a unit that follows, and letters that are joined to them.
    fn number(&mut self) {
        let start = self.at;
        let digits = self.end_of(start, |c| c.is_ascii_digit());
        let value: Option<i32> = self.slice(start, digits).parse().ok();
        let is_negative = self.slice(0, start).ends_with('-');
        let value = value.map(|value| if is_negative { -value } else { value });
        self.at = digits;
        let Some(value) = value.filter(|value| (-60..=130).contains(value)) else {
            self.push_id(UNKNOWN, start, digits);
            return;
        };
        let sign = self.end_of(digits, |c| c == ' ');
        match self.char_at(sign) {
            Some('°' | 'º' | '˚') if !ANGLES.contains(&value) => {
                self.at = self.end_of(sign, |c| matches!(c, '°' | 'º' | '˚'));
                self.push_id(DEGREES, start, self.at);
            }
            _ => self.push_id(NUMBER, start, digits),
        }
    }

    /// A hashtag as one word that the list has, or as its parts, or as a fragment.
    fn hashtag(&mut self, start: usize, end: usize) {
        let tag = self.slice(start, end);
        let id = self.vocabulary.find(tag);
        if id != UNKNOWN {
            self.push_id(id, start, end);
            return;
        }
        let fragment = self.fragment(tag);
        if fragment != UNKNOWN {
            self.push_id(fragment, start, end);
            return;
        }
        let mut part = start;
        while part < end {
            let next = self.end_of_part(part, end);
            if self.char_at(part) != Some('_') {
                self.push(part, next);
            }
            part = next;
        }
    }

    fn fragment(&self, tag: &str) -> WordId {
        let contains = |part: &String| {
            let windows = tag.as_bytes().windows(part.len().max(1));
            windows
                .into_iter()
                .any(|w| w.eq_ignore_ascii_case(part.as_bytes()))
        };
        let joins = |part: &str| {
            let ends = [
                tag.get(..part.len()),
                tag.len()
                    .checked_sub(part.len())
                    .and_then(|at| tag.get(at..)),
            ];
            ends.iter()
                .flatten()
                .any(|end| end.eq_ignore_ascii_case(part))
        };
        let fragment = self
            .vocabulary
            .fragments
            .iter()
            .find(|(part, _)| joins(part));
        match fragment {
            Some((_, id)) if !self.vocabulary.no_fragments.iter().any(contains) => *id,
            _ => UNKNOWN,
        }
    }

    /// The end of the part of a hashtag from `start`: before a capital after a small letter, before the last of
    /// several capitals, and between letters and digits.
    fn end_of_part(&self, start: usize, end: usize) -> usize {
        let mut at = start;
        let mut last: Option<char> = None;
        while at < end {
            let Some(c) = self.char_at(at) else { break };
            let next = self
                .char_at(at + c.len_utf8())
                .filter(|_| at + c.len_utf8() < end);
            if let Some(last) = last {
                let splits = c == '_'
                    || last == '_'
                    || last.is_ascii_digit() != c.is_ascii_digit()
                    || (c.is_uppercase()
                        && (last.is_lowercase() || next.is_some_and(char::is_lowercase)));
                if splits {
                    break;
                }
            }
            last = Some(c);
            at += c.len_utf8();
        }
        at
    }
}

fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        c.is_alphanumeric()
    }
}

fn is_apostrophe(c: char) -> bool {
    c == '\'' || c == '’'
}
