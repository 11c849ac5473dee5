//! The words of names in the training texts.
//!
//! The labels of tweets about a person are mostly those of the occasion, so a model that weights the name
//! carries the mood of that occasion to every later text with it. The fit leaves the features of names out
//! at most visits ([`Recipe::name_dropout`](crate::recipe::Recipe::name_dropout)).
//!
//! Terms: a *name* is a word that is usually capitalised within sentences, is in no sentiment lexicon, and
//! is no day or month; and, in a text that is labelled towards a topic, any word of the topic.

use std::collections::{HashMap, HashSet};

use moodvane_sentiment::{LexiconScorer, Scorer};

use crate::corpus::Example;

/// A name is capitalised at least this often.
const MIN_CAPITALISED: u32 = 2;
/// A name is capitalised at least this many times as often as not.
const MIN_RATIO: u32 = 2;

const CALENDAR: [&str; 20] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "i",
];

/// The names in a set of texts.
pub(crate) struct NameWords {
    words: HashSet<Vec<u8>>,
    /// The words of the topic of each text, by the text's id: a text may be in several files, and only one
    /// names the topic.
    topics: HashMap<String, Vec<Vec<u8>>>,
}

impl NameWords {
    /// Finds the names in texts.
    pub(crate) fn find(examples: &[Example]) -> Self {
        let topics = examples.iter().filter_map(|example| {
            let topic = example.topic.as_deref()?;
            Some((example.id.clone(), topic_words(topic)))
        });
        let mut scorer = LexiconScorer::new();
        let neutral = scorer.score("").value();
        let words = count_cases(examples).into_iter().filter(|(word, count)| {
            count.capitalised >= MIN_CAPITALISED
                && count.capitalised >= MIN_RATIO * count.small
                && !CALENDAR.contains(&word.as_str())
                && scorer.score(word).value() == neutral
        });
        Self {
            words: words.map(|(word, _)| word.into_bytes()).collect(),
            topics: topics.collect(),
        }
    }

    /// The test for whether a folded word is a name in this text.
    pub(crate) fn in_text(&self, example: &Example) -> impl Fn(&[u8]) -> bool {
        let topic = self.topics.get(&example.id).map_or(&[][..], Vec::as_slice);
        |word| self.words.contains(word) || topic.iter().any(|own| own == word)
    }
}

/// How often a word is in small letters, and how often capitalised within a sentence.
#[derive(Default)]
struct CaseCount {
    small: u32,
    capitalised: u32,
}

/// Counts the words of the texts, except of SST, whose phrases begin anywhere. A capitalised word counts
/// only after another word of its sentence, because the first word of a sentence is always capitalised.
fn count_cases(examples: &[Example]) -> HashMap<String, CaseCount> {
    let mut counts: HashMap<String, CaseCount> = HashMap::new();
    for example in examples.iter().filter(|e| !e.file.starts_with("sst")) {
        let mut within_sentence = false;
        for token in example.text.split_whitespace() {
            let word = bare_word(token);
            let case = Case::of(word);
            match case {
                Case::Small => counts.entry(word.to_owned()).or_default().small += 1,
                Case::Capitalised if within_sentence => {
                    counts.entry(word.to_lowercase()).or_default().capitalised += 1;
                }
                _ => {}
            }
            let ends_sentence = token.ends_with(['.', '!', '?', ':', '"']);
            let continues = !matches!(case, Case::Other) || matches!(word, "I" | "a");
            within_sentence = continues && !ends_sentence;
        }
    }
    counts
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Case {
    Small,
    Capitalised,
    /// All in capitals, a single letter, or no word.
    Other,
}

impl Case {
    fn of(word: &str) -> Self {
        let mut letters = word.chars();
        let Some(first) = letters.next().filter(|c| c.is_alphabetic()) else {
            return Self::Other;
        };
        let rest = letters.as_str();
        if rest.is_empty() || !rest.chars().all(char::is_lowercase) {
            return Self::Other;
        }
        if first.is_uppercase() {
            Self::Capitalised
        } else {
            Self::Small
        }
    }
}

/// A token without punctuation around it and without a possessive ending.
fn bare_word(token: &str) -> &str {
    let word = token.trim_matches(|c: char| !c.is_alphanumeric());
    let possessive = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s"));
    possessive.unwrap_or(word)
}

/// The folded words of a topic of more than one letter.
fn topic_words(topic: &str) -> Vec<Vec<u8>> {
    let words = topic.split([' ', '-', '@', '/', '+']);
    let words = words.filter(|word| word.len() > 1);
    words.map(|word| word.to_lowercase().into_bytes()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::corpus::plain_example;

    fn found(texts: &[&str]) -> Vec<String> {
        let examples: Vec<Example> = texts.iter().map(|text| plain_example(text)).collect();
        let names = NameWords::find(&examples);
        let words = names.words.into_iter();
        let mut words: Vec<String> = words.map(|word| String::from_utf8(word).unwrap()).collect();
        words.sort();
        words
    }

    #[test]
    fn names_are_capitalised_within_sentences() {
        let cases: [(&[&str], &[&str]); 7] = [
            (&["we saw Milton, and Milton's car"], &["milton"]),
            (&["we saw Milton"], &[]),
            (&["Milton left. Milton came back! Milton"], &[]),
            (&["a mill by a mill, the Mill and the Mill"], &[]),
            (&["it is Great and so Great"], &[]),
            (&["see you Monday or on Monday"], &[]),
            (&["we saw NASA at the NASA site"], &[]),
        ];
        for (texts, names) in cases {
            assert_eq!(found(texts), names, "{texts:?}");
        }
    }

    #[test]
    fn topic_words_are_names_in_texts_of_topic() {
        let mut of_topic = plain_example("the ice cube video");
        of_topic.topic = Some("ice cube".to_owned());
        let other = Example {
            id: "other".to_owned(),
            ..plain_example("the ice is thin")
        };
        let names = NameWords::find(&[of_topic.clone(), other.clone()]);
        assert!(names.in_text(&of_topic)(b"ice") && names.in_text(&of_topic)(b"cube"));
        assert!(!names.in_text(&of_topic)(b"video"));
        assert!(!names.in_text(&other)(b"ice"));
        // The same text in a file without topics.
        let copy = plain_example("the ice cube video");
        assert!(names.in_text(&copy)(b"ice"));
    }
}
