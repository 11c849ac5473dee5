//! From a record's bytes to what is folded.

use moodvane_eventlog::RecordRef;
use moodvane_model::{
    CityId, DecodeError, HourBounds, HourSlot, Observation, Post, SourceId, Timestamp, Topic,
};

/// What a record holds.
pub(crate) enum Content<'b> {
    Post(Post<'b>),
    Observation(Observation),
}

/// A record that can be folded.
pub(crate) struct Decoded<'b> {
    pub(crate) record: RecordRef<'b>,
    pub(crate) content: Content<'b>,
}

/// Which open row a record goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RowKey {
    pub(crate) hour: HourSlot,
    pub(crate) city: CityId,
    pub(crate) source: SourceId,
}

/// Reads a record and checks that its key is its identity.
pub(crate) fn decode<'b>(topic: Topic, record: RecordRef<'b>) -> Result<Decoded<'b>, DecodeError> {
    let content = match topic {
        Topic::Tweet => {
            let post = Post::from_json(record.value)?;
            if !post.has_identity(record.key) {
                return Err(DecodeError::Key {
                    expected: post.identity(),
                });
            }
            Content::Post(post)
        }
        Topic::Temperature => {
            let observation = Observation::from_json(record.value)?;
            let identity = observation.identity();
            if identity.as_bytes() != record.key {
                return Err(DecodeError::Key { expected: identity });
            }
            Content::Observation(observation)
        }
    };
    Ok(Decoded { record, content })
}

impl Decoded<'_> {
    /// The moment at which the record counts.
    pub(crate) fn time(&self, bounds: HourBounds) -> Timestamp {
        match &self.content {
            Content::Post(post) => bounds.time_of(post.created_at, post.received_at),
            Content::Observation(o) => bounds.time_of(o.observed_at, o.received_at),
        }
    }

    /// The row to which the record belongs.
    pub(crate) fn row_key(&self, bounds: HourBounds) -> RowKey {
        let hour = HourSlot::of(self.time(bounds));
        match &self.content {
            Content::Post(post) => RowKey {
                hour,
                city: post.city,
                source: post.source,
            },
            Content::Observation(o) => RowKey {
                hour,
                city: o.city,
                source: o.source,
            },
        }
    }
}
