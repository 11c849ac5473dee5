//! Decodes a record's bytes into the content that is folded.

use moodvane_eventlog::RecordRef;
use moodvane_model::{
    CityId, DecodeError, EventTimeBounds, HourSlot, Observation, Post, SourceId, Timestamp, Topic,
};

/// The content of a record.
pub(crate) enum RecordContent<'b> {
    Post(Post<'b>),
    Observation(Observation),
}

/// A record that can be folded.
pub(crate) struct DecodedRecord<'b> {
    pub(crate) record: RecordRef<'b>,
    pub(crate) content: RecordContent<'b>,
}

/// The open row that a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RowKey {
    pub(crate) hour: HourSlot,
    pub(crate) city: CityId,
    pub(crate) source: SourceId,
}

/// Decodes a record and checks that its key is its identity.
pub(crate) fn decode<'b>(
    topic: Topic,
    record: RecordRef<'b>,
) -> Result<DecodedRecord<'b>, DecodeError> {
    let content = match topic {
        Topic::Tweet => {
            let post = Post::from_json(record.value)?;
            if !post.has_identity(record.key) {
                return Err(DecodeError::KeyMismatch {
                    expected: post.identity(),
                });
            }
            RecordContent::Post(post)
        }
        Topic::Temperature => {
            let observation = Observation::from_json(record.value)?;
            let identity = observation.identity();
            if identity.as_bytes() != record.key {
                return Err(DecodeError::KeyMismatch { expected: identity });
            }
            RecordContent::Observation(observation)
        }
    };
    Ok(DecodedRecord { record, content })
}

impl DecodedRecord<'_> {
    /// The record's event time.
    pub(crate) fn event_time(&self, bounds: EventTimeBounds) -> Timestamp {
        match &self.content {
            RecordContent::Post(post) => bounds.event_time(post.created_at, post.received_at),
            RecordContent::Observation(o) => bounds.event_time(o.observed_at, o.received_at),
        }
    }

    /// The row that the record belongs to.
    pub(crate) fn row_key(&self, bounds: EventTimeBounds) -> RowKey {
        let hour = HourSlot::containing(self.event_time(bounds));
        match &self.content {
            RecordContent::Post(post) => RowKey {
                hour,
                city: post.city,
                source: post.source,
            },
            RecordContent::Observation(o) => RowKey {
                hour,
                city: o.city,
                source: o.source,
            },
        }
    }
}
