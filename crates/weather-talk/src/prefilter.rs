//! Rules out most texts in one pass over their bytes.
//!
//! Terms: the *anchor* of a pattern is a word that a text must have for the pattern to match. An anchor is in a Bloom
//! filter with one hash function.
//!
//! Guarantees: a text with a mention passes. Of posts in general about one in six passes.

use crate::list::{List, Role};

/// The set of the anchors.
pub(crate) struct Prefilter {
    bits: Box<[u64; WORDS]>,
    fragments: Vec<String>,
}

const WORDS: usize = 1024;

/// Words that are frequent in posts, and therefore poor anchors.
const FREQUENT: [&str; 29] = [
    "afternoon",
    "air",
    "bad",
    "big",
    "day",
    "days",
    "evening",
    "friday",
    "going",
    "good",
    "have",
    "here",
    "home",
    "how",
    "monday",
    "morning",
    "need",
    "night",
    "nights",
    "out",
    "saturday",
    "some",
    "sunday",
    "there",
    "thursday",
    "today",
    "tonight",
    "tuesday",
    "wednesday",
];

impl std::fmt::Debug for Prefilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prefilter").finish_non_exhaustive()
    }
}

/// By byte: the small letter or the digit; [`APOSTROPHE`]; [`HASH`]; [`OTHER`] for what is not ASCII; 0 for what ends
/// a word.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'0'..=b'9' => byte,
            b'A'..=b'Z' => byte + 32,
            b'\'' => APOSTROPHE,
            b'#' => HASH,
            0x80.. => OTHER,
            _ => 0,
        };
        if byte == 255 {
            break classes;
        }
        byte += 1;
    }
};
const APOSTROPHE: u8 = 1;
const HASH: u8 = 2;
const OTHER: u8 = 3;

/// The last two bytes of "°" and "º", after 0xc2, and of "˚", after 0xcb.
const DEGREE_SIGNS: [u8; 3] = [0xb0, 0xba, 0x9a];

impl Prefilter {
    pub(crate) fn new(list: &List) -> Self {
        let mut prefilter = Self {
            bits: Box::new([0; WORDS]),
            fragments: Vec::new(),
        };
        let fragments = list
            .patterns
            .iter()
            .filter(|(_, role)| *role == Role::Fragment);
        prefilter
            .fragments
            .extend(fragments.map(|(part, _)| part.clone()));
        let decides = |role| matches!(role, Role::Strong | Role::StrongLower | Role::Weak);
        let patterns = list.patterns.iter().filter(|(_, role)| decides(*role));
        let (single, phrases): (Vec<_>, Vec<_>) =
            patterns.partition(|(pattern, _)| !pattern.contains(' '));
        for (word, _) in single {
            prefilter.insert(word);
        }
        for (phrase, _) in phrases {
            // A number of the text is in no anchor.
            let words = || phrase.split(' ').filter(|word| !word.starts_with('<'));
            let has_anchor = words().any(|word| prefilter.contains(hash_of(word)));
            let rarest = words().max_by_key(|word| (!FREQUENT.contains(word), word.len()));
            if let (false, Some(rarest)) = (has_anchor, rarest) {
                prefilter.insert(rarest);
            }
        }
        prefilter
    }

    fn insert(&mut self, word: &str) {
        let hash = hash_of(word);
        if let Some(bits) = self.bits.get_mut(index(hash)) {
            *bits |= 1 << (hash >> 58);
        }
    }

    fn contains(&self, hash: u64) -> bool {
        let bits = self.bits.get(index(hash)).copied().unwrap_or(0);
        bits >> (hash >> 58) & 1 == 1
    }

    /// Whether a text in normal form may speak of the weather: it has an anchor, an elongated word, a degree sign, or
    /// a hashtag, which may have one as a part.
    pub(crate) fn may_match(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut at = 0;
        let (mut hash, mut last, mut run) = (0, 0, 0);
        while let Some(byte) = bytes.get(at) {
            at += 1;
            let class = CLASSES[usize::from(*byte)];
            match class {
                b'a'..=b'z' => {
                    run = if class == last { run + 1 } else { 0 };
                    if run == 2 {
                        return true;
                    }
                    last = class;
                    hash = step(hash, class);
                    continue;
                }
                // A number before a word is a word of its own.
                b'0'..=b'9' if hash != 0 => hash = step(hash, class),
                b'0'..=b'9' | APOSTROPHE => {}
                HASH if self.may_match_hashtag(text.get(at..).unwrap_or_default()) => return true,
                OTHER => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    match (*byte, rest) {
                        (0xe2, [0x80, 0x99, ..]) => {
                            at += 2;
                            continue;
                        }
                        (0xc2 | 0xcb, [next, ..]) if DEGREE_SIGNS.contains(next) => return true,
                        _ => {}
                    }
                    if self.contains(hash) {
                        return true;
                    }
                    let length = (byte.leading_ones() as usize).clamp(1, 4) - 1;
                    let rest = rest.get(..length).unwrap_or_default();
                    hash = rest
                        .iter()
                        .fold(step(0, *byte), |hash, byte| step(hash, *byte));
                    at += rest.len();
                    if self.contains(hash) {
                        return true;
                    }
                    hash = 0;
                }
                _ => {
                    if self.contains(hash) {
                        return true;
                    }
                    hash = 0;
                }
            }
            last = 0;
            run = 0;
        }
        self.contains(hash)
    }

    /// Whether a hashtag, from after its sign, has several parts or a fragment.
    fn may_match_hashtag(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let end = bytes.iter().position(|b| !b.is_ascii_alphanumeric());
        let tag = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let has_parts = tag.iter().skip(1).any(|b| !b.is_ascii_lowercase())
            || end
                .and_then(|end| bytes.get(end))
                .is_some_and(|b| *b == b'_' || *b >= 0x80);
        let ends_with = |part: &[u8]| {
            let start = tag.get(..part.len());
            let end = tag
                .len()
                .checked_sub(part.len())
                .and_then(|at| tag.get(at..));
            [start, end]
                .iter()
                .flatten()
                .any(|end| end.eq_ignore_ascii_case(part))
        };
        has_parts || self.fragments.iter().any(|part| ends_with(part.as_bytes()))
    }
}

/// Ten bits of the hash, of those that its last multiplication mixes best.
fn index(hash: u64) -> usize {
    (hash >> 48) as usize % WORDS
}

fn hash_of(word: &str) -> u64 {
    word.bytes().fold(0, step)
}

/// FxHash's step, with one multiplication.
fn step(hash: u64, byte: u8) -> u64 {
    (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_each_pattern_and_few_other_texts() {
        let list = List::parse(crate::ENGLISH);
        let prefilter = Prefilter::new(&list);
        let decides = |role| matches!(role, Role::Strong | Role::StrongLower | Role::Weak);
        for (pattern, role) in &list.patterns {
            let text = pattern.replace("<n>", "70").replace("<deg>", "70°");
            assert!(prefilter.may_match(&text) || !decides(*role), "{pattern}");
            let text = format!("so,{}.", text.to_uppercase());
            assert!(prefilter.may_match(&text) || !decides(*role), "{pattern}");
        }
        for text in [
            "",
            "Great dinner with friends, see you at 8 @user #fun",
            "don\u{2019}t you dare, it\u{2019}s mine",
        ] {
            assert!(!prefilter.may_match(text), "{text}");
        }
    }
}
