//! Apostrophes inside of words, as all readers of texts take them.

/// Endings that are left out with their apostrophe, for "he'll" is not "hell".
const DROPPED: [&[u8]; 6] = [b"s", b"m", b"d", b"ll", b"re", b"ve"];

/// Where a word stands after an apostrophe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It goes on at this byte, without the apostrophe.
    GoesOn(usize),
    /// It ended before the apostrophe, and what follows is looked at from this byte on.
    Ended(usize),
}

/// Looks past an apostrophe of `len` bytes at `at`. An ending such as 'll or 's is left out with it;
/// then, or where no letter follows, the word ends.
pub(crate) fn after(bytes: &[u8], at: usize, len: usize) -> After {
    let next = at + len;
    let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    if !letter(next) {
        return After::Ended(at);
    }
    let ending = (1..=2).find(|&n| !letter(next + n)).unwrap_or(3);
    let letters = bytes.get(next..next + ending).unwrap_or_default();
    if DROPPED.iter().any(|d| letters.eq_ignore_ascii_case(d)) {
        return After::Ended(next + ending);
    }
    After::GoesOn(next)
}

#[cfg(test)]
mod tests {
    use super::After::{Ended, GoesOn};
    use super::*;

    #[test]
    fn an_ending_is_left_out_and_any_other_letter_goes_on() {
        let cases = [
            ("don't", 3, GoesOn(4)),
            ("he'll", 2, Ended(5)),
            ("IT'S", 2, Ended(4)),
            ("he'llo", 2, GoesOn(3)),
            ("dogs'", 4, Ended(4)),
            ("rock 'n'", 7, Ended(7)),
        ];
        for (text, at, expected) in cases {
            assert_eq!(after(text.as_bytes(), at, 1), expected, "{text}");
        }
    }
}
