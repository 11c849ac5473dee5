//! Topics, their incarnations, partitions and offsets: positions in the log.

use std::fmt;
use std::str::FromStr;

use crate::ModelError;

/// A topic of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// One [`crate::Observation`] per record.
    Temperature,
    /// One [`crate::Post`] per record.
    Tweet,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 2] = [Self::Temperature, Self::Tweet];

    /// The topic's name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Tweet => "tweet",
        }
    }

    /// The name of the dead-letter topic, which holds the records that cannot be decoded.
    #[must_use]
    pub fn dead_letter_name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature.dead",
            Self::Tweet => "tweet.dead",
        }
    }
}

impl FromStr for Topic {
    type Err = ModelError;
    fn from_str(text: &str) -> Result<Self, ModelError> {
        Self::ALL
            .into_iter()
            .find(|topic| topic.name() == text)
            .ok_or_else(|| ModelError::Topic(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The number of a partition of a topic, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(pub u32);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The position of a record in its partition, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Offset(pub u64);

impl Offset {
    /// The first offset of a partition.
    pub const ZERO: Self = Self(0);

    /// The following offset.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The offset `n` places earlier, at least 0.
    #[must_use]
    pub fn saturating_sub(self, n: u64) -> Self {
        Self(self.0.saturating_sub(n))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The incarnation of a topic.
///
/// Offsets start at 0 again in a topic that was deleted and created again. An operator raises the
/// incarnation then, so that the new records get rows of their own. The hour row merges the rows of
/// all incarnations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Incarnation(pub u32);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
