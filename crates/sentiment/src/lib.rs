//! From a text to its mood.
//!
//! Terms: a *scorer* turns a text into a [`Score`]: a class 0 to 4 and a continuous value 0.0 to
//! 4.0. Its *fingerprint* names it and all that its answers depend on, so that rows of two
//! scorers are never mixed.
//!
//! Guarantee: a scorer answers for every text of any content; the same fingerprint and text give
//! the same score on every machine; the built-in scorers allocate nothing per call once warm.
//!
//! This crate does no I/O and knows nothing of posts, topics, hours or stores.
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
mod by_language;
mod choice;
mod lexicon;
pub mod measure;
pub mod trained;
mod work;

pub use by_language::ByLanguage;
pub use choice::{ScorerChoice, ScorerName};
pub use lexicon::LexiconScorer;
pub use trained::{Rule, TrainedScorer, WeightsError};

use moodvane_model::{Language, Score};

/// A text, and the language that it says it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// The text.
    pub text: &'a str,
    /// Its language, where it names one.
    pub language: Option<Language>,
}

impl<'a> Text<'a> {
    /// A text that names no language.
    #[must_use]
    pub fn plain(text: &'a str) -> Self {
        Self {
            text,
            language: None,
        }
    }
}

/// A scorer that does not answer any more: what it runs on has failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the scorer failed: {0}")]
pub struct ScorerFault(pub String);

/// Scores texts. One scorer belongs to one thread; it may keep scratch space between calls.
pub trait Scorer: Send {
    /// Names the scorer and all that its answers depend on: lower-case letters, digits and '-',
    /// at most 48 characters.
    fn fingerprint(&self) -> &str;

    /// Whether the scorer can judge texts of this language; `None` is a text that names none.
    fn speaks(&self, language: Option<Language>) -> bool;

    /// The mood of one text that names no language. A text without any sign of mood is neutral.
    fn score(&mut self, text: &str) -> Score;

    /// The moods of many texts, in order, into `scores`, which is cleared first; `None` for a text that
    /// cannot be judged. An engine that is faster in batches overrides this.
    ///
    /// # Errors
    /// Where the scorer does not answer any more. The built-in ones always answer.
    fn score_texts(
        &mut self,
        texts: &[Text<'_>],
        scores: &mut Vec<Option<Score>>,
    ) -> Result<(), ScorerFault> {
        scores.clear();
        scores.extend(texts.iter().map(|text| Some(self.score(text.text))));
        Ok(())
    }

    /// How many texts should be given at once at most, so that an answer comes soon.
    fn at_once(&self) -> usize {
        usize::MAX
    }
}
