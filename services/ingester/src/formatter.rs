//! Formatters: actors that turn raw messages into records.
//!
//! Guarantee: a chunk's records keep the order of its messages. A message that cannot be read, or
//! whose reading panics, is counted with its reason and harms no other. Mailboxes are bounded and
//! senders wait.

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

/// The reason of a message whose reading panicked.
const PANICKED: &str = "panicked";
/// The reason of a record that could not be encoded.
const ENCODING: &str = "encoding";

/// How raw messages become records.
pub(crate) trait RecordFormat: Send + Sync {
    /// Appends the records of one message; answers the latest own time among them.
    fn format(
        &self,
        raw: &RawMessage,
        received_at: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<Option<Timestamp>, &'static str>;
}

/// Posts, as records of topic `tweet`.
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

/// Raw messages to be formatted.
#[derive(Message)]
#[rtype(result = "Formatted")]
pub(crate) struct Format {
    pub(crate) raws: Vec<RawMessage>,
    pub(crate) received_at: Timestamp,
    pub(crate) by: Arc<dyn RecordFormat>,
}

/// What became of a chunk.
#[derive(Debug, Default)]
pub(crate) struct Formatted {
    pub(crate) records: Vec<NewRecord>,
    pub(crate) seen: u64,
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    pub(crate) last_event: Option<Timestamp>,
}

impl Formatted {
    /// How many messages became at least one record.
    pub(crate) fn kept(&self) -> u64 {
        let dropped: u64 = self.dropped.values().sum();
        self.seen.saturating_sub(dropped)
    }
}

fn format_all(chunk: &Format) -> Formatted {
    let mut done = Formatted {
        records: Vec::with_capacity(chunk.raws.len()),
        seen: chunk.raws.len() as u64,
        ..Formatted::default()
    };
    for raw in &chunk.raws {
        let before = done.records.len();
        let records = &mut done.records;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            chunk.by.format(raw, chunk.received_at, records)
        }));
        match outcome.unwrap_or(Err(PANICKED)) {
            Ok(at) => done.last_event = done.last_event.max(at),
            Err(reason) => {
                done.records.truncate(before);
                *done.dropped.entry(reason).or_default() += 1;
            }
        }
    }
    done
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

    struct Picky;

    impl RecordFormat for Picky {
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
    async fn a_message_that_panics_is_counted_and_harms_no_other() {
        let pool = pool(1, 2);
        let at = Timestamp::from_millis(7).unwrap();
        for _ in 0..4 {
            let raws = ["a", "bad", "worse", "b"].map(|text| RawMessage::Text(text.to_owned()));
            let chunk = Format {
                raws: raws.into(),
                received_at: at,
                by: Arc::new(Picky),
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
