//! The words by which hashtags are split, with what each costs.

use std::collections::HashMap;

use moodvane_sentiment::trained::{FeatureReader, Of, Sink, Template, Templates, word_cells};

use crate::corpus::Example;

/// Cells of the table: twice the words, so that each finds a place near its own.
const CELLS: usize = 1 << 15;
const WORDS: usize = 16_000;
/// Longer words are not sought in a hashtag.
const LONGEST: usize = 14;
/// What every further word of a split costs, in fifths of a bit.
const CUT: u32 = 10;

struct Nothing;

impl Sink for Nothing {
    fn add(&mut self, _: Template, _: u64, _: Of) {}
}

/// The table of the words of these texts.
pub(crate) fn cells(examples: &[Example]) -> Vec<u32> {
    let mut counts: HashMap<Vec<u8>, u64> = HashMap::new();
    let mut reader = FeatureReader::new(Templates::default());
    for example in examples {
        reader.read(&example.text, &[], &mut Nothing);
        for word in reader.words().filter(|word| is_part(word)) {
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
        .filter(|(word, count)| *count >= least(word))
        .collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words.truncate(WORDS);
    let total: u64 = words.iter().map(|word| word.1).sum();
    word_cells(
        words
            .iter()
            .map(|(word, count)| (word.as_slice(), cost(total, *count))),
        CELLS,
    )
}

fn is_part(word: &[u8]) -> bool {
    let alone = word.len() > 1 || word == b"i" || word == b"a";
    alone && word.len() <= LONGEST && word.iter().all(u8::is_ascii_alphabetic)
}

/// How often a word must occur: short ones are often no words but parts of names.
fn least(word: &[u8]) -> u64 {
    match word.len() {
        0..3 => 200,
        3 => 30,
        _ => 8,
    }
}

/// Fifths of a bit that a word of this share takes, and what a cut costs.
fn cost(total: u64, count: u64) -> u8 {
    let rarity = u128::from((total / count.max(1)).clamp(1, 1 << 25));
    let fifths = rarity.pow(5).ilog2();
    u8::try_from(fifths + CUT).unwrap_or(u8::MAX).min(127)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rarer_word_costs_more() {
        assert_eq!(cost(1_000, 1_000), 10);
        assert_eq!(cost(1_024, 1), 60);
        assert!(cost(4_000_000, 8) > cost(4_000_000, 800));
        assert_eq!(cost(u64::MAX, 1), 127);
    }
}
