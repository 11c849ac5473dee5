//! Where a partition starts: which offsets are read and which are folded.

use moodvane_eventlog::Watermarks;
use moodvane_model::{Anchor, DuplicateWindow, Offset, Progress};

use crate::ProcessorError;

/// Where a partition starts, by its stored progress and the log's watermarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartitionStart {
    /// The first offset to read.
    pub(crate) read_from: Offset,
    /// The first offset to fold; those before only fill the duplicate window.
    pub(crate) fold_from: Offset,
    /// The offsets that retention removed before they were folded: from, to.
    pub(crate) gap: Option<(Offset, Offset)>,
    /// The last folded record, if it is still in the log; the log must contain the same one.
    pub(crate) anchor: Option<Anchor>,
}

impl PartitionStart {
    /// Computes the start of a partition.
    pub(crate) fn new(
        log: Watermarks,
        progress: Option<&Progress>,
        window: DuplicateWindow,
    ) -> Result<Self, ProcessorError> {
        let next = progress.map_or(Offset::ZERO, |p| p.next);
        if next > log.high {
            return Err(ProcessorError::LogTooShort {
                at: log.topic_partition,
                high: log.high,
                next,
            });
        }
        let anchor = progress
            .and_then(|p| p.anchor)
            .filter(|a| a.offset >= log.low);
        let window_from = next
            .saturating_sub(u64::from(window.offsets()))
            .max(log.low);
        Ok(Self {
            // Offsets may have gaps, so the anchor may be before the window.
            read_from: anchor.map_or(window_from, |a| window_from.min(a.offset)),
            fold_from: next.max(log.low),
            gap: (log.low > next).then_some((next, log.low)),
            anchor,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_eventlog::TopicPartition;
    use moodvane_model::{Incarnation, Partition, ProgressKey, RunId, Timestamp, Topic};

    fn window_of(offsets: u32) -> DuplicateWindow {
        DuplicateWindow::new(offsets).unwrap()
    }

    fn log(low: u64, high: u64) -> Watermarks {
        let at = TopicPartition {
            topic: Topic::Tweet,
            partition: Partition(0),
        };
        Watermarks {
            topic_partition: at,
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
    fn starts_by_progress_and_watermarks() {
        // (low, high) of the log, progress, window -> read_from, fold_from, gap, whether an anchor is checked
        for (marks, next, window, read, fold, gap, anchored) in [
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
            let start =
                PartitionStart::new(log(marks.0, marks.1), stored.as_ref(), window_of(window))
                    .unwrap();
            let shown = (
                start.read_from.0,
                start.fold_from.0,
                start.gap.map(|gap| (gap.0.0, gap.1.0)),
            );
            assert_eq!(shown, (read, fold, gap), "{marks:?} {next:?}");
            assert_eq!(start.anchor.is_some(), anchored, "{marks:?} {next:?}");
        }
    }

    #[test]
    fn rejects_log_ending_below_progress() {
        let error =
            PartitionStart::new(log(0, 29), Some(&progress(30)), window_of(10)).unwrap_err();
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
