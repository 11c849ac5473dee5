//! Values of the configuration, and the layers that they come from.

use std::fmt;

use toml::Value;

/// The value of a key, and the layer that it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// The layer that a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(String),
    Environment(String),
    Flag,
}

impl Origin {
    /// Whether the layer has text only, and no types.
    pub(crate) fn is_untyped(&self) -> bool {
        matches!(self, Self::Environment(_) | Self::Flag)
    }
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
