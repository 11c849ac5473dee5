//! The table of words for splitting hashtags, with the cost of each.

use std::collections::HashMap;

use moodvane_sentiment::trained::{
    FeatureContent, FeatureExtractor, FeatureSink, Template, TemplateSet, build_word_table,
};

use crate::corpus::Example;

/// The number of slots of the hash table: twice the words, so that probe sequences are short.
const TABLE_SLOTS: usize = 1 << 15;
/// The maximum number of words.
const MAX_WORDS: usize = 16_000;
/// The maximum length of a word in a hashtag.
const MAX_WORD_BYTES: usize = 14;
/// The cost of each additional word of a split, in fifths of a bit.
const SPLIT_COST: u32 = 10;

/// Ignores features: only the extracted words are needed.
struct IgnoreFeatures;

impl FeatureSink for IgnoreFeatures {
    fn add(&mut self, _: Template, _: u64, _: FeatureContent) {}
}

/// Builds the table from the words of the texts.
pub(crate) fn word_table(examples: &[Example]) -> Vec<u32> {
    let mut counts: HashMap<Vec<u8>, u64> = HashMap::new();
    let mut extractor = FeatureExtractor::new(TemplateSet::default());
    for example in examples {
        extractor.extract(&example.text, &[], &mut IgnoreFeatures);
        for word in extractor.words().filter(|word| is_candidate(word)) {
            match counts.get_mut(word) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(word.to_vec(), 1);
                }
            }
        }
    }
    let mut words: Vec<(Vec<u8>, u64)> = counts
        .into_iter()
        .filter(|(word, count)| *count >= min_count(word))
        .collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words.truncate(MAX_WORDS);
    let total: u64 = words.iter().map(|word| word.1).sum();
    build_word_table(
        words
            .iter()
            .map(|(word, count)| (word.as_slice(), cost(total, *count))),
        TABLE_SLOTS,
    )
}

fn is_candidate(word: &[u8]) -> bool {
    let is_long_enough = word.len() > 1 || word == b"i" || word == b"a";
    is_long_enough && word.len() <= MAX_WORD_BYTES && word.iter().all(u8::is_ascii_alphabetic)
}

/// The minimum count of a word. It is higher for short words, which are often parts of names.
fn min_count(word: &[u8]) -> u64 {
    match word.len() {
        0..3 => 200,
        3 => 30,
        _ => 8,
    }
}

/// The cost of a word in fifths of a bit: its information content by its share, plus [`SPLIT_COST`].
fn cost(total: u64, count: u64) -> u8 {
    let rarity = u128::from((total / count.max(1)).clamp(1, 1 << 25));
    let fifths = rarity.pow(5).ilog2();
    u8::try_from(fifths + SPLIT_COST)
        .unwrap_or(u8::MAX)
        .min(127)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_cost_more() {
        assert_eq!(cost(1_000, 1_000), 10);
        assert_eq!(cost(1_024, 1), 60);
        assert!(cost(4_000_000, 8) > cost(4_000_000, 800));
        assert_eq!(cost(u64::MAX, 1), 127);
    }
}
