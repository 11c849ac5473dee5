//! The ranges of a text in which city names do not count: links, mentions and mail addresses.
//!
//! A link is `http://` or `https://` up to the next space; or a word that begins with `www.`; or a word
//! such as `example.org/path` or `example.com`, as clients shorten links. A mention is `@` with the
//! adjacent letters, digits, `.`, `-`, `_` and `+` on either side, which includes mail addresses.

use std::ops::Range;

/// Top-level domains that make a word without a path a link. Rarer domains are not listed, because a
/// missing space after a full stop ("Brooklyn.It") is more frequent than they are.
const TOP_LEVEL_DOMAINS: [&str; 8] = ["com", "org", "net", "gov", "edu", "io", "nyc", "social"];

/// The hidden ranges of a text, ordered by their ends.
pub(crate) struct HiddenRanges(Vec<Range<usize>>);

impl HiddenRanges {
    pub(crate) fn find(text: &str) -> Self {
        let mut ranges = Vec::new();
        for (start, word) in words(text) {
            match find_link(word) {
                Some(link) => {
                    collect_mentions(start, &word[..link], &mut ranges);
                    ranges.push(start + link..start + word.len());
                }
                None => collect_mentions(start, word, &mut ranges),
            }
        }
        Self(ranges)
    }

    /// Whether any byte of `range` is hidden.
    pub(crate) fn overlaps(&self, range: Range<usize>) -> bool {
        let first = self.0.partition_point(|hidden| hidden.end <= range.start);
        self.0
            .get(first)
            .is_some_and(|hidden| hidden.start < range.end)
    }
}

/// The words between white space, each with its offset.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive(char::is_whitespace)
        .scan(0, |next, piece| {
            let start = *next;
            *next += piece.len();
            Some((start, piece.trim_end()))
        })
        .filter(|(_, word)| !word.is_empty())
}

/// The offset of the link in a word.
fn find_link(word: &str) -> Option<usize> {
    let begins = ["http://", "https://"].map(|scheme| find_ignoring_case(word, scheme));
    if let Some(at) = begins.into_iter().flatten().min() {
        return Some(at);
    }
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '@' && c != '#');
    is_bare_link(bare).then_some(word.len() - bare.len())
}

fn find_ignoring_case(word: &str, part: &str) -> Option<usize> {
    let fits = |window: &[u8]| window.eq_ignore_ascii_case(part.as_bytes());
    word.as_bytes().windows(part.len()).position(fits)
}

fn is_bare_link(word: &str) -> bool {
    if word
        .get(..4)
        .is_some_and(|w| w.eq_ignore_ascii_case("www."))
    {
        return true;
    }
    let host_end = word
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'))
        .unwrap_or(word.len());
    let (host, rest) = word.split_at(host_end);
    let Some((labels, ending)) = host.trim_end_matches('.').rsplit_once('.') else {
        return false;
    };
    let is_host =
        !labels.is_empty() && ending.len() >= 2 && ending.bytes().all(|b| b.is_ascii_alphabetic());
    let is_known = TOP_LEVEL_DOMAINS
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known));
    is_host && (rest.starts_with('/') || is_known)
}

fn collect_mentions(start: usize, word: &str, ranges: &mut Vec<Range<usize>>) {
    let bytes = word.as_bytes();
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|b| *b == b'@') {
        let at = from + at;
        let before = bytes[from..at]
            .iter()
            .rev()
            .take_while(|b| is_in_handle(**b));
        let after = bytes[at + 1..]
            .iter()
            .take_while(|b| is_in_handle(**b))
            .count();
        let begin = if after == 0 { at } else { at - before.count() };
        from = at + 1 + after;
        ranges.push(start + begin..start + from);
    }
}

fn is_in_handle(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+')
}
