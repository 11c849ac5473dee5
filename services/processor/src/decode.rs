//! Decodes a record's bytes into the content that is folded.

use moodvane_eventlog::RecordRef;
use moodvane_model::{
    CityId, DecodeError, DecodedObservation, EventTimeBounds, HourSlot, Observation, OutOfBounds,
    Post, SourceId, Timestamp, Topic,
};

/// The content of a record.
pub(crate) enum RecordContent<'b> {
    Post(Post<'b>),
    Observation(DecodedObservation),
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
            let decoded = Observation::decode(record.value)?;
            let identity = decoded.observation.identity();
            if identity.as_bytes() != record.key {
                return Err(DecodeError::KeyMismatch { expected: identity });
            }
            RecordContent::Observation(decoded)
        }
    };
    Ok(DecodedRecord { record, content })
}

impl DecodedRecord<'_> {
    /// The record's event time, or why the record counts in no hour.
    pub(crate) fn event_time(&self, bounds: EventTimeBounds) -> Result<Timestamp, OutOfBounds> {
        match &self.content {
            RecordContent::Post(post) => Ok(bounds.event_time(post.created_at, post.received_at)),
            RecordContent::Observation(DecodedObservation { observation, .. }) => {
                bounds.observation_time(observation.observed_at, observation.received_at)
            }
        }
    }

    /// The record's source.
    pub(crate) fn source(&self) -> SourceId {
        match &self.content {
            RecordContent::Post(post) => post.source,
            RecordContent::Observation(decoded) => decoded.observation.source,
        }
    }

    /// The row that the record belongs to, if its event time is `at`.
    pub(crate) fn row_key(&self, at: Timestamp) -> RowKey {
        let city = match &self.content {
            RecordContent::Post(post) => post.city,
            RecordContent::Observation(decoded) => decoded.observation.city,
        };
        RowKey {
            hour: HourSlot::containing(at),
            city,
            source: self.source(),
        }
    }
}
