//! The ingester's counters. Labels are bounded: source ids of the configuration, topics, and the
//! fixed names of reasons.

use std::time::Duration;

use moodvane_model::{SourceId, Topic};
use moodvane_runtime::metrics::{counter_vec, histogram_vec};
use prometheus::{HistogramVec, IntCounterVec, Registry};

/// Counters by source.
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
}

impl IngesterMetrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        let counters = |name, help, labels: &[&str]| counter_vec(registry, name, help, labels);
        Self {
            seen: counters(
                "moodvane_ingester_posts_seen_total",
                "Raw messages, rows and values of the weather that a source handed over.",
                &["source"],
            ),
            kept: counters(
                "moodvane_ingester_posts_kept_total",
                "Raw messages and rows that became at least one record; the others are counted as dropped.",
                &["source"],
            ),
            published: counters(
                "moodvane_ingester_records_published_total",
                "Records that the log acknowledged.",
                &["source", "topic"],
            ),
            acknowledged: histogram_vec(
                registry,
                "moodvane_ingester_ack_seconds",
                "From the reading of a message to the acknowledgement of its records, by the log or, of sources that cannot be asked again, by the spool.",
                &["source"],
            ),
            dropped: counters(
                "moodvane_ingester_dropped_total",
                "What was handed over and became no record, by reason.",
                &["source", "reason"],
            ),
            restarts: counters(
                "moodvane_ingester_source_restarts_total",
                "How often a source was made anew after it had stopped.",
                &["source"],
            ),
            errors: counters(
                "moodvane_ingester_source_errors_total",
                "Failures of a source, by reason: of its connection, its answers, its cursor, or its actor.",
                &["source", "reason"],
            ),
            circuits: counters(
                "moodvane_ingester_circuit_opened_total",
                "How often a source was left to rest, having failed again and again.",
                &["source"],
            ),
            gaps: counters(
                "moodvane_ingester_gap_ms_total",
                "How much of a stream is missing, in milliseconds of it.",
                &["source"],
            ),
        }
    }

    /// Whether a failure left the source's circuit open.
    pub(crate) fn circuit(&self, source: SourceId, open: bool) {
        let opened = self.circuits.with_label_values(&[source.as_str()]);
        opened.inc_by(u64::from(open));
    }

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

    /// So many records were durable so long after their messages had been read.
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

    pub(crate) fn restarted(&self, source: SourceId) {
        self.restarts.with_label_values(&[source.as_str()]).inc();
    }

    pub(crate) fn failed(&self, source: SourceId, reason: &'static str) {
        let labels = [source.as_str(), reason];
        self.errors.with_label_values(&labels).inc();
    }
}
