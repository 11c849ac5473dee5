//! What is told of the spool: readiness and metrics.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use moodvane_runtime::Check;
use moodvane_runtime::metrics::{counter, counter_vec, gauge};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::Item;

/// Why the spool takes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Full,
    Disk(String),
}

#[derive(Debug, Default)]
struct Told {
    /// Why the log does not take what waits.
    away: Option<String>,
    fault: Option<Fault>,
    waiting: u64,
}

/// Tells readiness and metrics how the spool is. Clones tell the same.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    check: Check,
    told: Arc<Mutex<Told>>,
    bytes: IntGauge,
    waiting: IntGauge,
    spooled: IntCounterVec,
    drained: IntCounterVec,
    lost: IntCounter,
    torn: IntCounter,
}

impl Health {
    pub(crate) fn new(check: Check, registry: &Registry) -> Self {
        let by_source = |name, help| counter_vec(registry, name, help, &["source"]);
        check.ok();
        Self {
            check,
            told: Arc::default(),
            bytes: gauge(
                registry,
                "moodvane_ingester_spool_bytes",
                "Bytes of the spool that wait for the log.",
            ),
            waiting: gauge(
                registry,
                "moodvane_ingester_spool_records",
                "Records of the spool, and cursors, that wait for the log.",
            ),
            spooled: by_source(
                "moodvane_ingester_spooled_total",
                "Records that were written to the spool.",
            ),
            drained: by_source(
                "moodvane_ingester_drained_total",
                "Records that the log took from the spool.",
            ),
            lost: counter(
                registry,
                "moodvane_ingester_spool_lost_records_total",
                "Records of the spool that were damaged on the disk and passed over.",
            ),
            torn: counter(
                registry,
                "moodvane_ingester_spool_torn_bytes_total",
                "Bytes at the spool's end that a crash had left unfinished, cut at the start.",
            ),
        }
    }

    /// The log takes nothing, or takes what waits again.
    pub(super) fn log_is(&self, away: Option<String>) {
        self.tell(|told| told.away = away);
    }

    /// The spool takes nothing, or takes records again.
    pub(super) fn spool_is(&self, fault: Option<Fault>) {
        self.tell(|told| {
            if told.fault == fault {
                return;
            }
            match &fault {
                Some(Fault::Full) => tracing::warn!("spool is full, what comes now is dropped"),
                Some(Fault::Disk(reason)) => tracing::warn!(reason, "spool cannot be written"),
                None => tracing::info!("spool takes records again"),
            }
            told.fault = fault;
        });
    }

    /// A spool that was full has room again.
    pub(super) fn has_room(&self) {
        self.tell(|told| {
            told.fault.take_if(|fault| *fault == Fault::Full);
        });
    }

    /// How much waits.
    pub(super) fn waiting(&self, items: u64, bytes: u64) {
        let gauged = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.bytes.set(gauged(bytes));
        self.waiting.set(gauged(items));
        self.tell(|told| told.waiting = items);
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut told);
        let waiting = told.waiting;
        match (&told.fault, &told.away) {
            (Some(Fault::Disk(reason)), _) => {
                self.check
                    .fail(format!("the spool cannot be written: {reason}"));
            }
            (Some(Fault::Full), _) => self.check.fail(format!(
                "the spool is full with {waiting} records, what comes now is dropped"
            )),
            (None, Some(reason)) => self.check.fail(format!(
                "{waiting} records wait in the spool for the log: {reason}"
            )),
            (None, None) => self.check.ok(),
        }
    }

    pub(super) fn spooled(&self, items: &[Item]) {
        count(&self.spooled, items);
    }

    pub(super) fn drained(&self, items: &[Item], lost: u64) {
        count(&self.drained, items);
        self.lost.inc_by(lost);
        if lost > 0 {
            tracing::error!(lost, "records of the spool were damaged and are lost");
        }
    }

    pub(super) fn torn(&self, bytes: u64) {
        self.torn.inc_by(bytes);
        if bytes > 0 {
            tracing::warn!(bytes, "the spool's unfinished end was cut");
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

fn count(counter: &IntCounterVec, items: &[Item]) {
    for item in items {
        if let Item::Record { source, .. } = item {
            counter.with_label_values(&[source.as_str()]).inc();
        }
    }
}
