//! The formatter pool: actors that turn raw messages into records, on threads of their own.
//!
//! Guarantee: a chunk's records keep the order of its messages. A message that cannot be read, or
//! whose reading panics, is counted with its reason and harms no other. Mailboxes are bounded and
//! senders wait.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::prelude::*;
use moodvane_eventlog::NewRecord;
use moodvane_model::{Post, Timestamp};
use moodvane_upstream::{PostFormat, Raw};

/// The reason of a message whose reading panicked.
const PANICKED: &str = "panicked";
/// The reason of a record that could not be encoded.
const ENCODING: &str = "encoding";
/// More arbiters than this bring nothing: the log is the bottleneck then.
const MAX_ARBITERS: usize = 2;

/// How raw messages become records.
pub(crate) trait RecordFormat: Send + Sync {
    /// Appends the records of one message; answers the latest own time among them.
    fn format(
        &self,
        raw: &Raw,
        received_at: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<Option<Timestamp>, &'static str>;
}

/// Posts, as records of topic `tweet`.
pub(crate) struct PostRecords(pub(crate) Arc<dyn PostFormat>);

impl RecordFormat for PostRecords {
    fn format(
        &self,
        raw: &Raw,
        received_at: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<Option<Timestamp>, &'static str> {
        let mut posts: Vec<Post<'static>> = Vec::with_capacity(1);
        self.0
            .format(raw, received_at, &mut posts)
            .map_err(|dropped| dropped.reason())?;
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
    pub(crate) raws: Vec<Raw>,
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

/// The pool. Clones share the actors; its threads end with the last clone.
#[derive(Clone)]
pub(crate) struct FormatterPool {
    members: Arc<[Addr<Formatter>]>,
    next: Arc<AtomicUsize>,
    _threads: Arc<Threads>,
}

struct Threads(Vec<Arbiter>);

impl Drop for Threads {
    fn drop(&mut self) {
        for arbiter in &self.0 {
            arbiter.stop();
        }
    }
}

impl FormatterPool {
    /// Starts `size` formatters, at least one, each with a mailbox of `mailbox` chunks.
    pub(crate) fn start(size: usize, mailbox: usize) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut arbiters = Vec::new();
        for _ in 0..cores.min(MAX_ARBITERS).min(size.max(1)) {
            arbiters.push(Arbiter::try_new()?);
        }
        let mailbox = mailbox.max(1);
        let members = arbiters
            .iter()
            .cycle()
            .take(size.max(1))
            .map(|arbiter| {
                Formatter::start_in_arbiter(&arbiter.handle(), move |_| Formatter { mailbox })
            })
            .collect();
        Ok(Self {
            members,
            next: Arc::new(AtomicUsize::new(0)),
            _threads: Arc::new(Threads(arbiters)),
        })
    }

    /// Formats a chunk on the next member; waits where its mailbox is full.
    pub(crate) async fn format(&self, chunk: Format) -> Result<Formatted, MailboxError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.members.len();
        match self.members.get(turn) {
            Some(member) => member.send(chunk).await,
            None => Err(MailboxError::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Picky;

    impl RecordFormat for Picky {
        fn format(
            &self,
            raw: &Raw,
            at: Timestamp,
            out: &mut Vec<NewRecord>,
        ) -> Result<Option<Timestamp>, &'static str> {
            let Raw::Text(text) = raw else {
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
        let pool = FormatterPool::start(2, 1).unwrap();
        let at = Timestamp::from_millis(7).unwrap();
        for _ in 0..4 {
            let raws = ["a", "bad", "worse", "b"].map(|text| Raw::Text(text.to_owned()));
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
            assert_eq!((done.seen, done.last_event), (4, Some(at)));
        }
    }
}
