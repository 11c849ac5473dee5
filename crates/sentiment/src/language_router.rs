//! Routes each text to one of two scorers by language.
//!
//! Guarantee: the first scorer scores all texts in languages that it supports, so that these scores are
//! the same as without the second.

use moodvane_model::{Calibration, Language, Score};
use xxhash_rust::xxh3::Xxh3;

use crate::{Scorer, ScorerError, Text};

/// A scorer that delegates languages unsupported by the first scorer to the second.
pub struct LanguageRouter {
    first: Box<dyn Scorer>,
    second: Box<dyn Scorer>,
    fingerprint: String,
}

impl LanguageRouter {
    /// A router over two scorers.
    #[must_use]
    pub fn new(first: Box<dyn Scorer>, second: Box<dyn Scorer>) -> Self {
        let mut hash = Xxh3::new();
        for scorer in [&first, &second] {
            hash.update(scorer.fingerprint().as_bytes());
            hash.update(&[0]);
        }
        let fingerprint = format!("by-language-1-{:016x}", hash.digest());
        Self {
            first,
            second,
            fingerprint,
        }
    }
}

impl Scorer for LanguageRouter {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn supports_language(&self, language: Option<Language>) -> bool {
        self.first.supports_language(language) || self.second.supports_language(language)
    }

    fn score(&mut self, text: &str) -> Score {
        if self.first.supports_language(None) {
            self.first.score(text)
        } else {
            self.second.score(text)
        }
    }

    fn score_batch(
        &mut self,
        texts: &[Text<'_>],
        scores: &mut Vec<Option<Score>>,
    ) -> Result<(), ScorerError> {
        scores.clear();
        scores.resize(texts.len(), None);
        let is_first = |text: &Text<'_>| self.first.supports_language(text.language);
        let (first, second): (Vec<usize>, Vec<usize>) =
            (0..texts.len()).partition(|at| is_first(&texts[*at]));
        for (scorer, numbers) in [(&mut self.first, first), (&mut self.second, second)] {
            if numbers.is_empty() {
                continue;
            }
            let some: Vec<Text<'_>> = numbers.iter().map(|at| texts[*at]).collect();
            let mut answers = Vec::with_capacity(some.len());
            scorer.score_batch(&some, &mut answers)?;
            for (at, answer) in numbers.into_iter().zip(answers) {
                scores[at] = answer;
            }
        }
        Ok(())
    }

    /// That of the first scorer. The values of the second are read as if they were of the first.
    fn calibration(&self) -> Option<&Calibration> {
        self.first.calibration()
    }

    /// The smaller of both, because any text may go to the slower scorer.
    fn max_batch_size(&self) -> usize {
        self.first
            .max_batch_size()
            .min(self.second.max_batch_size())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use moodvane_model::Sentiment;

    use super::*;

    /// Returns a fixed class, for one language or for all.
    struct Fixed(u8, Option<&'static str>, Result<(), ScorerError>);

    impl Scorer for Fixed {
        fn fingerprint(&self) -> &str {
            ["zero", "one", "two", "three", "four"][usize::from(self.0)]
        }
        fn supports_language(&self, language: Option<Language>) -> bool {
            language.is_none_or(|l| self.1.is_none_or(|own| l.as_str() == own))
        }
        fn score(&mut self, _: &str) -> Score {
            Score::new(Sentiment::ALL[usize::from(self.0)], f64::from(self.0))
        }
        fn score_batch(
            &mut self,
            texts: &[Text<'_>],
            scores: &mut Vec<Option<Score>>,
        ) -> Result<(), ScorerError> {
            self.2.clone()?;
            scores.clear();
            scores.extend(
                texts
                    .iter()
                    .map(|text| (text.text != "?").then(|| self.score(text.text))),
            );
            Ok(())
        }
        fn max_batch_size(&self) -> usize {
            10 * usize::from(self.0)
        }
    }

    fn router(second: Fixed) -> LanguageRouter {
        LanguageRouter::new(Box::new(Fixed(1, Some("en"), Ok(()))), Box::new(second))
    }

    fn text(text: &'static str, language: &str) -> Text<'static> {
        Text {
            text,
            language: Some(Language::parse(language).unwrap()),
        }
    }

    #[test]
    fn routes_texts_by_language_in_order() {
        let mut scorer = router(Fixed(4, None, Ok(())));
        let texts = [
            text("a", "de"),
            text("b", "en"),
            Text::plain("c"),
            text("?", "fr"),
            text("?", "en"),
        ];
        let mut scores = vec![None; 9];
        scorer.score_batch(&texts, &mut scores).unwrap();
        let classes: Vec<Option<u8>> = scores
            .iter()
            .map(|s| s.map(|s| s.sentiment.class()))
            .collect();
        assert_eq!(classes, [Some(4), Some(1), Some(1), None, None]);
        assert_eq!(scorer.score("x").sentiment.class(), 1);
        assert_eq!(scorer.max_batch_size(), 10);
    }

    #[test]
    fn rejects_language_of_neither() {
        let scorer = router(Fixed(4, Some("de"), Ok(())));
        let supports = |tag| scorer.supports_language(Some(Language::parse(tag).unwrap()));
        assert!(
            supports("de") && supports("en") && !supports("fr") && scorer.supports_language(None)
        );
    }

    #[test]
    fn fingerprints_both_and_reports_error_of_either() {
        let error = ScorerError("unavailable".to_owned());
        let mut failing = router(Fixed(4, None, Err(error.clone())));
        let other = router(Fixed(3, None, Ok(())));
        assert_ne!(failing.fingerprint(), other.fingerprint());
        assert!(failing.fingerprint().len() <= 48);
        assert_eq!(
            failing.score_batch(&[text("a", "de")], &mut Vec::new()),
            Err(error)
        );
        assert_eq!(
            failing.score_batch(&[text("a", "en")], &mut Vec::new()),
            Ok(())
        );
    }
}
