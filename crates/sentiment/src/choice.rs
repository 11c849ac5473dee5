//! The built-in scorers by name, for configuration.

use std::fmt;
use std::str::FromStr;

use crate::trained::{DecisionRule, TrainedScorer, WeightsError};
use crate::{LexiconScorer, Scorer};

/// A built-in scorer and its decision rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScorerChoice {
    /// The trained scorer for English, with built-in weights.
    Trained(DecisionRule),
    /// The lexicon scorer.
    Lexicon,
}

/// The name of a built-in scorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScorerName {
    /// The trained scorer.
    Trained,
    /// The lexicon scorer.
    Lexicon,
}

impl ScorerName {
    /// Adds the rule, for scorers that have one.
    #[must_use]
    pub fn with_rule(self, rule: DecisionRule) -> ScorerChoice {
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
        Self::Trained(DecisionRule::default())
    }
}

impl ScorerChoice {
    /// Builds the scorer.
    ///
    /// # Errors
    /// If the built-in weights do not match this code, which is a build error.
    pub fn build(self) -> Result<Box<dyn Scorer>, WeightsError> {
        Ok(match self {
            Self::Trained(rule) => Box::new(TrainedScorer::english(rule)?),
            Self::Lexicon => Box::new(LexiconScorer::new()),
        })
    }
}
