//! The observable state of sources.
//!
//! Guarantee: a snapshot never waits for an actor; one source writes its stats, and any thread
//! reads them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moodvane_model::{Account, CityId, ErrorChain, SourceId, Timestamp};

use crate::drop_log::DropLog;

/// The state of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// Started, but not yet connected or opened.
    Starting,
    /// Connected or opened.
    Running,
    /// Failed; it restarts after a backoff.
    BackingOff {
        /// When the next attempt starts.
        until: Timestamp,
    },
    /// Failed repeatedly; it gets one attempt after the cooldown.
    CircuitOpen {
        /// When that attempt starts.
        until: Timestamp,
    },
    /// A finite source whose records are all acknowledged.
    Finished,
    /// A finite source that failed permanently.
    Failed,
    /// Drained; a replayable source resumes from its cursor at the next start.
    Stopped,
}

/// A snapshot of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// The source.
    pub id: SourceId,
    /// Its state.
    pub state: SourceState,
    /// Restarts since the ingester started.
    pub restarts: u64,
    /// Records acknowledged by the log or the spool since the ingester started.
    pub records: u64,
    /// The latest error with its causes.
    pub last_error: Option<String>,
    /// For a file: bytes whose records are acknowledged, and all bytes.
    pub progress: Option<(u64, u64)>,
    /// The latest event time of an acknowledged record.
    pub last_event: Option<Timestamp>,
    /// When records were acknowledged last.
    pub last_success: Option<Timestamp>,
    /// Batches that are being formatted or published.
    pub in_flight: u64,
    /// The cities whose weather is stale, each with the time of the provider's latest observation.
    pub stale: BTreeMap<CityId, Timestamp>,
}

/// What a source has read and acknowledged since the ingester started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceAccount {
    /// The source.
    pub id: SourceId,
    /// The messages or rows whose records are acknowledged, and those that have none.
    pub account: Account,
    /// For a file that was read in part before: the first line that was read now.
    pub resumed_at_line: Option<u64>,
    /// For a file whose format of times was to be found: what was found.
    pub time_format: Option<String>,
}

impl SourceState {
    /// The name of the state, as a label.
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

    /// When the next attempt starts, in a state that waits for one.
    #[must_use]
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::BackingOff { until } | Self::CircuitOpen { until } => Some(until),
            _ => None,
        }
    }
}

const NEVER: i64 = -1;
/// The watchdog is disarmed.
const NOT_DUE: u64 = u64::MAX;

#[derive(Debug)]
struct LockedState {
    state: SourceState,
    last_error: Option<String>,
    stale: BTreeMap<CityId, Timestamp>,
}

/// The counters and the state that one source writes.
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
    /// The watchdog deadline, as uptime in milliseconds.
    due: AtomicU64,
    locked: Mutex<LockedState>,
    account: Mutex<SourceAccount>,
    drops: Mutex<DropLog>,
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
                stale: BTreeMap::new(),
            }),
            account: Mutex::new(SourceAccount {
                id,
                account: Account::default(),
                resumed_at_line: None,
                time_format: None,
            }),
            drops: Mutex::default(),
        }
    }

    pub(crate) fn id(&self) -> SourceId {
        self.id
    }

    fn locked(&self) -> MutexGuard<'_, LockedState> {
        lock(&self.locked)
    }

    pub(crate) fn set_state(&self, state: SourceState) {
        self.locked().state = state;
    }

    pub(crate) fn set_error(&self, error: &dyn std::error::Error) {
        self.locked().last_error = Some(ErrorChain(error).to_string());
    }

    /// Sets or clears since when a city's weather is stale.
    pub(crate) fn set_stale(&self, city: CityId, since: Option<Timestamp>) {
        let mut locked = self.locked();
        match since {
            Some(since) => locked.stale.insert(city, since),
            None => locked.stale.remove(&city),
        };
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

    /// Sets the watchdog deadline to this uptime, or disarms the watchdog.
    pub(crate) fn set_due(&self, uptime: Option<Duration>) {
        let due = uptime.map_or(NOT_DUE, |uptime| millis(uptime).min(NOT_DUE - 1));
        self.due.store(due, Ordering::Relaxed);
    }

    /// How long the watchdog deadline has passed.
    pub(crate) fn overdue(&self, uptime: Duration) -> Option<Duration> {
        let due = self.due.load(Ordering::Relaxed);
        let overdue = millis(uptime).checked_sub(due)?;
        (overdue > 0).then(|| Duration::from_millis(overdue))
    }

    pub(crate) fn count_records(&self, n: usize, last_event: Option<Timestamp>, now: Timestamp) {
        self.records.fetch_add(n as u64, Ordering::Relaxed);
        self.last_success.store(now.millis(), Ordering::Relaxed);
        if let Some(at) = last_event {
            self.last_event.fetch_max(at.millis(), Ordering::Relaxed);
        }
    }

    /// Adds an acknowledged part of the input to the account.
    pub(crate) fn add_account(&self, part: Account) {
        lock(&self.account).account.append(part);
    }

    /// Records that a file is read from this line on, unless it was recorded before.
    pub(crate) fn set_resumed_at(&self, line: u64) {
        let mut account = lock(&self.account);
        if account.account == Account::default() {
            account.resumed_at_line.get_or_insert(line);
        }
    }

    pub(crate) fn set_time_format(&self, found: String) {
        lock(&self.account).time_format = Some(found);
    }

    pub(crate) fn account(&self) -> SourceAccount {
        lock(&self.account).clone()
    }

    /// Logs what was dropped for a new reason.
    pub(crate) fn log_drops(&self, part: &Account, uptime: Duration) {
        lock(&self.drops).record(self.id, part, uptime);
    }

    /// Logs the counts of drops that are due.
    pub(crate) fn flush_drops(&self, uptime: Duration) {
        lock(&self.drops).flush(self.id, uptime);
    }

    pub(crate) fn set_progress(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> SourceStatus {
        let (state, last_error, stale) = {
            let locked = self.locked();
            (
                locked.state,
                locked.last_error.clone(),
                locked.stale.clone(),
            )
        };
        let total = self.total.load(Ordering::Relaxed);
        let moment = |ms: &AtomicI64| Timestamp::from_millis(ms.load(Ordering::Relaxed)).ok();
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
            stale,
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
