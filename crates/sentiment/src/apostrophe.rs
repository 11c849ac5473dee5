//! Apostrophes inside words, shared by both tokenisers.

/// Endings that are skipped with their apostrophe, because "he'll" is not "hell".
const SKIPPED_ENDINGS: [&[u8]; 6] = [b"s", b"m", b"d", b"ll", b"re", b"ve"];

/// The position after an apostrophe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterApostrophe {
    /// The word continues at this offset, without the apostrophe.
    Continues(usize),
    /// The word ended before the apostrophe; reading continues at this offset.
    Ends(usize),
}

/// Skips an apostrophe of `len` bytes at `at`, and an ending such as 'll or 's. The word ends after such
/// an ending, or if no letter follows.
pub(crate) fn skip(bytes: &[u8], at: usize, len: usize) -> AfterApostrophe {
    let next = at + len;
    let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    if !letter(next) {
        return AfterApostrophe::Ends(at);
    }
    let ending = (1..=2).find(|&n| !letter(next + n)).unwrap_or(3);
    let letters = bytes.get(next..next + ending).unwrap_or_default();
    if SKIPPED_ENDINGS
        .iter()
        .any(|d| letters.eq_ignore_ascii_case(d))
    {
        return AfterApostrophe::Ends(next + ending);
    }
    AfterApostrophe::Continues(next)
}

#[cfg(test)]
mod tests {
    use super::AfterApostrophe::{Continues, Ends};
    use super::*;

    #[test]
    fn skips_endings_and_continues_at_other_letters() {
        let cases = [
            ("don't", 3, Continues(4)),
            ("he'll", 2, Ends(5)),
            ("IT'S", 2, Ends(4)),
            ("he'llo", 2, Continues(3)),
            ("dogs'", 4, Ends(4)),
            ("rock 'n'", 7, Ends(7)),
        ];
        for (text, at, expected) in cases {
            assert_eq!(skip(text.as_bytes(), at, 1), expected, "{text}");
        }
    }
}
