//! Detects whether a post speaks of the weather.
//!
//! Terms: a text *speaks of the weather* if it names weather in its literal sense: actual, expected, remembered or
//! habitual rain, snow, sun, heat, cold, wind, fog or storms, out of doors, or the weather as such. A name ("Miami
//! Heat"), a figure of speech ("under the weather") and a heated room do not. A *mention* is the part of a text that
//! shows it.
//!
//! The list `data/english.txt` is our own. Its patterns are *strong*, enough by themselves, or *weak*, which need a
//! context close by; *exceptions* are taken out first. Texts are read in their normal form
//! ([`moodvane_text`]), so white space, width and invisible characters make no difference.
//!
//! Guarantees: a detector accepts any text. Equal fingerprints and texts yield equal answers on every machine. Time
//! is linear in the length of the text, of which at most [`MAX_TEXT_BYTES`] are read. After warm-up a detector
//! allocates nothing per call of [`WeatherTalk::mentions_weather`].
//!
//! Quality: precision 0.90 and recall 0.87 on labelled tweets that were held out; the README has the intervals.
//!
//! Must not know: posts, topics, hours, sentiment.
//!
//! ```
//! use moodvane_weather_talk::WeatherTalk;
//!
//! let mut talk = WeatherTalk::english();
//! assert!(talk.mentions_weather("So much rain today"));
//! assert!(!talk.mentions_weather("feeling a bit under the weather"));
//! let mention = talk.explain("Sooo cooold outside!").unwrap();
//! assert_eq!(&"Sooo cooold outside!"[mention.range], "Sooo cooold outside");
//! ```

mod list;
mod matcher;
mod prefilter;
mod words;

use std::ops::Range;
use std::sync::LazyLock;

use moodvane_text::{LineBreaks, normalise, normalise_with_offsets};
use xxhash_rust::xxh3::xxh3_64;

use list::List;
use matcher::Matcher;
use words::{Word, split};

/// The longest part of a text that a detector reads.
pub const MAX_TEXT_BYTES: usize = 65_536;

/// The version of the rules, which the hash of the list does not cover. Raise it when a code change alters an
/// answer.
const VERSION: u32 = 1;

const ENGLISH: &str = include_str!("../data/english.txt");

static ENGLISH_MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(List::parse(ENGLISH)));
static ENGLISH_FINGERPRINT: LazyLock<String> = LazyLock::new(|| {
    let hash = xxh3_64(ENGLISH.as_bytes()) as u32;
    format!("talk-{VERSION}-{hash:08x}")
});

/// The part of a text that speaks of the weather.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The pattern of the list, for example "raining" or "cold outside".
    pub term: &'static str,
    /// Where it is in the text as given, in bytes.
    pub range: Range<usize>,
}

/// Detects whether texts speak of the weather. A detector belongs to one thread and keeps buffers between calls.
#[derive(Debug)]
pub struct WeatherTalk {
    matcher: &'static Matcher,
    fingerprint: &'static str,
    /// The normal form of a text that is not in normal form.
    normal: String,
    words: Vec<Word>,
}

impl WeatherTalk {
    /// The detector for English. The first one in a process builds the tables, which takes a few milliseconds.
    #[must_use]
    pub fn english() -> Self {
        Self {
            matcher: &ENGLISH_MATCHER,
            fingerprint: &ENGLISH_FINGERPRINT,
            normal: String::new(),
            words: Vec::new(),
        }
    }

    /// Identifies the list and the rules: `talk-`, the version of the rules and a hash of the list; at most 24
    /// lower-case letters, digits and '-'.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.fingerprint
    }

    /// Whether a text speaks of the weather.
    #[must_use]
    pub fn mentions_weather(&mut self, text: &str) -> bool {
        let text = normalise(limited(text), LineBreaks::Kept, &mut self.normal);
        if !self.matcher.prefilter.may_match(text) {
            return false;
        }
        split(text, &self.matcher.vocabulary, &mut self.words);
        self.matcher.decide(&mut self.words).is_some()
    }

    /// The first mention that decides that a text speaks of the weather. Slower, for explanations.
    #[must_use]
    pub fn explain(&mut self, text: &str) -> Option<Mention> {
        let normal = normalise_with_offsets(limited(text), LineBreaks::Kept);
        split(&normal.text, &self.matcher.vocabulary, &mut self.words);
        let found = self.matcher.decide(&mut self.words)?;
        let first = self.words.get(found.first)?;
        let last = self.words.get(found.after.checked_sub(1)?)?;
        Some(Mention {
            term: self.matcher.pattern(found.pattern),
            range: normal.original_range(first.start as usize..last.end as usize),
        })
    }
}

/// The start of a text, up to a boundary of characters.
fn limited(text: &str) -> &str {
    let end = text.floor_char_boundary(MAX_TEXT_BYTES);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn list_has_no_line_without_meaning_and_no_pattern_in_two_sections() {
        let list = List::parse(ENGLISH);
        assert!(list.ignored.is_empty(), "lines {:?}", list.ignored);
        let mut roles = HashMap::new();
        for (pattern, role) in &list.patterns {
            let is_fragment = matches!(role, list::Role::Fragment | list::Role::NoFragment);
            let earlier = roles.insert((pattern, is_fragment), role);
            assert!(earlier.is_none_or(|earlier| earlier == role), "{pattern}");
        }
    }

    #[test]
    fn allocates_nothing_after_longest_text() {
        let mut talk = WeatherTalk::english();
        let _ = talk.mentions_weather(&"hot  ".repeat(MAX_TEXT_BYTES / 5));
        let warm = (talk.words.capacity(), talk.normal.capacity());
        for text in ["", "hot", "so  cold outside", &"x ".repeat(4_000)] {
            let _ = talk.mentions_weather(text);
            let now = (talk.words.capacity(), talk.normal.capacity());
            assert_eq!(now, warm, "{text:.20}");
        }
    }
}
