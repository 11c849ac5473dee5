//! The identity of a fold: all that decides what a record becomes.

use std::fmt;
use std::sync::Arc;

use crate::EventTimeBounds;

/// The version of the fold's own rules. Raised whenever the same log would give other rows.
pub const FOLD_VERSION: u32 = 1;

/// All that decides what a record becomes. Two processors with equal specifications may share
/// partitions; others never do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSpec {
    /// The scorer's fingerprint: its name and what its answers depend on.
    pub scorer: String,
    /// The duplicate window W, in offsets.
    pub window: u32,
    /// Which times are believed.
    pub bounds: EventTimeBounds,
}

impl RunSpec {
    /// The name of the run: readable, and different wherever the rows could differ.
    #[must_use]
    pub fn id(&self) -> RunId {
        RunId::new(format!(
            "{}.w{}.a{}.b{}.f{}.v{}",
            self.scorer,
            self.window,
            self.bounds.ahead_ms,
            self.bounds.behind_ms,
            FOLD_VERSION,
            crate::WIRE_VERSION,
        ))
    }
}

/// The name of a run, for example `lexicon-1-5e8f.w65536.a600000.b86400000.f1.v1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Arc<str>);

impl RunId {
    /// A run's name as it was stored.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
