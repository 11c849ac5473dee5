//! The id of an app or group: a path, absolute or relative to its group.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longer ids are rejected, because they become names of containers and files.
const MAX_LEN: usize = 200;

/// A path such as `/moodvane/kafka-1`, `kafka-1` or `../kafka-1`.
///
/// A segment consists of `a-z`, `0-9`, `-` and `.`, and neither starts nor ends with `-` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId {
    absolute: bool,
    parts: Vec<String>,
}

/// Text that is not a [`PathId`]. The message is the code that Marathon answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error.pattern")]
pub struct ParsePathIdError;

impl PathId {
    /// `/`, the root group.
    #[must_use]
    pub fn root() -> Self {
        Self {
            absolute: true,
            parts: Vec::new(),
        }
    }

    /// Whether this is `/`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.absolute && self.parts.is_empty()
    }

    /// Whether the path starts with `/`.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        self.absolute
    }

    /// The segments.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The last segment; empty for `/`.
    #[must_use]
    pub fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The parent group; `/` for `/`.
    #[must_use]
    pub fn parent(&self) -> Self {
        let mut parts = self.parts.clone();
        parts.pop();
        Self {
            absolute: self.absolute,
            parts,
        }
    }

    /// Resolves the path against `base`; `..` goes up and stops at `/`.
    #[must_use]
    pub fn resolve(&self, base: &Self) -> Self {
        let mut parts = if self.absolute {
            Vec::new()
        } else {
            base.parts.clone()
        };
        for part in &self.parts {
            match part.as_str() {
                ".." => drop(parts.pop()),
                _ => parts.push(part.clone()),
            }
        }
        Self {
            absolute: true,
            parts,
        }
    }

    /// Whether the path is below `group`, at any depth; no path is below itself.
    #[must_use]
    pub fn is_below(&self, group: &Self) -> bool {
        self.parts.len() > group.parts.len() && self.parts.starts_with(&group.parts)
    }

    /// The id without slashes: `moodvane_kafka-1`.
    #[must_use]
    pub fn safe_path(&self) -> String {
        self.parts.join("_")
    }
}

fn is_part(part: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    part == ".."
        || part.split('.').all(|label| {
            !label.is_empty()
                && label.chars().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

impl FromStr for PathId {
    type Err = ParsePathIdError;

    fn from_str(text: &str) -> Result<Self, ParsePathIdError> {
        if text.is_empty() || text.len() > MAX_LEN {
            return Err(ParsePathIdError);
        }
        let parts: Vec<String> = text
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        if !parts.iter().all(|part| is_part(part)) {
            return Err(ParsePathIdError);
        }
        Ok(Self {
            absolute: text.starts_with('/'),
            parts,
        })
    }
}

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.absolute {
            f.write_str("/")?;
        }
        f.write_str(&self.parts.join("/"))
    }
}

impl Serialize for PathId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PathId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
