//! Folds one batch: decode, assign to hours, remove duplicates, open rows, score, add.

use hashbrown::HashSet;
use moodvane_eventlog::{Batch, DeadLetter, RecordRef, TopicPartition};
use moodvane_model::{Account, DecodeError, ErrorChain, Example, OutOfBounds, Timestamp};
use moodvane_sentiment::Text;

use super::Engine;
use crate::ProcessorError;
use crate::decode::{DecodedRecord, RecordContent, RowKey, decode};
use crate::partition::PartitionState;

/// Why an observation counts in no hour.
const OUT_OF_BOUNDS: &str =
    "it was observed further from its reception than processor.behind_s or processor.ahead_s";

/// The most sources whose left-out observations are logged.
const MAX_LOGGED_SOURCES: usize = 256;

/// A record that belongs to an hour.
struct SelectedRecord<'b> {
    decoded: DecodedRecord<'b>,
    key: RowKey,
    /// Its event time.
    at: Timestamp,
}

impl Engine {
    /// Folds a batch. Ignores records of a partition that is not assigned to this engine.
    ///
    /// A failure folds nothing of the batch, but the duplicate window may have changed: assign the
    /// partition again.
    ///
    /// # Errors
    /// [`ProcessorError::ForeignLog`] if the log is not the one that was folded;
    /// [`ProcessorError::Store`] if rows cannot be loaded.
    pub fn fold(&mut self, batch: &Batch) -> Result<(), ProcessorError> {
        let at = batch.topic_partition();
        let Some(mut state) = self.partitions.remove(&at) else {
            return Ok(());
        };
        let _timer = self.deps.metrics.batch_timer();
        let result = self.fold_into(&mut state, batch);
        if result.is_ok() {
            self.partitions.insert(at, state);
        }
        result
    }

    fn fold_into(
        &mut self,
        state: &mut PartitionState,
        batch: &Batch,
    ) -> Result<(), ProcessorError> {
        // Added to the account at the end: a batch that fails is read again.
        let mut account = Account::default();
        let mut records = self.select_new(state, batch, &mut account)?;
        self.open_rows(state, records.iter().map(|selected| &selected.key))?;
        account.keep(records.len() as u64);
        records.retain(|SelectedRecord { decoded, key, .. }| {
            let is_folded = state.rows.contains_record(key, decoded.record.offset);
            if is_folded {
                self.deps.metrics.inc_already_folded(state.at.topic);
            }
            !is_folded
        });
        self.score(&records)?;
        let mut scores = self.scores.iter().copied();
        for SelectedRecord { decoded, key, at } in &records {
            let score = if self.is_scored(decoded) {
                scores.next().flatten()
            } else {
                None
            };
            if score.is_none() && matches!(decoded.content, RecordContent::Post(_)) {
                self.deps.metrics.inc_unscored();
            }
            self.count_omitted(state.at, decoded, &mut account);
            state.rows.add(key, decoded, *at, score);
        }
        self.deps
            .metrics
            .add_folded(state.at.topic, records.len() as u64);
        self.deps.metrics.add_account(state.at.topic, account);
        if let Some(last) = batch.iter().last().filter(|r| r.offset >= state.fold_from) {
            state.advance(&last, batch.len() as u64);
        }
        Ok(())
    }

