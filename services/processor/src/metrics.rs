//! The metrics of a processor.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moodvane_eventlog::TopicPartition;
use moodvane_model::{Account, Topic, Variable};
use prometheus::{Histogram, HistogramTimer, IntCounter, IntCounterVec, IntGaugeVec, Registry};

use moodvane_runtime::metrics::{counter, counter_vec, gauge_vec, histogram};

/// The metrics of a processor, named `moodvane_processor_…`.
#[derive(Clone)]
pub struct ProcessorMetrics {
    folded: IntCounterVec,
    duplicates: IntCounterVec,
    reread: IntCounterVec,
    already_folded: IntCounterVec,
    dead_letters: IntCounterVec,
    lost: IntCounterVec,
    left_out: IntCounterVec,
    omitted: IntCounterVec,
    unscored: IntCounter,
    rows: IntCounter,
    lag: IntGaugeVec,
    batch: Histogram,
    flush: Histogram,
    scorer: Histogram,
    accounts: Arc<Mutex<BTreeMap<&'static str, Account>>>,
}

impl ProcessorMetrics {
    /// Registers the metrics in `registry`.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a list of metrics")]
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
                "Records that their row already contained when they were read again after a crash",
            ),
            dead_letters: counter_vec(
                registry,
                "moodvane_processor_dead_letters_total",
                "Unreadable records that went to the dead letters",
                &["topic", "reason"],
            ),
            lost: by_topic(
                "moodvane_processor_lost_total",
                "Records that retention removed before they were folded",
            ),
            left_out: counter_vec(
                registry,
                "moodvane_processor_left_out_total",
                "Readable records that belong to no hour, by reason: observations that were too old or in the future when they were received",
                &["topic", "reason"],
            ),
            omitted: counter_vec(
                registry,
                "moodvane_processor_values_omitted_total",
                "Impossible values of observations, left out of their hour without the rest of the observation",
                &["variable"],
            ),
            unscored: counter(
                registry,
                "moodvane_processor_unscored_total",
                "Posts in a language that the scorer does not support",
            ),
            rows: counter(
                registry,
                "moodvane_processor_rows_written_total",
                "Partial hours written to the store",
            ),
            lag: gauge_vec(
                registry,
                "moodvane_processor_lag_records",
                "Offsets of a partition that are not in the store yet",
                &["partition", "topic"],
            ),
            batch: histogram(
                registry,
                "moodvane_processor_batch_duration_seconds",
                "Duration of decoding, scoring and folding one batch",
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
            accounts: Arc::default(),
        }
    }

    /// What the processor has read of a topic and added to hours.
    #[must_use]
    pub fn account(&self, topic: Topic) -> Account {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get(topic.name()).cloned().unwrap_or_default()
    }

    /// Adds a folded batch to the account of its topic.
    pub(crate) fn add_account(&self, topic: Topic, batch: Account) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.entry(topic.name()).or_default().append(batch);
    }

    pub(crate) fn add_folded(&self, topic: Topic, count: u64) {
        self.folded.with_label_values(&[topic.name()]).inc_by(count);
    }

    pub(crate) fn inc_duplicates(&self, topic: Topic) {
        self.duplicates.with_label_values(&[topic.name()]).inc();
    }

    pub(crate) fn add_reread(&self, topic: Topic, count: u64) {
        self.reread.with_label_values(&[topic.name()]).inc_by(count);
    }

    pub(crate) fn inc_already_folded(&self, topic: Topic) {
        self.already_folded.with_label_values(&[topic.name()]).inc();
    }

    pub(crate) fn inc_dead_letters(&self, topic: Topic, reason: &str) {
        self.dead_letters
            .with_label_values(&[topic.name(), reason])
            .inc();
    }

    pub(crate) fn add_lost(&self, topic: Topic, count: u64) {
        self.lost.with_label_values(&[topic.name()]).inc_by(count);
        let mut lost = Account::default();
        lost.leave_out_many("lost", count);
        self.add_account(topic, lost);
    }

    pub(crate) fn inc_left_out(&self, topic: Topic, reason: &str) {
        self.left_out
            .with_label_values(&[topic.name(), reason])
            .inc();
    }

    pub(crate) fn inc_omitted(&self, variable: Variable) {
        self.omitted.with_label_values(&[variable.name()]).inc();
    }

    pub(crate) fn inc_unscored(&self) {
        self.unscored.inc();
    }

    pub(crate) fn observe_flush(&self, rows: u64, duration: Duration) {
        self.rows.inc_by(rows);
        self.flush.observe(duration.as_secs_f64());
    }

    /// `None` removes a partition that is not assigned to this processor.
    pub(crate) fn set_lag(&self, at: TopicPartition, records: Option<u64>) {
        let partition = at.partition.to_string();
        let labels = [partition.as_str(), at.topic.name()];
        match records {
            Some(records) => self
                .lag
                .with_label_values(&labels)
                .set(i64::try_from(records).unwrap_or(i64::MAX)),
            // Fails if there is no such series, which is fine.
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
