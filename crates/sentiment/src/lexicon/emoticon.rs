//! Emoticons: the longest one that a text has at a place.
//!
//! Guarantee: a place is compared with the emoticons that begin with its first byte only, a number
//! fixed by the tables, so that a text costs time linear in its length.

use super::table::{AFINN_EMOTICONS, POINT, lines, own};
use crate::work::done;

/// Emoticons by their first byte, the longest first.
pub(crate) struct Emoticons {
    by_first: Vec<Vec<(&'static [u8], i16)>>,
    /// Whether any emoticon has this byte second: most colons are not faces.
    second: [bool; 256],
}

/// An emoticon found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// How many bytes it takes, with all repetitions of its last byte.
    pub(crate) len: usize,
    /// In hundredths of an AFINN point.
    pub(crate) valence: i16,
}

impl Emoticons {
    pub(crate) fn build() -> Self {
        let mut this = Self {
            by_first: vec![Vec::new(); 256],
            second: [false; 256],
        };
        for (text, valence) in lines(AFINN_EMOTICONS) {
            this.add(text, valence);
        }
        for (text, valence) in own("emoticon") {
            this.add(text, valence * POINT);
        }
        for list in &mut this.by_first {
            list.sort_by_key(|(text, _)| (std::cmp::Reverse(text.len()), *text));
        }
        this
    }

    fn add(&mut self, text: &'static str, valence: i16) {
        // The one emoticon that is not ASCII, a heart, stands among the emoji.
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

    /// The emoticon that begins at `at`, if one does.
    pub(crate) fn at(&self, text: &[u8], at: usize) -> Option<Found> {
        let first = *text.get(at)?;
        let second = *text.get(at + 1)?;
        if !self.second[usize::from(second)] || !may_begin(text, at) {
            return None;
        }
        let rest = &text[at..];
        let (face, valence) = self.by_first[usize::from(first)]
            .iter()
            .inspect(|_| done(1))
            .find(|(face, _)| rest.starts_with(face) && may_end(face, rest))?;
        let last = *face.last()?;
        let repeated = rest[face.len()..].iter().take_while(|&&b| b == last);
        // Letters repeat in words, not in faces.
        let repeated = if last.is_ascii_alphanumeric() {
            0
        } else {
            repeated.count()
        };
        done(repeated);
        Some(Found {
            len: face.len() + repeated,
            valence: *valence,
        })
    }
}

/// Eyes may stand right behind a word; what may be a bracket, a letter or a dash may not.
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

/// A mouth that is a letter, a digit or an opening bracket may open something else instead.
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
        let found = tables().emoticons.at(text.as_bytes(), at)?;
        Some((found.len, found.valence))
    }

    #[test]
    fn the_longest_emoticon_is_found_with_its_repetitions() {
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
