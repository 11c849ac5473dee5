//! Formatters: actors that turn raw messages into records.
//!
//! Guarantee: a chunk's records keep the order of its messages. A message that cannot be parsed, or
//! whose parsing panics, is counted with its reason and does not affect others. Mailboxes are
//! bounded, and senders wait.

mod pool;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use actix::prelude::*;
use moodvane_eventlog::NewRecord;
use moodvane_model::{Post, Timestamp};
use moodvane_upstream::{PostFormat, RawMessage};

pub use self::pool::PoolStatus;
pub(crate) use self::pool::{FormatterPool, PoolBounds, WeakPool};

/// The drop reason of a message whose parsing panicked.
const PANICKED: &str = "panicked";
/// The drop reason of a record that could not be encoded.
const ENCODING: &str = "encoding";

/// Converts raw messages to records.
pub(crate) trait RecordFormat: Send + Sync {
    /// Appends the records of one message; returns the latest event time among them, or a drop
    /// reason.
    fn format(
        &self,
        raw: &RawMessage,
        received_at: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<Option<Timestamp>, &'static str>;
}

/// Converts posts to records of topic `tweet`.
pub(crate) struct PostRecords(pub(crate) Arc<dyn PostFormat>);

impl RecordFormat for PostRecords {
    fn format(
        &self,
        raw: &RawMessage,
        received_at: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<Option<Timestamp>, &'static str> {
        let mut posts: Vec<Post<'static>> = Vec::with_capacity(1);
        self.0
            .format(raw, received_at, &mut posts)
            .map_err(|dropped| dropped.label())?;
        for post in &posts {
            out.push(NewRecord {
                key: post.identity().into_bytes(),
                value: post.to_json().map_err(|_| ENCODING)?,
            });
        }
        Ok(posts.iter().map(|post| post.created_at).max())
    }
}

/// A chunk of raw messages to format.
#[derive(Message)]
#[rtype(result = "Formatted")]
pub(crate) struct Format {
    pub(crate) raws: Vec<RawMessage>,
    pub(crate) received_at: Timestamp,
    pub(crate) format: Arc<dyn RecordFormat>,
}

/// The records of a chunk, and the number of dropped messages by reason.
#[derive(Debug, Default)]
pub(crate) struct Formatted {
    pub(crate) records: Vec<NewRecord>,
    pub(crate) seen: u64,
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    pub(crate) last_event: Option<Timestamp>,
}

impl Formatted {
    /// The number of messages that yielded at least one record.
    pub(crate) fn kept(&self) -> u64 {
        let dropped: u64 = self.dropped.values().sum();
        self.seen.saturating_sub(dropped)
    }
}

fn format_all(chunk: &Format) -> Formatted {
    let mut formatted = Formatted {
        records: Vec::with_capacity(chunk.raws.len()),
        seen: chunk.raws.len() as u64,
        ..Formatted::default()
    };
    for raw in &chunk.raws {
        let before = formatted.records.len();
        let records = &mut formatted.records;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            chunk.format.format(raw, chunk.received_at, records)
        }));
        match outcome.unwrap_or(Err(PANICKED)) {
            Ok(at) => formatted.last_event = formatted.last_event.max(at),
            Err(reason) => {
                formatted.records.truncate(before);
                *formatted.dropped.entry(reason).or_default() += 1;
            }
        }
    }
    formatted
}

struct Formatter {
    mailbox: usize,
}

impl Actor for Formatter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.mailbox);
    }
}

impl Handler<Format> for Formatter {
    type Result = MessageResult<Format>;

    fn handle(&mut self, chunk: Format, _: &mut Self::Context) -> Self::Result {
        MessageResult(format_all(&chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_runtime::VirtualClock;

    fn pool(min: usize, max: usize) -> FormatterPool {
        let bounds = PoolBounds {
            min,
            max,
            mailbox_capacity: 1,
        };
        let clock = VirtualClock::new(Timestamp::from_millis(0).unwrap());
        FormatterPool::start(bounds, Arc::new(clock)).unwrap()
    }

    /// Rejects the message "bad" and panics on "worse".
    struct FailingFormat;

    impl RecordFormat for FailingFormat {
        fn format(
            &self,
            raw: &RawMessage,
            at: Timestamp,
            out: &mut Vec<NewRecord>,
        ) -> Result<Option<Timestamp>, &'static str> {
            let RawMessage::Text(text) = raw else {
                return Err("shape");
            };
            out.push(NewRecord {
                key: Vec::new(),
                value: text.clone().into_bytes(),
            });
            match text.as_str() {
                "bad" => Err("malformed"),
                "worse" => panic!("on purpose"),
                _ => Ok(Some(at)),
            }
        }
    }

    #[actix::test]
    async fn counts_panicking_message_and_formats_others() {
        let pool = pool(1, 2);
        let at = Timestamp::from_millis(7).unwrap();
        for _ in 0..4 {
            let raws = ["a", "bad", "worse", "b"].map(|text| RawMessage::Text(text.to_owned()));
            let chunk = Format {
                raws: raws.into(),
                received_at: at,
                format: Arc::new(FailingFormat),
            };
            let done = pool.format(chunk).await.unwrap();
            let values: Vec<&[u8]> = done.records.iter().map(|r| r.value.as_slice()).collect();
            assert_eq!(values, [b"a", b"b"]);
            assert_eq!(
                done.dropped,
                BTreeMap::from([("malformed", 1), (PANICKED, 1)])
            );
            assert_eq!((done.seen, done.kept(), done.last_event), (4, 2, Some(at)));
        }
    }
}
