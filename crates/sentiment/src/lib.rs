//! Sentiment scores of texts.
//!
//! Terms: a *scorer* turns a text into a [`Score`]: a class 0 to 4 and a continuous value 0.0 to 4.0. Its
//! *fingerprint* identifies the scorer and everything that its scores depend on, so that the rows of two
//! scorers are never mixed.
//!
//! Guarantees: a scorer accepts any text. Equal fingerprints and texts yield equal scores on every
//! machine. The built-in scorers allocate nothing per call after warm-up.
//!
//! Must not know: I/O, posts, topics, hours and stores.
//!
//! Start with [`ScorerChoice`] for a scorer by configuration, [`TrainedScorer`] and [`LexiconScorer`] for
//! the built-in scorers, and [`evaluation`] for their quality on labelled texts.
//!
//! Errors: a cause is the `source` of its error and not part of the message.
//!
//! ```
//! use moodvane_sentiment::{ScorerChoice, WeightsError};
//!
//! let mut scorer = ScorerChoice::default().build()?;
//! let good = scorer.score("What a beautiful morning :)");
//! let bad = scorer.score("ugh, the train is late again. So annoying!");
//! assert!(good.value() > 2.0 && 2.0 > bad.value());
//! # Ok::<(), WeightsError>(())
//! ```

mod apostrophe;
mod choice;
pub mod evaluation;
mod language_router;
mod lexicon;
pub mod trained;
mod weather_talk_scorer;
mod work;

pub use choice::{ScorerChoice, ScorerName};
pub use language_router::LanguageRouter;
pub use lexicon::LexiconScorer;
pub use trained::{DecisionRule, TrainedScorer, WeightsError};
pub use weather_talk_scorer::WeatherTalkScorer;

use moodvane_model::{Calibration, Language, Score};

/// A text and its stated language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// The text.
    pub text: &'a str,
    /// Its language, if stated.
    pub language: Option<Language>,
}

impl<'a> Text<'a> {
    /// A text without a stated language.
    #[must_use]
    pub fn plain(text: &'a str) -> Self {
        Self {
            text,
            language: None,
        }
    }
}

/// The failure of a scorer's engine, with its message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scorer failed: {0}")]
pub struct ScorerError(pub String);

/// Scores texts. A scorer belongs to one thread and may keep buffers between calls.
pub trait Scorer: Send {
    /// Identifies the scorer and everything that its scores depend on: at most 64 lower-case letters,
    /// digits and '-'.
    fn fingerprint(&self) -> &str;

    /// Whether the scorer supports texts in this language; `None` is a text without a stated language.
    fn supports_language(&self, language: Option<Language>) -> bool;

    /// Scores a text without a stated language. A text without sentiment is neutral.
    fn score(&mut self, text: &str) -> Score;

    /// Scores texts in order into `scores`, which is cleared first; `None` for a text that cannot be scored.
    /// Engines that are faster in batches override this.
    ///
    /// # Errors
    /// If the engine has failed. The built-in scorers do not fail.
    fn score_batch(
        &mut self,
        texts: &[Text<'_>],
        scores: &mut Vec<Option<Score>>,
    ) -> Result<(), ScorerError> {
        scores.clear();
        scores.extend(texts.iter().map(|text| Some(self.score(text.text))));
        Ok(())
    }

    /// The calibration of the values, from which the class distribution of many texts is estimated; `None`
    /// where it was not measured, so that distributions are counts of classes.
    fn calibration(&self) -> Option<&Calibration> {
        None
    }

    /// The maximum number of texts per batch that keeps latency low.
    fn max_batch_size(&self) -> usize {
        usize::MAX
    }
}
