//! A range of ports, such as `31000-32000`.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// The ports from a first to a last one, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortRange(RangeInclusive<u16>);

impl PortRange {
    /// Whether the range has this port.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }
}

impl Default for PortRange {
    /// The ports that a Mesos agent offers without an option.
    fn default() -> Self {
        Self(31_000..=32_000)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0.start(), self.0.end())
    }
}

impl From<PortRange> for String {
    fn from(range: PortRange) -> Self {
        range.to_string()
    }
}

impl TryFrom<String> for PortRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let (first, last) = text.split_once('-')?;
            let range: RangeInclusive<u16> =
                first.trim().parse().ok()?..=last.trim().parse().ok()?;
            (*range.start() > 0 && !range.is_empty()).then_some(Self(range))
        };
        parse()
            .ok_or_else(|| format!("{text:?} is no range of ports: expected the form 31000-32000"))
    }
}
