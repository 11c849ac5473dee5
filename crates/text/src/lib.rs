//! The normal form of texts: equal for texts that look equal, however a client encoded them.
//!
//! Terms: a *white space run* is one or more characters of white space; an *ignored* character has no
//! width and no effect on the words: a soft hyphen, a zero-width space, a byte order mark, a mark of
//! writing direction.
//!
//! The normal form is Unicode's NFC, with fullwidth forms of ASCII as ASCII, without ignored
//! characters, and with each white space run as one space, or, with [`LineBreaks::Kept`], as one line
//! break if it contains one. A zero-width joiner between two emoji stays, because it is part of one
//! picture.
//!
//! Guarantees: normalising is idempotent. A text in normal form is returned as it is, without an
//! allocation. Time is linear in the length of the text. [`Normalised::original_range`] converts
//! offsets to those of the original text.
//!
//! Must not know: posts, cities, scorers. The normal form is for comparing; it is not stored.
//!
//! ```
//! use moodvane_text::normal_form;
//!
//! assert_eq!(normal_form("New\u{a0}\n York"), "New York");
//! assert_eq!(normal_form("wonder\u{ad}ful cafe\u{301} \u{ff2f}\u{ff2b}"), "wonderful café OK");
//! ```

mod chars;
mod offsets;

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

use self::chars::{Change, change, needs_composition_check};

pub use self::offsets::{Normalised, normalise_with_offsets};

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();

/// The normal form of a line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineBreaks {
    /// A space, as for other white space.
    AsSpace,
    /// One line break for each white space run that contains one.
    Kept,
}

/// The normal form of `text`, with line breaks as spaces.
#[must_use]
pub fn normal_form(text: &str) -> Cow<'_, str> {
    if is_normal(text, LineBreaks::AsSpace) {
        return Cow::Borrowed(text);
    }
    let mut normal = String::new();
    write_normal(text, LineBreaks::AsSpace, &mut normal);
    Cow::Owned(normal)
}

/// The normal form of `text`: the text itself, or the content of `buffer`, which is overwritten.
#[must_use]
pub fn normalise<'t>(text: &'t str, line_breaks: LineBreaks, buffer: &'t mut String) -> &'t str {
    if is_normal(text, line_breaks) {
        return text;
    }
    write_normal(text, line_breaks, buffer);
    buffer
}

/// Whether a text has only white space and ignored characters.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_whitespace() || chars::is_ignored(c))
}

fn is_normal(text: &str, line_breaks: LineBreaks) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut after_space = false;
    let mut check_composition = false;
    while let Some(&byte) = bytes.get(at) {
        // Most posts have only these.
        if (b' '..0x80).contains(&byte) {
            let is_space = byte == b' ';
            if is_space && after_space {
                return false;
            }
            after_space = is_space;
            at += 1;
            continue;
        }
        let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else {
            return false;
        };
        match change(text, at, c, line_breaks) {
            Change::Space(normal) if after_space || normal != c => return false,
            Change::Space(_) => after_space = true,
            Change::Keep => {
                after_space = false;
                check_composition |= needs_composition_check(c);
            }
            Change::Drop | Change::To(_) => return false,
        }
        at += c.len_utf8();
    }
    !check_composition || NFC.is_normalized(text)
}

fn write_normal(text: &str, line_breaks: LineBreaks, normal: &mut String) {
    normal.clear();
    normal.reserve(text.len());
    for (_, c) in mapped(text, line_breaks) {
        normal.push(c);
    }
    if !NFC.is_normalized(normal) {
        normal.clear();
        let mapped = mapped(text, line_breaks).map(|(_, c)| c);
        normal.extend(NFC.normalize_iter(mapped));
    }
}

/// The characters of the normal form before composition, each with the offset of its original.
pub(crate) fn mapped(
    text: &str,
    line_breaks: LineBreaks,
) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (at, c) = rest.next()?;
            match change(text, at, c, line_breaks) {
                Change::Keep => return Some((at, c)),
                Change::To(other) => return Some((at, other)),
                Change::Drop => {}
                Change::Space(mut space) => {
                    // The rest of the run, and what is ignored within it.
                    while let Some(&(at, c)) = rest.peek() {
                        match change(text, at, c, line_breaks) {
                            Change::Space('\n') => space = '\n',
                            Change::Space(_) | Change::Drop => {}
                            Change::Keep | Change::To(_) => break,
                        }
                        rest.next();
                    }
                    return Some((at, space));
                }
            }
        }
    })
}
