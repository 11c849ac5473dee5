//! One partition on its way: where it began, what its window holds, its open rows.

use moodvane_eventlog::{DeadLetter, RecordRef, TopicPartition, Watermarks};
use moodvane_model::{Anchor, Incarnation, Offset, Progress, ProgressKey, RunId};
use xxhash_rust::xxh3::xxh3_64;

use crate::ProcessorError;
use crate::rows::OpenRows;
use crate::window::Window;

/// Where a partition begins: what a start decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// The first offset to be read.
    pub(crate) read_from: Offset,
    /// The first offset to be folded; those before only fill the window.
    pub(crate) fold_from: Offset,
    /// Records that retention removed before they were folded: from, to.
    pub(crate) lost: Option<(Offset, Offset)>,
    /// The record that must lie just below `fold_from`, where it is still in the log.
    pub(crate) anchor: Option<Anchor>,
}

impl Beginning {
    /// Decides where a partition begins, by its progress and what the log still has.
    pub(crate) fn decide(
        log: Watermarks,
        progress: Option<&Progress>,
        window: u32,
    ) -> Result<Self, ProcessorError> {
        let next = progress.map_or(Offset::ZERO, |p| p.next);
        if next > log.high {
            return Err(ProcessorError::LogTooShort {
                at: log.at,
                high: log.high,
                next,
            });
        }
        let anchor = progress
            .and_then(|p| p.anchor)
            .filter(|a| a.offset >= log.low);
        let window_from = next.saturating_sub(u64::from(window)).max(log.low);
        Ok(Self {
            // Offsets may have gaps, so the anchor may lie before the window.
            read_from: anchor.map_or(window_from, |a| window_from.min(a.offset)),
            fold_from: next.max(log.low),
            lost: (log.low > next).then_some((next, log.low)),
            anchor,
        })
    }
}

/// One partition while it is folded.
pub(crate) struct PartitionFold {
    pub(crate) at: TopicPartition,
    pub(crate) fold_from: Offset,
    pub(crate) window: Window,
    pub(crate) rows: OpenRows,
    /// Unreadable records that are not yet buried.
    pub(crate) dead: Vec<DeadLetter>,
    /// Records read since the last flush.
    pub(crate) unflushed: u64,
    /// Everything below is in the store.
    pub(crate) flushed: Offset,
    /// The anchor that is still to be met.
    expected: Option<Anchor>,
    next: Offset,
    anchor: Option<Anchor>,
}

impl PartitionFold {
    pub(crate) fn new(
        at: TopicPartition,
        beginning: &Beginning,
        (run, incarnation): (RunId, Incarnation),
        window: u32,
    ) -> Self {
        Self {
            at,
            fold_from: beginning.fold_from,
            window: Window::new(window),
            rows: OpenRows::new(run, (at.topic, at.partition), incarnation),
            dead: Vec::new(),
            unflushed: 0,
            flushed: beginning.fold_from,
            expected: beginning.anchor,
            next: beginning.fold_from,
            anchor: beginning.anchor,
        }
    }

    /// The first offset that was not yet read.
    pub(crate) fn next(&self) -> Offset {
        self.next
    }

    /// Meets a record that is read again. The record at the anchor's offset must be the anchor.
    pub(crate) fn check_anchor(&mut self, record: &RecordRef<'_>) -> Result<(), ProcessorError> {
        let Some(expected) = self.expected else {
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
        self.expected = None;
        Ok(())
    }

    /// Everything up to and with this record, `read` records in all, is in the open rows, the
    /// window, or the dead.
    pub(crate) fn passed(&mut self, record: &RecordRef<'_>, read: u64) {
        self.next = record.offset.next();
        self.anchor = Some(anchor_of(record));
        self.unflushed += read;
    }

    /// The progress row for what was read so far.
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
            next: self.next,
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

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::{Partition, Timestamp, Topic};

    fn log(low: u64, high: u64) -> Watermarks {
        let at = TopicPartition {
            topic: Topic::Tweet,
            partition: Partition(0),
        };
        Watermarks {
            at,
            low: Offset(low),
            high: Offset(high),
        }
    }

    fn progress(next: u64) -> Progress {
        let run = RunId::new("r");
        let (topic, partition) = (Topic::Tweet, Partition(0));
        let key = ProgressKey {
            run,
            topic,
            incarnation: Incarnation(1),
            partition,
        };
        let written_at = Timestamp::from_millis(0).unwrap();
        let anchor = Anchor {
            offset: Offset(next - 1),
            written_at,
            key_hash: 7,
        };
        Progress {
            key,
            next: Offset(next),
            anchor: Some(anchor),
        }
    }

    #[test]
    fn a_partition_begins_where_its_progress_and_the_log_say() {
        // (low, high) of the log, progress, window -> read from, fold from, lost, anchor checked
        for (marks, next, window, read, fold, lost, anchored) in [
            ((0, 0), None, 10, 0, 0, None, false),
            ((0, 50), None, 10, 0, 0, None, false),
            ((20, 50), None, 10, 20, 20, Some((0, 20)), false),
            ((0, 50), Some(30), 10, 20, 30, None, true),
            ((0, 50), Some(5), 10, 0, 5, None, true),
            ((25, 50), Some(30), 10, 25, 30, None, true),
            ((30, 50), Some(30), 10, 30, 30, None, false),
            ((40, 50), Some(30), 10, 40, 40, Some((30, 40)), false),
            ((50, 50), Some(50), 10, 50, 50, None, false),
        ] {
            let stored = next.map(progress);
            let begin = Beginning::decide(log(marks.0, marks.1), stored.as_ref(), window).unwrap();
            let shown = (
                begin.read_from.0,
                begin.fold_from.0,
                begin.lost.map(|l| (l.0.0, l.1.0)),
            );
            assert_eq!(shown, (read, fold, lost), "{marks:?} {next:?}");
            assert_eq!(begin.anchor.is_some(), anchored, "{marks:?} {next:?}");
        }
    }

    #[test]
    fn a_log_that_ends_before_its_progress_is_another_log() {
        let error = Beginning::decide(log(0, 29), Some(&progress(30)), 10).unwrap_err();
        assert!(
            matches!(error, ProcessorError::LogTooShort { .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains("eventlog.incarnation"),
            "{error}"
        );
    }
}
