//! The engine: what happens at an assignment, with a batch, at a flush and at a revocation.
//!
//! It has no thread and no clock of its own: the worker drives it, and tests drive it step by
//! step. Order of a flush: changed rows, dead letters, progress. A crash between any two of them
//! leaves a state from which the next start folds exactly the rest.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use hashbrown::HashSet;
use moodvane_eventlog::{Batch, DeadLetter, EventLog, RecordRef, TopicPartition, Watermarks};
use moodvane_model::{
    DecodeError, HourBounds, Incarnation, Offset, ProgressKey, RunId, RunSpec, Score, Timestamp,
};
use moodvane_sentiment::{Scorer, Text};
use moodvane_store::{Gap, Store};
use tokio::runtime::Handle;

use crate::decode::{Content, Decoded, RowKey, decode};
use crate::fold::{Beginning, PartitionFold};
use crate::{ProcessorError, ProcessorMetrics};

/// What the engine's answers depend on, and its bounds.
#[derive(Debug, Clone, Copy)]
pub struct EngineConfig {
    /// The duplicate window W, in offsets; at least 1.
    pub window: u32,
    /// Which times are believed.
    pub bounds: HourBounds,
    /// Which life of the topics is read.
    pub incarnation: Incarnation,
    /// The most rows per partition that stay in memory after a flush.
    pub open_rows: usize,
}

impl EngineConfig {
    /// The run that an engine of this configuration folds with this scorer.
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

/// What the engine works with.
pub struct Parts {
    /// Where dead letters go.
    pub log: Arc<dyn EventLog>,
    /// Where rows go.
    pub store: Arc<dyn Store>,
    /// Scores the posts.
    pub scorer: Box<dyn Scorer>,
    /// Counts what happens.
    pub metrics: ProcessorMetrics,
    /// Drives the log and the store, which are asynchronous.
    pub handle: Handle,
}

/// Folds the partitions that are assigned to it.
pub struct Engine {
    config: EngineConfig,
    parts: Parts,
    run: RunId,
    folds: BTreeMap<TopicPartition, PartitionFold>,
    scores: Vec<Option<Score>>,
}

impl Engine {
    /// An engine without partitions.
    #[must_use]
    pub fn new(config: EngineConfig, parts: Parts) -> Self {
        let run = config.run(&*parts.scorer);
        Self {
            config,
            parts,
            run,
            folds: BTreeMap::new(),
            scores: Vec::new(),
        }
    }

    /// Makes its run known to the store. Rows of a run that is not known are refused.
    ///
    /// # Errors
    /// [`ProcessorError::Store`] where the store does not take it.
    pub fn register(&self) -> Result<(), ProcessorError> {
        Ok(self.wait(self.parts.store.register_run(&self.run))?)
    }

    /// The run that this engine folds.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The name of the consumer group: engines of different runs never share partitions.
    #[must_use]
    pub fn group(&self) -> String {
        format!("moodvane.{}.i{}", self.run, self.config.incarnation)
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.parts.handle.block_on(work)
    }

