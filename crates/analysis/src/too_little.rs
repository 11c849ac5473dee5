//! What is said where there is too little to say anything.

use std::fmt;

use thiserror::Error;

/// A side of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The weather variable.
    Weather,
    /// The feeling.
    Feeling,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weather => "weather",
            Self::Feeling => "feeling",
        })
    }
}

/// Why there is no conclusion, and what it would take.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum TooLittle {
    /// Too few hours have both sides.
    #[error("{have} hours have both sides, it takes {need}")]
    Hours {
        /// Hours that have both sides.
        have: usize,
        /// The fewest hours.
        need: usize,
    },
    /// The hours resemble their neighbours so much that they are worth only a few.
    #[error("{have} hours are worth {effective:.1} independent ones, it takes {need:.0}")]
    Independent {
        /// Hours that have both sides.
        have: usize,
        /// How many independent hours they are worth.
        effective: f64,
        /// The fewest independent hours.
        need: f64,
    },
    /// One side is the same in all hours.
    #[error("the {side} does not vary")]
    NoVariance {
        /// The side.
        side: Side,
    },
    /// There are too few wet or too few dry hours, or all of one kind lie together.
    #[error("{wet} hours are wet and {dry} dry, it takes {need} of each, and in several spells")]
    OneKind {
        /// Wet hours.
        wet: usize,
        /// Dry hours.
        dry: usize,
        /// The fewest of each kind.
        need: usize,
    },
}

impl TooLittle {
    /// How many hours more it would take if they were like those that are there. `None` where no
    /// number of like hours would do, since what is missing is variety.
    #[must_use]
    pub fn more_hours(self) -> Option<u64> {
        match self {
            Self::Hours { have, need } => Some(need.saturating_sub(have) as u64),
            Self::Independent {
                have,
                effective,
                need,
            } => Some((have as f64 * (need / effective - 1.0)).ceil().max(1.0) as u64),
            Self::NoVariance { .. } => None,
            Self::OneKind { wet, dry, need } => {
                let fewer = wet.min(dry);
                let all = (wet + dry) as f64;
                let missing = need.saturating_sub(fewer) as f64;
                // Where there are enough of both, their spells are too few: as many again.
                let like = if missing > 0.0 { missing } else { fewer as f64 };
                (fewer > 0).then(|| (all * like / fewer as f64).ceil() as u64)
            }
        }
    }
}
