//! A scorer that also says whether a text speaks of the weather.
//!
//! Guarantee: classes and values are those of the inner scorer.

use moodvane_model::{Calibration, Language, Score};
use moodvane_weather_talk::WeatherTalk;

use crate::{Scorer, ScorerError, Text};

/// Marks the scores of texts that speak of the weather ([`Score::weather_talk`]). Only texts in English
/// or without a stated language are marked, because the list of terms is English.
pub struct WeatherTalkScorer {
    inner: Box<dyn Scorer>,
    detector: WeatherTalk,
    fingerprint: String,
}

impl WeatherTalkScorer {
    /// Adds the built-in detector to a scorer.
    #[must_use]
    pub fn new(inner: Box<dyn Scorer>) -> Self {
        let detector = WeatherTalk::english();
        let fingerprint = format!("{}-{}", inner.fingerprint(), detector.fingerprint());
        Self {
            inner,
            detector,
            fingerprint,
        }
    }

    fn mark(&mut self, score: Score, text: &Text<'_>) -> Score {
        let is_english = text.language.is_none_or(|l| l.as_str() == "en");
        score.with_weather_talk(is_english && self.detector.mentions_weather(text.text))
    }
}

impl Scorer for WeatherTalkScorer {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn supports_language(&self, language: Option<Language>) -> bool {
        self.inner.supports_language(language)
    }

    fn score(&mut self, text: &str) -> Score {
        let score = self.inner.score(text);
        self.mark(score, &Text::plain(text))
    }

    fn score_batch(
        &mut self,
        texts: &[Text<'_>],
        scores: &mut Vec<Option<Score>>,
    ) -> Result<(), ScorerError> {
        self.inner.score_batch(texts, scores)?;
        for (score, text) in scores.iter_mut().zip(texts) {
            *score = score.map(|score| self.mark(score, text));
        }
        Ok(())
    }

    fn calibration(&self) -> Option<&Calibration> {
        self.inner.calibration()
    }

    fn max_batch_size(&self) -> usize {
        self.inner.max_batch_size()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ScorerChoice;

    #[test]
    fn marks_weather_talk_in_english_and_changes_no_score() {
        let mut plain = ScorerChoice::default().build().unwrap();
        let mut marking = WeatherTalkScorer::new(ScorerChoice::default().build().unwrap());
        let texts = [
            ("what a rainy, awful morning", None, true),
            ("what a rainy, awful morning", Some("en"), true),
            ("what a rainy, awful morning", Some("de"), false),
            ("what an awful morning", None, false),
            ("a bit under the weather today", None, false),
        ];
        for (text, language, expected) in texts {
            let language = language.map(|tag| Language::parse(tag).unwrap());
            let mut scores = Vec::new();
            let text = Text { text, language };
            marking.score_batch(&[text], &mut scores).unwrap();
            let unmarked = plain.score(text.text);
            assert_eq!(
                scores,
                [Some(unmarked.with_weather_talk(expected))],
                "{text:?}"
            );
        }
    }

    #[test]
    fn fingerprint_names_scorer_and_list() {
        let inner = ScorerChoice::default().build().unwrap();
        let of_inner = inner.fingerprint().to_owned();
        let scorer = WeatherTalkScorer::new(inner);
        let own = scorer.fingerprint();
        assert!(
            own.starts_with(&of_inner) && own.contains("-talk-"),
            "{own}"
        );
        assert!(own.len() <= 64, "{own}");
        assert!(scorer.calibration().is_some());
    }
}
