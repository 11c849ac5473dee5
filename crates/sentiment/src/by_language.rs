//! Two scorers as one: each text goes to the first that speaks its language.
//!
//! Guarantee: what the first speaks is scored by the first alone, so that its scores stay what they are
//! without the second.

use moodvane_model::{Language, Score};
use xxhash_rust::xxh3::Xxh3;

use crate::{Scorer, ScorerFault, Text};

/// Scores by one scorer, and the languages that it does not speak by another.
pub struct ByLanguage {
    first: Box<dyn Scorer>,
    others: Box<dyn Scorer>,
    fingerprint: String,
}

impl ByLanguage {
    /// Of two scorers.
    #[must_use]
    pub fn new(first: Box<dyn Scorer>, others: Box<dyn Scorer>) -> Self {
        let mut hash = Xxh3::new();
        for scorer in [&first, &others] {
            hash.update(scorer.fingerprint().as_bytes());
            hash.update(&[0]);
        }
        let fingerprint = format!("by-language-1-{:016x}", hash.digest());
        Self {
            first,
            others,
            fingerprint,
        }
    }
}

impl Scorer for ByLanguage {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn speaks(&self, language: Option<Language>) -> bool {
        self.first.speaks(language) || self.others.speaks(language)
    }

    fn score(&mut self, text: &str) -> Score {
        if self.first.speaks(None) {
            self.first.score(text)
        } else {
            self.others.score(text)
        }
    }

    fn score_texts(
        &mut self,
        texts: &[Text<'_>],
        scores: &mut Vec<Option<Score>>,
    ) -> Result<(), ScorerFault> {
        scores.clear();
        scores.resize(texts.len(), None);
        let firsts = |text: &Text<'_>| self.first.speaks(text.language);
        let (first, others): (Vec<usize>, Vec<usize>) =
            (0..texts.len()).partition(|at| firsts(&texts[*at]));
        for (scorer, numbers) in [(&mut self.first, first), (&mut self.others, others)] {
            if numbers.is_empty() {
                continue;
            }
            let some: Vec<Text<'_>> = numbers.iter().map(|at| texts[*at]).collect();
            let mut answers = Vec::with_capacity(some.len());
            scorer.score_texts(&some, &mut answers)?;
            for (at, answer) in numbers.into_iter().zip(answers) {
                scores[at] = answer;
            }
        }
        Ok(())
    }

    /// The smaller bound: any of the texts may be for the slower scorer.
    fn at_once(&self) -> usize {
        self.first.at_once().min(self.others.at_once())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use moodvane_model::Sentiment;

    use super::*;

    /// Says the class that it is made with, for one language, or for all.
    struct Fixed(u8, Option<&'static str>, Result<(), ScorerFault>);

    impl Scorer for Fixed {
        fn fingerprint(&self) -> &str {
            ["zero", "one", "two", "three", "four"][usize::from(self.0)]
        }
        fn speaks(&self, language: Option<Language>) -> bool {
            language.is_none_or(|l| self.1.is_none_or(|own| l.as_str() == own))
        }
        fn score(&mut self, _: &str) -> Score {
            Score::new(Sentiment::ALL[usize::from(self.0)], f64::from(self.0))
        }
        fn score_texts(
            &mut self,
            texts: &[Text<'_>],
            scores: &mut Vec<Option<Score>>,
        ) -> Result<(), ScorerFault> {
            self.2.clone()?;
            scores.clear();
            scores.extend(
                texts
                    .iter()
                    .map(|text| (text.text != "?").then(|| self.score(text.text))),
            );
            Ok(())
        }
        fn at_once(&self) -> usize {
            10 * usize::from(self.0)
        }
    }

    fn both(others: Fixed) -> ByLanguage {
        ByLanguage::new(Box::new(Fixed(1, Some("en"), Ok(()))), Box::new(others))
    }

    fn text(text: &'static str, language: &str) -> Text<'static> {
        Text {
            text,
            language: Some(Language::parse(language).unwrap()),
        }
    }

    #[test]
    fn each_text_goes_to_who_speaks_it_and_order_stays() {
        let mut scorer = both(Fixed(4, None, Ok(())));
        let texts = [
            text("a", "de"),
            text("b", "en"),
            Text::plain("c"),
            text("?", "fr"),
            text("?", "en"),
        ];
        let mut scores = vec![None; 9];
        scorer.score_texts(&texts, &mut scores).unwrap();
        let classes: Vec<Option<u8>> = scores
            .iter()
            .map(|s| s.map(|s| s.sentiment.class()))
            .collect();
        assert_eq!(classes, [Some(4), Some(1), Some(1), None, None]);
        assert_eq!(scorer.score("x").sentiment.class(), 1);
        assert_eq!(scorer.at_once(), 10);
    }

    #[test]
    fn a_language_of_neither_is_spoken_by_none() {
        let scorer = both(Fixed(4, Some("de"), Ok(())));
        let speaks = |tag| scorer.speaks(Some(Language::parse(tag).unwrap()));
        assert!(speaks("de") && speaks("en") && !speaks("fr") && scorer.speaks(None));
    }

    #[test]
    fn the_fingerprint_is_of_both_and_a_fault_of_either_is_told() {
        let fault = ScorerFault("away".to_owned());
        let mut failing = both(Fixed(4, None, Err(fault.clone())));
        let other = both(Fixed(3, None, Ok(())));
        assert_ne!(failing.fingerprint(), other.fingerprint());
        assert!(failing.fingerprint().len() <= 48);
        assert_eq!(
            failing.score_texts(&[text("a", "de")], &mut Vec::new()),
            Err(fault)
        );
        assert_eq!(
            failing.score_texts(&[text("a", "en")], &mut Vec::new()),
            Ok(())
        );
    }
}
