//! The engine: handles an assignment, a batch, a flush and a revocation.
//!
//! It has no thread and no clock: the worker drives it, and tests drive it step by step.
//!
//! Guarantee: a flush writes changed rows, dead letters and progress in this order. After a crash
//! between any two of them the next start folds exactly the remaining records.

mod fold;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use moodvane_eventlog::{EventLog, TopicPartition, Watermarks};
use moodvane_model::{
    DuplicateWindow, EventTimeBounds, Incarnation, Offset, ProgressKey, RunId, RunSpec, Score,
    SourceId, Timestamp,
};
use moodvane_sentiment::Scorer;
use moodvane_store::{Gap, Store};
use tokio::runtime::Handle;

use crate::partition::PartitionState;
use crate::partition_start::PartitionStart;
use crate::{ProcessorError, ProcessorMetrics};

/// What the rows depend on, and the engine's bounds.
#[derive(Debug, Clone, Copy)]
pub struct EngineConfig {
    /// The duplicate window W.
    pub window: DuplicateWindow,
    /// Which event times are accepted.
    pub bounds: EventTimeBounds,
    /// The incarnation of the topics.
    pub incarnation: Incarnation,
    /// The most rows per partition that stay in memory after a flush.
    pub open_rows: usize,
}

impl EngineConfig {
    /// The run that an engine of this configuration folds with `scorer`.
    #[must_use]
    pub fn run(&self, scorer: &dyn Scorer) -> RunId {
        let spec = RunSpec {
            scorer: scorer.fingerprint().to_owned(),
            window: self.window,
            bounds: self.bounds,
        };
        spec.id()
    }
}

/// The dependencies of an engine.
pub struct EngineDeps {
    /// Where dead letters go.
    pub log: Arc<dyn EventLog>,
    /// Where rows go.
    pub store: Arc<dyn Store>,
    /// Scores the posts.
    pub scorer: Box<dyn Scorer>,
    /// The counters.
    pub metrics: ProcessorMetrics,
    /// Runs the asynchronous calls of the log and the store.
    pub handle: Handle,
}

/// Up to which offset each partition is in the store.
pub type FlushedOffsets = BTreeMap<TopicPartition, Offset>;

/// Folds the partitions that are assigned to it.
pub struct Engine {
    config: EngineConfig,
    deps: EngineDeps,
    run: RunId,
    partitions: BTreeMap<TopicPartition, PartitionState>,
    /// Kept between batches so that scoring does not allocate.
    scores: Vec<Option<Score>>,
    /// The sources of observations that belong to no hour, which were logged.
    left_out_sources: BTreeSet<SourceId>,
}

impl Engine {
    /// An engine without partitions.
    #[must_use]
    pub fn new(config: EngineConfig, deps: EngineDeps) -> Self {
        let run = config.run(&*deps.scorer);
        Self {
            config,
            deps,
            run,
            partitions: BTreeMap::new(),
            scores: Vec::new(),
            left_out_sources: BTreeSet::new(),
        }
    }

    /// Registers the run in the store, which rejects rows of unregistered runs. Warns if other runs
    /// serve the hours, as after an upgrade.
    ///
    /// # Errors
    /// [`ProcessorError::Store`] if the store does not register it.
    pub fn register(&self) -> Result<(), ProcessorError> {
        self.block_on(self.deps.store.register_run(&self.run))?;
        if let Some(calibration) = self.deps.scorer.calibration() {
            let stored = self.deps.store.put_calibration(&self.run, calibration);
            self.block_on(stored)?;
        }
        let runs = self.block_on(self.deps.store.runs())?;
        let serving = runs.iter().filter(|run| run.serves_from.is_some());
        let serving: Vec<&RunId> = serving.map(|run| &run.id).collect();
        if !serving.is_empty() && !serving.contains(&&self.run) {
            tracing::warn!(
                run = %self.run, serving = ?serving,
                "this run serves no hours, answers come from an earlier run until moodvane rescore"
            );
        }
        Ok(())
    }

    /// The run that this engine folds.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The name of the consumer group: engines of different runs never share partitions.
    #[must_use]
    pub fn consumer_group(&self) -> String {
        format!("moodvane.{}.i{}", self.run, self.config.incarnation)
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.deps.handle.block_on(work)
    }

