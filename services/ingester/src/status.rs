//! What can be seen of the sources from outside.
//!
//! Guarantee: reading a status never waits for an actor; a cell is written by one source and read
//! from any thread.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moodvane_model::{SourceId, Timestamp};

/// What a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// Made, but not yet connected or opened.
    Starting,
    /// Taking records.
    Running,
    /// Failed; it is tried again at this moment.
    BackingOff {
        /// When the next attempt is made.
        until: Timestamp,
    },
    /// Failed so often in a row that it rests for long; then it is tried once.
    CircuitOpen {
        /// When it is tried.
        until: Timestamp,
    },
    /// A finite source whose records are all acknowledged.
    Finished,
    /// A finite source that cannot go on.
    Failed,
    /// Drained; it resumes from its cursor at the next start.
    Stopped,
}

/// One source as it was at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// The source.
    pub id: SourceId,
    /// What it is doing.
    pub state: SourceState,
    /// How often it was made anew.
    pub restarts: u64,
    /// Records that the log or the spool acknowledged since the ingester was started.
    pub records: u64,
    /// Why it failed last, where it ever did.
    pub last_error: Option<String>,
    /// Of a file: bytes whose records are acknowledged, and all bytes.
    pub progress: Option<(u64, u64)>,
    /// The latest own time of an acknowledged record.
    pub last_event: Option<Timestamp>,
    /// When records of it were acknowledged last.
    pub last_success: Option<Timestamp>,
    /// Batches of it that are formatted or on their way to the log.
    pub in_flight: u64,
}

impl SourceState {
    /// A short name, fit for a label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::BackingOff { .. } => "backing_off",
            Self::CircuitOpen { .. } => "circuit_open",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// When it is tried again, where it waits for that.
    #[must_use]
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::BackingOff { until } | Self::CircuitOpen { until } => Some(until),
            _ => None,
        }
    }
}

const NEVER: i64 = -1;
/// Due at no time: the source waits for something that may take any time.
const NOT_DUE: u64 = u64::MAX;

#[derive(Debug)]
struct LockedState {
    state: SourceState,
    last_error: Option<String>,
}

/// The cell that one source writes.
#[derive(Debug)]
pub(crate) struct SourceStats {
    id: SourceId,
    restarts: AtomicU64,
    records: AtomicU64,
    done: AtomicU64,
    total: AtomicU64,
    last_event: AtomicI64,
    last_success: AtomicI64,
    in_flight: AtomicU64,
    /// The uptime in milliseconds by which it has announced its next sign of life.
    due: AtomicU64,
    locked: Mutex<LockedState>,
}

impl SourceStats {
    pub(crate) fn new(id: SourceId) -> Self {
        Self {
            id,
            restarts: AtomicU64::new(0),
            records: AtomicU64::new(0),
            done: AtomicU64::new(0),
            total: AtomicU64::new(u64::MAX),
            last_event: AtomicI64::new(NEVER),
            last_success: AtomicI64::new(NEVER),
            in_flight: AtomicU64::new(0),
            due: AtomicU64::new(NOT_DUE),
            locked: Mutex::new(LockedState {
                state: SourceState::Starting,
                last_error: None,
            }),
        }
    }

    pub(crate) fn id(&self) -> SourceId {
        self.id
    }

    fn locked(&self) -> MutexGuard<'_, LockedState> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_state(&self, state: SourceState) {
        self.locked().state = state;
    }

    pub(crate) fn set_error(&self, error: &dyn std::error::Error) {
        self.locked().last_error = Some(format!("{error:#}"));
    }

    pub(crate) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.locked().state == SourceState::Running
    }

    pub(crate) fn set_in_flight(&self, batches: usize) {
        self.in_flight.store(batches as u64, Ordering::Relaxed);
    }

    /// The next sign of life is due at this uptime, or at none.
    pub(crate) fn set_due(&self, uptime: Option<Duration>) {
        let due = uptime.map_or(NOT_DUE, |uptime| millis(uptime).min(NOT_DUE - 1));
        self.due.store(due, Ordering::Relaxed);
    }

    /// By how much the announced sign of life is late.
    pub(crate) fn overdue(&self, uptime: Duration) -> Option<Duration> {
        let due = self.due.load(Ordering::Relaxed);
        let late = millis(uptime).checked_sub(due)?;
        (late > 0).then(|| Duration::from_millis(late))
    }

    pub(crate) fn count_records(&self, n: usize, last_event: Option<Timestamp>, now: Timestamp) {
        self.records.fetch_add(n as u64, Ordering::Relaxed);
        self.last_success.store(now.millis(), Ordering::Relaxed);
        if let Some(at) = last_event {
            self.last_event.fetch_max(at.millis(), Ordering::Relaxed);
        }
    }

    pub(crate) fn set_progress(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> SourceStatus {
        let (state, last_error) = {
            let locked = self.locked();
            (locked.state, locked.last_error.clone())
        };
        let total = self.total.load(Ordering::Relaxed);
        let moment = |cell: &AtomicI64| Timestamp::from_millis(cell.load(Ordering::Relaxed)).ok();
        SourceStatus {
            id: self.id,
            state,
            restarts: self.restarts.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            last_error,
            progress: (total != u64::MAX).then(|| (self.done.load(Ordering::Relaxed), total)),
            last_event: moment(&self.last_event),
            last_success: moment(&self.last_success),
            in_flight: self.in_flight.load(Ordering::Relaxed),
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
