//! Metrics of the sources. Labels have bounded sets of values: configured source ids, topics, and
//! constant reasons.

use std::time::Duration;

use moodvane_model::{SourceId, Topic, Variable};
use moodvane_runtime::metrics::{counter_vec, histogram_vec};
use moodvane_upstream::OmitReason;
use prometheus::{HistogramVec, IntCounterVec, Registry};

/// Metrics by source.
#[derive(Debug, Clone)]
pub(crate) struct IngesterMetrics {
    seen: IntCounterVec,
    kept: IntCounterVec,
    published: IntCounterVec,
    acknowledged: HistogramVec,
    dropped: IntCounterVec,
    restarts: IntCounterVec,
    errors: IntCounterVec,
    circuits: IntCounterVec,
    gaps: IntCounterVec,
    omitted: IntCounterVec,
}

impl IngesterMetrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        let counters = |name, help, labels: &[&str]| counter_vec(registry, name, help, labels);
        Self {
            seen: counters(
                "moodvane_ingester_posts_seen_total",
                "Raw messages, rows and weather values read by a source.",
                &["source"],
            ),
            kept: counters(
                "moodvane_ingester_posts_kept_total",
                "Raw messages and rows that yielded at least one record; all others count as dropped.",
                &["source"],
            ),
            published: counters(
                "moodvane_ingester_records_published_total",
                "Records acknowledged by the log.",
                &["source", "topic"],
            ),
            acknowledged: histogram_vec(
                registry,
                "moodvane_ingester_ack_seconds",
                "Time from reading a message to the acknowledgement of its records: by the log, or by the spool for non-replayable sources.",
                &["source"],
            ),
            dropped: counters(
                "moodvane_ingester_dropped_total",
                "Raw messages, rows and weather values that yielded no record, by reason.",
                &["source", "reason"],
            ),
            restarts: counters(
                "moodvane_ingester_source_restarts_total",
                "Restarts of a source after a failure.",
                &["source"],
            ),
            errors: counters(
                "moodvane_ingester_source_errors_total",
                "Failures of a source by reason: connection, response, cursor or actor.",
                &["source", "reason"],
            ),
            circuits: counters(
                "moodvane_ingester_circuit_opened_total",
                "How often repeated failures opened the circuit of a source.",
                &["source"],
            ),
            omitted: counters(
                "moodvane_ingester_values_omitted_total",
                "Values other than the temperature that observations were recorded without, by variable and reason.",
                &["source", "variable", "reason"],
            ),
            gaps: counters(
                "moodvane_ingester_gap_ms_total",
                "Duration of the missing parts of a stream, in milliseconds.",
                &["source"],
            ),
        }
    }

    /// Counts a failure that opened the source's circuit, if `open`.
    pub(crate) fn circuit(&self, source: SourceId, open: bool) {
        let opened = self.circuits.with_label_values(&[source.as_str()]);
        opened.inc_by(u64::from(open));
    }

    /// A stream resumed `ms` after the last message it had sent.
    pub(crate) fn gap(&self, source: SourceId, ms: u64) {
        self.gaps.with_label_values(&[source.as_str()]).inc_by(ms);
    }

    pub(crate) fn seen(&self, source: SourceId, n: u64) {
        self.seen.with_label_values(&[source.as_str()]).inc_by(n);
    }

    pub(crate) fn kept(&self, source: SourceId, n: u64) {
        self.kept.with_label_values(&[source.as_str()]).inc_by(n);
    }

    pub(crate) fn published(&self, source: SourceId, topic: Topic, n: u64) {
        let labels = [source.as_str(), topic.name()];
        self.published.with_label_values(&labels).inc_by(n);
    }

    /// Records are durable `took` after their messages were read.
    pub(crate) fn acknowledged(&self, source: SourceId, records: usize, took: Duration) {
        let all = self.acknowledged.with_label_values(&[source.as_str()]);
        let batch = all.local();
        for _ in 0..records {
            batch.observe(took.as_secs_f64());
        }
        batch.flush();
    }

    pub(crate) fn dropped(&self, source: SourceId, reason: &'static str, n: u64) {
        let labels = [source.as_str(), reason];
        self.dropped.with_label_values(&labels).inc_by(n);
    }

    /// Observations were recorded without `n` values of a variable.
    pub(crate) fn omitted(&self, source: SourceId, variable: Variable, reason: OmitReason, n: u64) {
        let labels = [source.as_str(), variable.name(), reason.label()];
        self.omitted.with_label_values(&labels).inc_by(n);
    }

    pub(crate) fn restarted(&self, source: SourceId) {
        self.restarts.with_label_values(&[source.as_str()]).inc();
    }

    pub(crate) fn failed(&self, source: SourceId, reason: &'static str) {
        let labels = [source.as_str(), reason];
        self.errors.with_label_values(&labels).inc();
    }
}
