//! Readiness and metrics of the spool.

use std::sync::{Arc, Mutex, PoisonError};

use moodvane_model::ErrorChain;
use moodvane_runtime::Check;
use moodvane_runtime::metrics::{counter, counter_vec, gauge};
use moodvane_spool::{AppendError, Backlog, Chunk, SpoolObserver};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::SpoolEntry;

/// Why the spool rejects appends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    Full,
    Disk(String),
}

#[derive(Debug, Default)]
struct State {
    /// Why the log rejects pending records.
    log_error: Option<String>,
    fault: Option<Fault>,
    pending: u64,
}

/// Reports the spool's state to readiness and metrics. Clones share the state.
#[derive(Debug, Clone)]
pub(crate) struct SpoolHealth {
    check: Check,
    state: Arc<Mutex<State>>,
    bytes: IntGauge,
    records: IntGauge,
    spooled: IntCounterVec,
    drained: IntCounterVec,
    lost: IntCounter,
    torn: IntCounter,
}

impl SpoolHealth {
    pub(crate) fn new(check: Check, registry: &Registry) -> Self {
        let by_source = |name, help| counter_vec(registry, name, help, &["source"]);
        check.ok();
        Self {
            check,
            state: Arc::default(),
            bytes: gauge(
                registry,
                "moodvane_ingester_spool_bytes",
                "Bytes in the spool that are not yet in the log.",
            ),
            records: gauge(
                registry,
                "moodvane_ingester_spool_records",
                "Records and cursors in the spool that are not yet in the log.",
            ),
            spooled: by_source(
                "moodvane_ingester_spooled_total",
                "Records written to the spool.",
            ),
            drained: by_source(
                "moodvane_ingester_drained_total",
                "Records published from the spool to the log.",
            ),
            lost: counter(
                registry,
                "moodvane_ingester_spool_lost_records_total",
                "Damaged records in the spool that were skipped.",
            ),
            torn: counter(
                registry,
                "moodvane_ingester_spool_torn_bytes_total",
                "Bytes of incomplete writes that were truncated from the end of the spool at start.",
            ),
        }
    }

    /// The log rejects records, or accepts them again.
    pub(super) fn set_log_error(&self, error: Option<String>) {
        self.update(|state| state.log_error = error);
    }

    /// The spool rejects appends, or accepts them again.
    fn set_fault(&self, fault: Option<Fault>) {
        self.update(|state| {
            if state.fault == fault {
                return;
            }
            match &fault {
                Some(Fault::Full) => tracing::warn!("spool full, dropping records"),
                Some(Fault::Disk(error)) => tracing::warn!(error, "cannot write to spool"),
                None => tracing::info!("spool accepts records again"),
            }
            state.fault = fault;
        });
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let pending = state.pending;
        match (&state.fault, &state.log_error) {
            (Some(Fault::Disk(error)), _) => self.check.fail(error.clone()),
            (Some(Fault::Full), _) => self.check.fail(format!(
                "spool is full ({pending} records), new records are dropped"
            )),
            (None, Some(error)) => self
                .check
                .fail(format!("{pending} records wait in the spool: {error}")),
            (None, None) => self.check.ok(),
        }
    }
}

impl SpoolObserver for SpoolHealth {
    fn tail_truncated(&self, bytes: u64) {
        self.torn.inc_by(bytes);
        if bytes > 0 {
            tracing::warn!(bytes, "torn end of spool truncated");
        }
    }

    fn appended(&self, entries: &[Vec<u8>]) {
        count(&self.spooled, entries);
        self.set_fault(None);
    }

    fn append_failed(&self, error: &AppendError) {
        self.set_fault(Some(match error {
            AppendError::Full => Fault::Full,
            error => Fault::Disk(ErrorChain(error).to_string()),
        }));
    }

    fn committed(&self, chunk: &Chunk, has_room: bool) {
        let undecodable = count(&self.drained, &chunk.entries);
        let lost = chunk.lost + undecodable;
        self.lost.inc_by(lost);
        if lost > 0 {
            tracing::error!(lost, "skipped damaged records in spool");
        }
        if has_room {
            self.update(|state| {
                state.fault.take_if(|fault| *fault == Fault::Full);
            });
        }
    }

    fn backlog_changed(&self, backlog: Backlog) {
        let gauge_value = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.bytes.set(gauge_value(backlog.bytes));
        self.records.set(gauge_value(backlog.entries));
        self.update(|state| state.pending = backlog.entries);
    }
}

/// Counts records by source; returns the number of entries that cannot be decoded.
fn count(counter: &IntCounterVec, entries: &[Vec<u8>]) -> u64 {
    let mut undecodable = 0;
    for bytes in entries {
        match SpoolEntry::decode(bytes) {
            Some(SpoolEntry::Record { source, .. }) => {
                counter.with_label_values(&[source.as_str()]).inc();
            }
            Some(SpoolEntry::Cursor { .. }) => {}
            None => undecodable += 1,
        }
    }
    undecodable
}
