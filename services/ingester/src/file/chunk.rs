//! A chunk of rows, and which rows form one.

use moodvane_model::Timestamp;
use moodvane_upstream::RawMessage;
use moodvane_upstream::table::{Record, RecordPosition};

use crate::formatter::{RawBatch, drop_example};

/// Consecutive records of an input.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) batch: RawBatch,
    /// Position of the next chunk.
    pub(super) next: RecordPosition,
    /// Latest event time of its rows, if the filter uses event times.
    pub(super) last_event: Option<Timestamp>,
}

/// Reads the event time of a row; `None` if the row has none.
pub(super) type EventTime = Box<dyn Fn(&RawMessage) -> Option<Timestamp> + Send>;

/// Decides which rows form a chunk.
pub(super) struct ChunkFilter {
    pub(super) event_time: EventTime,
    /// Earlier rows are dropped.
    pub(super) since: Option<Timestamp>,
    /// The range of event time that a chunk may span, in milliseconds; `None` for any.
    pub(super) max_span_ms: Option<i64>,
}

/// A record with its event time, if the filter uses event times.
pub(super) struct TimedRecord {
    pub(super) record: Record,
    pub(super) event: Option<Timestamp>,
}

impl ChunkFilter {
    /// The event time of a row, if the filter uses it.
    pub(super) fn event_time_of(&self, raw: &RawMessage) -> Option<Timestamp> {
        let is_used = self.since.is_some() || self.max_span_ms.is_some();
        is_used.then(|| (self.event_time)(raw)).flatten()
    }

    /// Whether a row is too late for a chunk whose first event time is `first`.
    pub(super) fn exceeds_span(&self, first: Option<Timestamp>, event: Option<Timestamp>) -> bool {
        let (Some(span_ms), Some(first), Some(event)) = (self.max_span_ms, first, event) else {
            return false;
        };
        event.millis() - first.millis() > span_ms
    }
}

impl Chunk {
    pub(super) fn push(&mut self, timed: TimedRecord, filter: &ChunkFilter) {
        self.next = timed.record.next_position;
        let (batch, line) = (&mut self.batch, timed.record.line);
        match timed.record.content {
            Ok(_) if timed.event.is_some() && timed.event < filter.since => {
                batch.account.skip_out_of_range();
            }
            Ok(raw) => {
                batch.raws.push(raw);
                batch.lines.push(line);
                self.last_event = self.last_event.max(timed.event);
            }
            Err(reason) => batch
                .account
                .leave_out(reason.label(), || drop_example(&reason, None, Some(line))),
        }
    }
}