    /// Starts a partition. Returns the offset to read from.
    ///
    /// # Errors
    /// [`ProcessorError::LogTooShort`] if the log is not the one that was folded;
    /// [`ProcessorError::Store`] if the store fails.
    pub fn assign(&mut self, log: Watermarks, now: Timestamp) -> Result<Offset, ProcessorError> {
        let TopicPartition { topic, partition } = log.topic_partition;
        let (run, incarnation) = (self.run.clone(), self.config.incarnation);
        let key = ProgressKey {
            run,
            topic,
            incarnation,
            partition,
        };
        let progress = self.block_on(self.deps.store.progress(&key))?;
        let start = PartitionStart::new(log, progress.as_ref(), self.config.window)?;
        if let Some((from, to)) = start.gap {
            let after = progress.and_then(|p| p.anchor).map(|a| a.written_at);
            self.report_gap(Gap {
                key,
                from,
                to,
                after,
                found_at: now,
            })?;
        }
        let owner = (self.run.clone(), incarnation);
        let state = PartitionState::new(log.topic_partition, &start, owner, self.config.window);
        self.partitions.insert(log.topic_partition, state);
        Ok(start.read_from)
    }

    fn report_gap(&self, gap: Gap) -> Result<(), ProcessorError> {
        let missing = gap.to.0 - gap.from.0;
        tracing::error!(
            topic = %gap.key.topic, partition = gap.key.partition.0, from = gap.from.0, to = gap.to.0, missing,
            "retention removed records before they were folded, the hours around them are incomplete"
        );
        self.deps.metrics.add_lost(gap.key.topic, missing);
        Ok(self.block_on(self.deps.store.put_gap(gap))?)
    }

    /// The most records that a batch should have, so that the scorer returns soon.
    #[must_use]
    pub fn max_batch_records(&self) -> usize {
        self.deps.scorer.max_batch_size().max(1)
    }

    /// The number of records read since the last flush.
    #[must_use]
    pub fn unflushed_records(&self) -> u64 {
        self.partitions.values().map(|state| state.unflushed).sum()
    }

    /// The number of rows in memory.
    #[must_use]
    pub fn open_row_count(&self) -> usize {
        self.partitions.values().map(|state| state.rows.len()).sum()
    }

    /// Writes the changed rows, the dead letters and the progress, in this order. Returns the next
    /// offset of each partition. A failed flush can be repeated.
    ///
    /// # Errors
    /// [`ProcessorError::Store`] or [`ProcessorError::Log`] if a write fails.
    pub fn flush(&mut self) -> Result<Vec<(TopicPartition, Offset)>, ProcessorError> {
        let unflushed = || self.partitions.values().filter(|state| state.unflushed > 0);
        let rows: Vec<_> = unflushed()
            .flat_map(|state| state.rows.dirty_rows())
            .collect();
        let dead_letters: Vec<_> = unflushed()
            .flat_map(|state| state.dead_letters.iter().cloned())
            .collect();
        let incarnation = self.config.incarnation;
        let progress: Vec<_> = unflushed()
            .map(|state| state.progress(&self.run, incarnation))
            .collect();
        if !progress.is_empty() {
            let row_count = rows.len() as u64;
            let started = Instant::now();
            if !rows.is_empty() {
                self.block_on(self.deps.store.put_partials(rows))?;
            }
            if !dead_letters.is_empty() {
                self.block_on(self.deps.log.publish_dead_letters(dead_letters))?;
            }
            self.block_on(self.deps.store.put_progress(progress))?;
            self.deps
                .metrics
                .observe_flush(row_count, started.elapsed());
        }
        self.mark_flushed();
        Ok(self.next_offsets())
    }

    fn mark_flushed(&mut self) {
        let unflushed = |state: &&mut PartitionState| state.unflushed > 0;
        for state in self.partitions.values_mut().filter(unflushed) {
            state.rows.mark_written(self.config.open_rows);
            state.dead_letters.clear();
            state.unflushed = 0;
            state.flushed_offset = state.next_offset();
        }
    }

    /// The log that dead letters go to.
    pub(crate) fn log(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.deps.log)
    }

    /// The runtime that executes calls of the log and the store.
    pub(crate) fn handle(&self) -> Handle {
        self.deps.handle.clone()
    }

    /// Up to which offset each partition is in the store.
    pub(crate) fn flushed_offsets(&self) -> FlushedOffsets {
        self.partitions
            .values()
            .map(|state| (state.at, state.flushed_offset))
            .collect()
    }

    fn next_offsets(&self) -> Vec<(TopicPartition, Offset)> {
        self.partitions
            .values()
            .map(|state| (state.at, state.next_offset()))
            .collect()
    }

    /// Drops partitions. Flush first: the next owner folds unflushed records again.
    pub fn revoke(&mut self, partitions: &[TopicPartition]) {
        self.partitions.retain(|at, _| !partitions.contains(at));
    }
}
