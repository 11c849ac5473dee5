//! The change that the normal form makes to each character.

use crate::LineBreaks;

/// What becomes of a character before composition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It stays.
    Keep,
    /// It becomes this character.
    To(char),
    /// It is part of a white space run, as this character.
    Space(char),
    /// It is ignored.
    Drop,
}

const JOINER: char = '\u{200d}';
/// From a fullwidth form to its ASCII character.
const FULLWIDTH_OFFSET: u32 = 0xfee0;

/// The change of the character `c` at offset `at` of `text`.
pub(crate) fn change(text: &str, at: usize, c: char, line_breaks: LineBreaks) -> Change {
    match c {
        ' ' => Change::Space(' '),
        '!'..='~' => Change::Keep,
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' if line_breaks == LineBreaks::Kept => {
            Change::Space('\n')
        }
        c if c.is_whitespace() => Change::Space(' '),
        JOINER if joins_emoji(text, at) => Change::Keep,
        c if is_ignored(c) => Change::Drop,
        '\u{ff01}'..='\u{ff5e}' => {
            let plain = char::from_u32(u32::from(c) - FULLWIDTH_OFFSET);
            Change::To(plain.unwrap_or(c))
        }
        _ => Change::Keep,
    }
}

/// Whether a character has no width and no effect on words. White space is not ignored.
pub(crate) fn is_ignored(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' // soft hyphen
        | '\u{34f}' // combining grapheme joiner
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' // directions
        | '\u{180e}' // Mongolian vowel separator
        | '\u{200b}'..='\u{200d}' // zero-width space, non-joiner and joiner
        | '\u{2060}'..='\u{206f}' // word joiner, invisible operators, isolates
        | '\u{feff}' // byte order mark
    )
}

/// Whether the joiner at `at` stands between two emoji.
fn joins_emoji(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|t| t.chars().next_back());
    let after = text.get(at + JOINER.len_utf8()..);
    let after = after.and_then(|t| t.chars().next());
    before.is_some_and(|c| is_emoji(c) || c == '\u{fe0f}') && after.is_some_and(is_emoji)
}

fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{2190}'..='\u{21ff}'
        | '\u{2600}'..='\u{27bf}'
        | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}'
    )
}

/// Whether `c` may compose with another character or have another normal form. Characters below
/// U+0300 and the ranges of the frequent quotation marks, dashes and emoji have neither.
pub(crate) fn needs_composition_check(c: char) -> bool {
    !matches!(
        c,
        '\0'..='\u{2ff}'
        | '\u{2010}'..='\u{205e}'
        | '\u{20a0}'..='\u{20bf}'
        | '\u{2600}'..='\u{27bf}'
        | '\u{2b00}'..='\u{2bff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{1f000}'..='\u{1faff}'
    )
}
