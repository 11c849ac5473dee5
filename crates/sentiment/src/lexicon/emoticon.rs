//! Emoticons: finds the longest one at a position of a text.
//!
//! Guarantee: a position is compared only with the emoticons that share its first byte, a number bounded
//! by the tables, so that time is linear in the length of the text.

use super::data::{AFINN_EMOTICONS, POINT, lines, own};
use crate::work::count_work;

/// Emoticons by first byte, longest first.
pub(crate) struct Emoticons {
    by_first: Vec<Vec<(&'static [u8], i16)>>,
    /// Whether any emoticon has this byte second: rules out most colons quickly.
    second: [bool; 256],
}

/// An emoticon found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Length in bytes, including repetitions of its last byte.
    pub(crate) len: usize,
    /// Valence in hundredths of an AFINN point.
    pub(crate) valence: i16,
}

impl Emoticons {
    pub(crate) fn build() -> Self {
        let mut emoticons = Self {
            by_first: vec![Vec::new(); 256],
            second: [false; 256],
        };
        for (text, valence) in lines(AFINN_EMOTICONS) {
            emoticons.add(text, valence);
        }
        for (text, valence) in own("emoticon") {
            emoticons.add(text, valence * POINT);
        }
        for list in &mut emoticons.by_first {
            list.sort_by_key(|(text, _)| (std::cmp::Reverse(text.len()), *text));
        }
        emoticons
    }

    fn add(&mut self, text: &'static str, valence: i16) {
        // The only non-ASCII emoticon, a heart, is in the emoji table.
        let &[first, second, ..] = text.as_bytes() else {
            return;
        };
        let list = &mut self.by_first[usize::from(first)];
        if !text.is_ascii() || list.iter().any(|(known, _)| *known == text.as_bytes()) {
            return;
        }
        list.push((text.as_bytes(), valence));
        self.second[usize::from(second)] = true;
    }

    /// The emoticon at offset `at`, if there is one.
    pub(crate) fn find_at(&self, text: &[u8], at: usize) -> Option<Found> {
        let first = *text.get(at)?;
        let second = *text.get(at + 1)?;
        if !self.second[usize::from(second)] || !may_begin(text, at) {
            return None;
        }
        let rest = &text[at..];
        let (face, valence) = self.by_first[usize::from(first)]
            .iter()
            .inspect(|_| count_work(1))
            .find(|(face, _)| rest.starts_with(face) && may_end(face, rest))?;
        let last = *face.last()?;
        let repeated = rest[face.len()..].iter().take_while(|&&b| b == last);
        // Letters repeat in words, not in emoticons.
        let repeated = if last.is_ascii_alphanumeric() {
            0
        } else {
            repeated.count()
        };
        count_work(repeated);
        Some(Found {
            len: face.len() + repeated,
            valence: *valence,
        })
    }
}

/// Eyes may directly follow a word; brackets, letters and dashes may not.
fn may_begin(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    let Some(before) = before else {
        return true;
    };
    match text[at] {
        b':' | b';' => !before.is_ascii_digit(),
        b'<' => true,
        _ => before.is_ascii_whitespace() || *before >= 0x80,
    }
}

/// A mouth that is a letter, digit or opening bracket may instead start other text.
fn may_end(face: &[u8], rest: &[u8]) -> bool {
    let opens = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'(' | b'[' | b'{' | b'/' | b'*');
    let last = face.last().copied().unwrap_or_default();
    let next = rest.get(face.len()).copied().unwrap_or(b' ');
    !(opens(last) && next.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use crate::lexicon::table::tables;

    fn found(text: &str, at: usize) -> Option<(usize, i16)> {
        let found = tables().emoticons.find_at(text.as_bytes(), at)?;
        Some((found.len, found.valence))
    }

    #[test]
    fn finds_longest_emoticon_with_repetitions() {
        let cases = [
            (":)", 0, Some((2, 200))),
            (":))", 0, Some((3, 300))),
            (":-(((((((((", 0, Some((11, -300))),
            ("great:)", 5, Some((2, 200))),
            ("<3<3", 0, Some((2, 300))),
            ("</3", 0, Some((3, -300))),
            ("xD", 0, Some((2, 300))),
            ("maxD", 2, None),
            ("(see 8)", 5, Some((2, 200))),
            ("18)", 1, None),
            ("at 10:(", 5, None),
            ("so:Do it", 2, None),
            ("names:[a", 5, None),
            ("a:b", 1, None),
            (":", 0, None),
        ];
        for (text, at, expected) in cases {
            assert_eq!(found(text, at), expected, "{text}");
        }
    }
}