    /// The records of a batch that are new, readable, of an hour, and not duplicates.
    fn select_new<'b>(
        &mut self,
        state: &mut PartitionState,
        batch: &'b Batch,
        account: &mut Account,
    ) -> Result<Vec<SelectedRecord<'b>>, ProcessorError> {
        let topic = state.at.topic;
        let mut selected = Vec::with_capacity(batch.len());
        let mut reread = 0;
        for record in batch.iter() {
            state.check_anchor(&record)?;
            let is_new = record.offset >= state.fold_from;
            let decoded = match decode(topic, record) {
                Ok(decoded) => decoded,
                Err(error) => {
                    if is_new {
                        account.leave_out(error.reason(), || {
                            example(state.at, &record, &ErrorChain(&error).to_string())
                        });
                        let dead_letter = self.dead_letter(state.at, &record, &error);
                        state.dead_letters.push(dead_letter);
                    }
                    continue;
                }
            };
            let at = match decoded.event_time(self.config.bounds) {
                Ok(at) => at,
                Err(fault) => {
                    if is_new {
                        account
                            .leave_out(fault.label(), || example(state.at, &record, OUT_OF_BOUNDS));
                        self.leave_out(state.at, &decoded, fault);
                    }
                    continue;
                }
            };
            // Only readable records of an hour enter the window: a copy that does not count must
            // not hide one that does.
            let is_duplicate = state.identities.insert(record.offset, record.key);
            match (is_new, is_duplicate) {
                (false, _) => reread += 1,
                (true, true) => {
                    account.skip_duplicate();
                    self.deps.metrics.inc_duplicates(topic);
                }
                (true, false) => {
                    let key = decoded.row_key(at);
                    selected.push(SelectedRecord { decoded, key, at });
                }
            }
        }
        self.deps.metrics.add_reread(topic, reread);
        Ok(selected)
    }

    /// Counts a record that belongs to no hour. Logs the first of each source.
    fn leave_out(&mut self, at: TopicPartition, decoded: &DecodedRecord<'_>, fault: OutOfBounds) {
        self.deps.metrics.inc_left_out(at.topic, fault.label());
        let source = decoded.source();
        if self.left_out_sources.len() < MAX_LOGGED_SOURCES && self.left_out_sources.insert(source)
        {
            tracing::warn!(
                topic = %at.topic, partition = at.partition.0, offset = decoded.record.offset.0, %source, reason = fault.label(),
                "observation counts in no hour, later ones of this source are only counted"
            );
        }
    }

    /// Counts the side values that an observation's record has and its row does not.
    fn count_omitted(
        &self,
        at: TopicPartition,
        decoded: &DecodedRecord<'_>,
        account: &mut Account,
    ) {
        if let RecordContent::Observation(observation) = &decoded.content {
            for variable in &observation.omitted {
                self.deps.metrics.inc_omitted(*variable);
                account.leave_out_value(variable.name(), "impossible_value", || {
                    example(at, &decoded.record, "the value is outside its limits")
                });
            }
        }
    }

    fn dead_letter(
        &self,
        at: TopicPartition,
        record: &RecordRef<'_>,
        error: &DecodeError,
    ) -> DeadLetter {
        self.deps.metrics.inc_dead_letters(at.topic, error.reason());
        tracing::warn!(
            topic = %at.topic, partition = at.partition.0, offset = record.offset.0, error = %ErrorChain(error),
            "unreadable record goes to the dead letters"
        );
        DeadLetter {
            topic_partition: at,
            offset: record.offset,
            key: record.key.to_vec(),
            value: record.value.to_vec(),
            reason: ErrorChain(error).to_string(),
        }
    }

    /// Opens the rows that are not open yet with one request to the store.
    fn open_rows<'k>(
        &self,
        state: &mut PartitionState,
        keys: impl Iterator<Item = &'k RowKey>,
    ) -> Result<(), ProcessorError> {
        let mut missing: HashSet<RowKey> = HashSet::new();
        let mut previous = None;
        for key in keys {
            // Consecutive records mostly share a row.
            if previous != Some(key) && !state.rows.contains(key) {
                missing.insert(*key);
            }
            previous = Some(key);
        }
        if missing.is_empty() {
            return Ok(());
        }
        let keys = missing
            .iter()
            .map(|key| state.rows.partial_key(key))
            .collect();
        let stored = self.block_on(self.deps.store.partials(keys))?;
        state.rows.open(missing, stored);
        Ok(())
    }

    fn is_scored(&self, decoded: &DecodedRecord<'_>) -> bool {
        match &decoded.content {
            RecordContent::Post(post) => self.deps.scorer.supports_language(post.language),
            RecordContent::Observation(_) => false,
        }
    }

    /// Scores the posts in a supported language, in order, into `self.scores`.
    fn score(&mut self, records: &[SelectedRecord<'_>]) -> Result<(), ProcessorError> {
        let texts: Vec<Text<'_>> = records
            .iter()
            .map(|selected| &selected.decoded)
            .filter(|decoded| self.is_scored(decoded))
            .filter_map(|decoded| match &decoded.content {
                RecordContent::Post(post) => Some(Text {
                    text: post.text(),
                    language: post.language,
                }),
                RecordContent::Observation(_) => None,
            })
            .collect();
        if texts.is_empty() {
            self.scores.clear();
            return Ok(());
        }
        let _timer = self.deps.metrics.scorer_timer();
        self.deps.scorer.score_batch(&texts, &mut self.scores)?;
        Ok(())
    }
}

/// A record as an example.
fn example(at: TopicPartition, record: &RecordRef<'_>, why: &str) -> Example {
    Example::new(why)
        .at_position(format!("{}@{}", at.partition, record.offset.0))
        .with_value(&String::from_utf8_lossy(record.value))
}
