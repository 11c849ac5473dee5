//! The lexicon scorer: word valences from AFINN, modified by a few rules for context.
//!
//! Terms: a *valence* is the polarity of a word, -5 to 5, from AFINN; a *role* is the effect of a word on
//! its neighbours: negate, intensify, dampen, contrast.
//!
//! Guarantees: scores depend only on the text, the tables and the constants, all covered by the
//! fingerprint. Arithmetic is in integers. Time is linear in the length of the text: the tokeniser never
//! steps back, and the sum looks ahead by a fixed number of tokens.

pub(crate) mod data;
pub(crate) mod emoticon;
mod fingerprint;
pub(crate) mod table;
mod token;
mod weigh;
mod word;

use std::sync::LazyLock;

use moodvane_model::{Calibration, Language, Score};
use moodvane_text::{LineBreaks, normalise};

use crate::Scorer;
use table::Tables;
use token::Tokens;

/// Scores English texts by the AFINN lexicon.
pub struct LexiconScorer {
    tables: &'static Tables,
    tokens: Tokens,
    /// The normal form of a text that is not in normal form.
    normal: String,
    fingerprint: &'static str,
}

impl LexiconScorer {
    /// A new scorer. The first one in a process builds the tables, which takes about 1 ms.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tables: table::tables(),
            tokens: Tokens::default(),
            normal: String::new(),
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

    fn supports_language(&self, language: Option<Language>) -> bool {
        language.is_none_or(|language| language.as_str() == "en")
    }

    fn score(&mut self, text: &str) -> Score {
        let text = normalise(text, LineBreaks::Kept, &mut self.normal);
        token::tokenise(text, self.tables, &mut self.tokens);
        weigh::score(&self.tokens, self.tables, &weigh::CONSTANTS)
    }

    fn calibration(&self) -> Option<&Calibration> {
        static CALIBRATION: LazyLock<Option<Calibration>> =
            LazyLock::new(|| data::CALIBRATION.trim_end().parse().ok());
        CALIBRATION.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_calibration() {
        assert!(LexiconScorer::new().calibration().unwrap().texts() > 20_000);
    }

    #[test]
    fn allocates_nothing_after_longest_text() {
        let mut scorer = LexiconScorer::new();
        scorer.score(&"so good :) ".repeat(1_500));
        let warm = scorer.tokens.list.capacity();
        for text in ["", "a b c", "NOT happyyyyy \u{1f600}", &"x ".repeat(4_000)] {
            scorer.score(text);
            assert_eq!(scorer.tokens.list.capacity(), warm, "{text:.20}");
        }
    }
}