    /// Takes a partition over; returns the offset to read from.
    ///
    /// # Errors
    /// [`ProcessorError::LogTooShort`] where the log is not the one that was folded;
    /// [`ProcessorError::Store`] where the store does not answer.
    pub fn begin(&mut self, log: Watermarks, now: Timestamp) -> Result<Offset, ProcessorError> {
        let TopicPartition { topic, partition } = log.at;
        let (run, incarnation) = (self.run.clone(), self.config.incarnation);
        let key = ProgressKey {
            run,
            topic,
            incarnation,
            partition,
        };
        let progress = self.wait(self.parts.store.progress(&key))?;
        let beginning = Beginning::decide(log, progress.as_ref(), self.config.window)?;
        if let Some((from, to)) = beginning.lost {
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
        let fold = PartitionFold::new(log.at, &beginning, owner, self.config.window);
        self.folds.insert(log.at, fold);
        Ok(beginning.read_from)
    }

    fn report_gap(&self, gap: Gap) -> Result<(), ProcessorError> {
        let missing = gap.to.0 - gap.from.0;
        tracing::error!(
            topic = %gap.key.topic, partition = gap.key.partition.0, from = gap.from.0, to = gap.to.0, missing,
            "retention removed records before they were folded: the hours around them are incomplete"
        );
        self.parts.metrics.lost(gap.key.topic, missing);
        Ok(self.wait(self.parts.store.put_gap(gap))?)
    }

    /// Folds a batch. Records of a partition that is not this engine's are left alone.
    ///
    /// Where it fails, nothing of the batch is folded or noted, except that the window may have
    /// been filled: begin the partition again.
    ///
    /// # Errors
    /// [`ProcessorError::ForeignLog`] where the log is not the one that was folded;
    /// [`ProcessorError::Store`] where rows cannot be loaded.
    pub fn fold(&mut self, batch: &Batch) -> Result<(), ProcessorError> {
        let at = batch.at();
        let Some(mut fold) = self.folds.remove(&at) else {
            return Ok(());
        };
        let _timer = self.parts.metrics.batch_timer();
        let result = self.fold_into(&mut fold, batch);
        if result.is_ok() {
            self.folds.insert(at, fold);
        }
        result
    }

    fn fold_into(&mut self, fold: &mut PartitionFold, batch: &Batch) -> Result<(), ProcessorError> {
        let mut todo = self.admit(fold, batch)?;
        self.open_rows(fold, todo.iter().map(|(_, key)| key))?;
        todo.retain(|(decoded, key)| {
            let is_folded = fold.rows.has(key, decoded.record.offset);
            if is_folded {
                self.parts.metrics.already_folded(fold.at.topic);
            }
            !is_folded
        });
        self.score(&todo)?;
        let mut scores = self.scores.iter().copied();
        let bounds = self.config.bounds;
        for (decoded, key) in &todo {
            let score = if self.is_scored(decoded) {
                scores.next().flatten()
            } else {
                None
            };
            if score.is_none() && matches!(decoded.content, Content::Post(_)) {
                self.parts.metrics.unscored();
            }
            fold.rows.add(key, decoded, decoded.time(bounds), score);
        }
        self.parts.metrics.folded(fold.at.topic, todo.len() as u64);
        if let Some(last) = batch.iter().last().filter(|r| r.offset >= fold.fold_from) {
            fold.passed(&last, batch.len() as u64);
        }
        Ok(())
    }

    /// The records of a batch that are new, readable and no duplicates, each with its row.
    fn admit<'b>(
        &self,
        fold: &mut PartitionFold,
        batch: &'b Batch,
    ) -> Result<Vec<(Decoded<'b>, RowKey)>, ProcessorError> {
        let topic = fold.at.topic;
        let mut fresh = Vec::with_capacity(batch.len());
        let mut reread = 0;
        for record in batch.iter() {
            fold.check_anchor(&record)?;
            let is_new = record.offset >= fold.fold_from;
            let decoded = match decode(topic, record) {
                Ok(decoded) => decoded,
                Err(error) => {
                    if is_new {
                        fold.dead.push(self.dead_letter(fold.at, &record, &error));
                    }
                    continue;
                }
            };
            // Only readable records are noted: a broken copy must not hide a good one.
            let is_duplicate = fold.window.note(record.offset, record.key);
            match (is_new, is_duplicate) {
                (false, _) => reread += 1,
                (true, true) => self.parts.metrics.duplicate(topic),
                (true, false) => {
                    let key = decoded.row_key(self.config.bounds);
                    fresh.push((decoded, key));
                }
            }
        }
        self.parts.metrics.reread(topic, reread);
        Ok(fresh)
    }

    fn dead_letter(
        &self,
        at: TopicPartition,
        record: &RecordRef<'_>,
        error: &DecodeError,
    ) -> DeadLetter {
        self.parts.metrics.dead(at.topic, error.reason());
        tracing::warn!(
            topic = %at.topic, partition = at.partition.0, offset = record.offset.0, reason = %error,
            "record is unreadable and goes to the dead letters"
        );
        let (key, value) = (record.key.to_vec(), record.value.to_vec());
        DeadLetter {
            at,
            offset: record.offset,
            key,
            value,
            reason: error.to_string(),
        }
    }

    /// Opens the rows that are not open yet, all in one request.
    fn open_rows<'k>(
        &self,
        fold: &mut PartitionFold,
        keys: impl Iterator<Item = &'k RowKey>,
    ) -> Result<(), ProcessorError> {
        let mut missing: HashSet<RowKey> = HashSet::new();
        let mut last = None;
        for key in keys {
            // Neighbours mostly share a row.
            if last != Some(key) && !fold.rows.holds(key) {
                missing.insert(*key);
            }
            last = Some(key);
        }
        if missing.is_empty() {
            return Ok(());
        }
        let wanted = missing
            .iter()
            .map(|key| fold.rows.partial_key(key))
            .collect();
        let stored = self.wait(self.parts.store.partials(wanted))?;
        fold.rows.open(missing, stored);
        Ok(())
    }

