//! The identity of a fold run: everything that determines the rows that a log folds into.

use std::fmt;
use std::sync::Arc;

use crate::{DuplicateWindow, EventTimeBounds};

/// The version of the fold's rules. A change that folds the same log into different rows raises it,
/// once per release: changes before the next release share its number, so that an upgrade needs one
/// new run.
///
/// | version | since | rules |
/// | --- | --- | --- |
/// | 1 | 0.1.0 | |
/// | 2 | next release | An observation counts in its own hour or not at all. A bad side value of a record costs only itself. Posts have a histogram of values, and the sums of those that speak of the weather. |
pub const FOLD_VERSION: u32 = 2;

/// Everything that determines the rows that a log folds into. Processors with equal specifications
/// form one consumer group and share its partitions; processors with different ones fold into
/// separate runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSpec {
    /// The scorer's fingerprint: its name and a hash of everything that its scores depend on.
    pub scorer: String,
    /// The duplicate window W: the number of preceding offsets that are searched for a duplicate.
    pub window: DuplicateWindow,
    /// The bounds of the event time.
    pub bounds: EventTimeBounds,
}

impl RunSpec {
    /// The name of the run. Specifications that can give different rows have different names.
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

/// The name of a run, for example `lexicon-2-5e8f.w65536.a600000.b86400000.f2.v1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Arc<str>);

impl RunId {
    /// The run of a stored name.
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
