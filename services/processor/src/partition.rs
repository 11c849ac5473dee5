//! The state of one assigned partition: its position, its duplicate window and its open rows.

use moodvane_eventlog::{DeadLetter, RecordRef, TopicPartition};
use moodvane_model::{Anchor, DuplicateWindow, Incarnation, Offset, Progress, ProgressKey, RunId};
use xxhash_rust::xxh3::xxh3_64;

use crate::ProcessorError;
use crate::open_rows::OpenRows;
use crate::partition_start::PartitionStart;
use crate::recent_identities::RecentIdentities;

/// One partition while it is folded.
pub(crate) struct PartitionState {
    pub(crate) at: TopicPartition,
    pub(crate) fold_from: Offset,
    pub(crate) identities: RecentIdentities,
    pub(crate) rows: OpenRows,
    /// Unreadable records that are not yet in the dead-letter topic.
    pub(crate) dead_letters: Vec<DeadLetter>,
    /// Records read since the last flush.
    pub(crate) unflushed: u64,
    /// All records below this offset are in the store.
    pub(crate) flushed_offset: Offset,
    /// The anchor whose record was not read again yet.
    pending_anchor: Option<Anchor>,
    next_offset: Offset,
    anchor: Option<Anchor>,
}

impl PartitionState {
    pub(crate) fn new(
        at: TopicPartition,
        start: &PartitionStart,
        (run, incarnation): (RunId, Incarnation),
        window: DuplicateWindow,
    ) -> Self {
        Self {
            at,
            fold_from: start.fold_from,
            identities: RecentIdentities::new(window),
            rows: OpenRows::new(run, (at.topic, at.partition), incarnation),
            dead_letters: Vec::new(),
            unflushed: 0,
            flushed_offset: start.fold_from,
            pending_anchor: start.anchor,
            next_offset: start.fold_from,
            anchor: start.anchor,
        }
    }

    /// The first offset that was not read yet.
    pub(crate) fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// Checks a record that is read again: the one at the anchor's offset must be the anchor.
    pub(crate) fn check_anchor(&mut self, record: &RecordRef<'_>) -> Result<(), ProcessorError> {
        let Some(expected) = self.pending_anchor else {
            return Ok(());
        };
        if record.offset < expected.offset {
            return Ok(());
        }
        if anchor_of(record) != expected {
            let offset = expected.offset;
            return Err(ProcessorError::ForeignLog {
                at: self.at,
                offset,
            });
        }
        self.pending_anchor = None;
        Ok(())
    }

    /// Advances past `record`, the last of `read` records, all of which are in the open rows, the
    /// duplicate window or the dead letters.
    pub(crate) fn advance(&mut self, record: &RecordRef<'_>, read: u64) {
        self.next_offset = record.offset.next();
        self.anchor = Some(anchor_of(record));
        self.unflushed += read;
    }

    /// The progress row of the current position.
    pub(crate) fn progress(&self, run: &RunId, incarnation: Incarnation) -> Progress {
        let TopicPartition { topic, partition } = self.at;
        let key = ProgressKey {
            run: run.clone(),
            topic,
            incarnation,
            partition,
        };
        Progress {
            key,
            next: self.next_offset,
            anchor: self.anchor,
        }
    }
}

fn anchor_of(record: &RecordRef<'_>) -> Anchor {
    Anchor {
        offset: record.offset,
        written_at: record.written_at,
        key_hash: xxh3_64(record.key),
    }
}
