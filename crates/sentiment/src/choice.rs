//! The scorers by name, as a configuration chooses them.

use std::fmt;
use std::str::FromStr;

use crate::trained::{Rule, TrainedScorer, WeightsError};
use crate::{LexiconScorer, Scorer};

/// Which scorer, and by which rule it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScorerChoice {
    /// The trained scorer for English that is built in.
    Trained(Rule),
    /// The lexicon scorer.
    Lexicon,
}

/// A scorer's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScorerName {
    /// The trained scorer.
    Trained,
    /// The lexicon scorer.
    Lexicon,
}

impl ScorerName {
    /// With the rule for the scorers that have one.
    #[must_use]
    pub fn with(self, rule: Rule) -> ScorerChoice {
        match self {
            Self::Trained => ScorerChoice::Trained(rule),
            Self::Lexicon => ScorerChoice::Lexicon,
        }
    }
}

impl FromStr for ScorerName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "trained" => Ok(Self::Trained),
            "lexicon" => Ok(Self::Lexicon),
            _ => Err(format!("\"{text}\" must be trained or lexicon")),
        }
    }
}

impl fmt::Display for ScorerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trained => "trained",
            Self::Lexicon => "lexicon",
        })
    }
}

impl Default for ScorerChoice {
    fn default() -> Self {
        Self::Trained(Rule::default())
    }
}

impl ScorerChoice {
    /// Makes the scorer.
    ///
    /// # Errors
    /// Where the built-in weights do not fit this code: a fault of the build.
    pub fn build(self) -> Result<Box<dyn Scorer>, WeightsError> {
        Ok(match self {
            Self::Trained(rule) => Box::new(TrainedScorer::english(rule)?),
            Self::Lexicon => Box::new(LexiconScorer::new()),
        })
    }
}
