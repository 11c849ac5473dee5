//! The lexicon scorer: words with known valences, and the few rules by which a sentence bends them.
//!
//! Terms: a *valence* is how good or bad a word is, -5 to 5, by AFINN; a *role* is what else a word
//! does: flip, strengthen, weaken, turn.
//!
//! Guarantee: answers depend on the text, the tables and the constants alone, all of which the
//! fingerprint covers; arithmetic is in integers. Time is linear in the text's length: the
//! tokeniser never steps back, and the sum looks a fixed number of tokens ahead.

pub(crate) mod emoticon;
mod fingerprint;
pub(crate) mod table;
mod token;
mod weigh;
mod word;

use moodvane_model::{Language, Score};

use crate::Scorer;
use table::Tables;
use token::Tokens;

/// Scores English texts by the AFINN lexicon.
pub struct LexiconScorer {
    tables: &'static Tables,
    tokens: Tokens,
    fingerprint: &'static str,
}

impl LexiconScorer {
    /// A scorer. The first one of a process builds the tables, which takes about a millisecond.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tables: table::tables(),
            tokens: Tokens::default(),
            fingerprint: fingerprint::fingerprint(),
        }
    }
}

impl Default for LexiconScorer {
    fn default() -> Self {
        Self::new()
    }
}

impl Scorer for LexiconScorer {
    fn fingerprint(&self) -> &str {
        self.fingerprint
    }

    fn speaks(&self, language: Option<Language>) -> bool {
        language.is_none_or(|language| language.as_str() == "en")
    }

    fn score(&mut self, text: &str) -> Score {
        token::tokenise(text, self.tables, &mut self.tokens);
        weigh::score(&self.tokens, self.tables, &weigh::WEIGHTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_grows_once_the_longest_text_has_been_seen() {
        let mut scorer = LexiconScorer::new();
        scorer.score(&"so good :) ".repeat(1_500));
        let warm = scorer.tokens.list.capacity();
        for text in ["", "a b c", "NOT happyyyyy \u{1f600}", &"x ".repeat(4_000)] {
            scorer.score(text);
            assert_eq!(scorer.tokens.list.capacity(), warm, "{text:.20}");
        }
    }
}
