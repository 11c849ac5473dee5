//! What is wrong with a configuration.

use std::fmt;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(String),
    Environment(String),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(path),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// The key, for example `server.port`; empty for a file as a whole.
    pub(crate) key: String,
    /// The value and where it came from, and what would be right.
    pub(crate) message: String,
}

/// Everything that is wrong with a configuration, in the order of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    pub(crate) faults: Vec<Fault>,
}

impl SettingsError {
    /// How many faults there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.faults.len()
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.faults.len() == 1 { "" } else { "s" };
        write!(
            f,
            "the configuration has {} fault{plural}:",
            self.faults.len()
        )?;
        for fault in &self.faults {
            write!(f, "\n  {}", fault.key)?;
            if !fault.key.is_empty() {
                f.write_str(" ")?;
            }
            f.write_str(&fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// What stands in a message instead of a secret.
pub(crate) const HIDDEN: &str = "***";

/// Whether the key's value must not be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["token", "key", "password", "secret"]
        .iter()
        .any(|word| key.contains(word))
}

/// The value as a message may show it: short, and never a secret.
pub(crate) fn shown(key: &str, value: &toml::Value) -> String {
    if is_secret(key) {
        return HIDDEN.to_owned();
    }
    let text = value.to_string();
    let text = match text.split_once('?') {
        // What follows may be a key.
        Some((before, _)) if key.to_lowercase().ends_with("url") => format!("{before}?{HIDDEN}"),
        _ => text,
    };
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The known name that is nearest to `name`, where one is near enough to be a slip.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let (distance, best) = known.map(|other| (distance(name, other), other)).min()?;
    (distance <= 1 + name.len() / 4).then_some(best)
}

/// Edit distance by Levenshtein.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
