//! Errors of the configuration.
//!
//! Convention: a cause is a `#[source]` and not part of the message, so that the binary prints the
//! chain of causes once. [`SettingsError`] has no cause: it lists every fault itself.

use std::fmt;

/// One error in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// The key, for example `server.port`; empty for a whole file.
    pub(crate) key: String,
    /// The value, its origin and the expected form.
    pub(crate) message: String,
}

/// All errors in a configuration, ordered by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    pub(crate) faults: Vec<Fault>,
}

impl SettingsError {
    /// The number of faults.
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