    fn is_scored(&self, decoded: &Decoded<'_>) -> bool {
        match &decoded.content {
            Content::Post(post) => self.parts.scorer.speaks(post.language),
            Content::Observation(_) => false,
        }
    }

    /// Scores the posts whose language the scorer speaks, in order, into `scores`.
    fn score(&mut self, todo: &[(Decoded<'_>, RowKey)]) -> Result<(), ProcessorError> {
        let texts: Vec<Text<'_>> = todo
            .iter()
            .filter(|(decoded, _)| self.is_scored(decoded))
            .filter_map(|(decoded, _)| match &decoded.content {
                Content::Post(post) => Some(Text {
                    text: post.text(),
                    language: post.language,
                }),
                Content::Observation(_) => None,
            })
            .collect();
        if texts.is_empty() {
            self.scores.clear();
            return Ok(());
        }
        let _timer = self.parts.metrics.scorer_timer();
        self.parts.scorer.score_texts(&texts, &mut self.scores)?;
        Ok(())
    }

    /// How many records a batch should have at most, so that the scorer's answer comes soon.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.parts.scorer.at_once().max(1)
    }

    /// How many records were read since the last flush.
    #[must_use]
    pub fn unflushed(&self) -> u64 {
        self.folds.values().map(|fold| fold.unflushed).sum()
    }

    /// How many rows are held in memory.
    #[must_use]
    pub fn rows_in_memory(&self) -> usize {
        self.folds.values().map(|fold| fold.rows.len()).sum()
    }

    /// Writes the changed rows, the dead letters and the progress, in this order. Where it fails,
    /// it can be called again. Returns how far each partition is.
    ///
    /// # Errors
    /// [`ProcessorError::Store`] or [`ProcessorError::Log`] where one of them does not take it.
    pub fn flush(&mut self) -> Result<Vec<(TopicPartition, Offset)>, ProcessorError> {
        let moved = || self.folds.values().filter(|fold| fold.unflushed > 0);
        let changed: Vec<_> = moved().flat_map(|fold| fold.rows.changed()).collect();
        let dead: Vec<_> = moved().flat_map(|fold| fold.dead.iter().cloned()).collect();
        let incarnation = self.config.incarnation;
        let progress: Vec<_> = moved()
            .map(|fold| fold.progress(&self.run, incarnation))
            .collect();
        if !progress.is_empty() {
            let rows = changed.len();
            let started = std::time::Instant::now();
            if rows > 0 {
                self.wait(self.parts.store.put_partials(changed))?;
            }
            if !dead.is_empty() {
                self.wait(self.parts.log.bury(dead))?;
            }
            self.wait(self.parts.store.put_progress(progress))?;
            self.parts.metrics.flushed(rows as u64, started.elapsed());
        }
        for fold in self.folds.values_mut().filter(|fold| fold.unflushed > 0) {
            fold.rows.written(self.config.open_rows);
            fold.dead.clear();
            fold.unflushed = 0;
            fold.flushed = fold.next();
        }
        Ok(self.positions())
    }

    /// The log that dead letters go to.
    pub(crate) fn log(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.parts.log)
    }

    /// What drives the log and the store.
    pub(crate) fn handle(&self) -> Handle {
        self.parts.handle.clone()
    }

    /// Up to where each partition is in the store: where nothing is unflushed, up to where it was
    /// read.
    pub(crate) fn flushed(&self) -> Vec<(TopicPartition, Offset)> {
        self.folds
            .values()
            .map(|fold| (fold.at, fold.flushed))
            .collect()
    }

    fn positions(&self) -> Vec<(TopicPartition, Offset)> {
        self.folds
            .values()
            .map(|fold| (fold.at, fold.next()))
            .collect()
    }

    /// Lets go of partitions. Flush first: what was not flushed is folded again by whoever takes
    /// them over.
    pub fn end(&mut self, partitions: &[TopicPartition]) {
        self.folds.retain(|at, _| !partitions.contains(at));
    }
}
