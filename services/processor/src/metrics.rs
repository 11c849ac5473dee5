//! What a processor counts.

use std::time::Duration;

use moodvane_eventlog::TopicPartition;
use moodvane_model::Topic;
use prometheus::{Histogram, HistogramTimer, IntCounter, IntCounterVec, IntGaugeVec, Registry};

use moodvane_runtime::metrics::{counter, counter_vec, gauge_vec, histogram};

/// The counters of a processor, named `moodvane_processor_…`.
#[derive(Clone)]
pub struct ProcessorMetrics {
    folded: IntCounterVec,
    duplicates: IntCounterVec,
    reread: IntCounterVec,
    already_folded: IntCounterVec,
    dead: IntCounterVec,
    lost: IntCounterVec,
    unscored: IntCounter,
    rows: IntCounter,
    lag: IntGaugeVec,
    batch: Histogram,
    flush: Histogram,
    scorer: Histogram,
}

impl ProcessorMetrics {
    /// Counters in `registry`.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        let by_topic = |name: &str, help: &str| counter_vec(registry, name, help, &["topic"]);
        Self {
            folded: by_topic(
                "moodvane_processor_folded_total",
                "Records that were added to an hour",
            ),
            duplicates: by_topic(
                "moodvane_processor_duplicates_total",
                "Records whose identity occurred within the duplicate window, not counted again",
            ),
            reread: by_topic(
                "moodvane_processor_reread_total",
                "Records that were read again after a start, to fill the duplicate window",
            ),
            already_folded: by_topic(
                "moodvane_processor_already_folded_total",
                "Records that a row held already when they were read again after a crash",
            ),
            dead: counter_vec(
                registry,
                "moodvane_processor_dead_letters_total",
                "Unreadable records that went to the dead letters",
                &["topic", "reason"],
            ),
            lost: by_topic(
                "moodvane_processor_lost_total",
                "Records that retention removed before they were folded",
            ),
            unscored: counter(
                registry,
                "moodvane_processor_unscored_total",
                "Posts in a language that the scorer does not speak",
            ),
            rows: counter(
                registry,
                "moodvane_processor_rows_written_total",
                "Partial hours written to the store",
            ),
            lag: gauge_vec(
                registry,
                "moodvane_processor_lag_records",
                "Offsets between the end of a partition and what of it is in the store",
                &["partition", "topic"],
            ),
            batch: histogram(
                registry,
                "moodvane_processor_batch_duration_seconds",
                "Duration of reading, scoring and folding one batch",
            ),
            flush: histogram(
                registry,
                "moodvane_processor_flush_duration_seconds",
                "Duration of a flush to the store",
            ),
            scorer: histogram(
                registry,
                "moodvane_processor_scorer_duration_seconds",
                "Duration of scoring one batch",
            ),
        }
    }

    pub(crate) fn folded(&self, topic: Topic, count: u64) {
        self.folded.with_label_values(&[topic.name()]).inc_by(count);
    }

    pub(crate) fn duplicate(&self, topic: Topic) {
        self.duplicates.with_label_values(&[topic.name()]).inc();
    }

    pub(crate) fn reread(&self, topic: Topic, count: u64) {
        self.reread.with_label_values(&[topic.name()]).inc_by(count);
    }

    pub(crate) fn already_folded(&self, topic: Topic) {
        self.already_folded.with_label_values(&[topic.name()]).inc();
    }

    pub(crate) fn dead(&self, topic: Topic, reason: &str) {
        self.dead.with_label_values(&[topic.name(), reason]).inc();
    }

    pub(crate) fn lost(&self, topic: Topic, count: u64) {
        self.lost.with_label_values(&[topic.name()]).inc_by(count);
    }

    pub(crate) fn unscored(&self) {
        self.unscored.inc();
    }

    pub(crate) fn flushed(&self, rows: u64, took: Duration) {
        self.rows.inc_by(rows);
        self.flush.observe(took.as_secs_f64());
    }

    /// `None` where the partition is not this processor's.
    pub(crate) fn lag(&self, at: TopicPartition, records: Option<u64>) {
        let partition = at.partition.to_string();
        let labels = [partition.as_str(), at.topic.name()];
        match records {
            Some(records) => self
                .lag
                .with_label_values(&labels)
                .set(i64::try_from(records).unwrap_or(i64::MAX)),
            // One that was never shown need not be taken away.
            None => drop(self.lag.remove_label_values(&labels)),
        }
    }

    pub(crate) fn batch_timer(&self) -> HistogramTimer {
        self.batch.start_timer()
    }

    pub(crate) fn scorer_timer(&self) -> HistogramTimer {
        self.scorer.start_timer()
    }
}
