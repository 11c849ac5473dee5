//! Formatters: actors that turn raw messages into records.
//!
//! Guarantee: a chunk's records keep the order of its messages. A message that cannot be parsed, or
//! whose parsing panics, is in the account with its reason and does not affect others. Mailboxes are
//! bounded, and senders wait.

mod pool;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use actix::prelude::*;
use moodvane_eventlog::NewRecord;
use moodvane_model::{Account, ErrorChain, Example, Post, Timestamp};
use moodvane_upstream::{DropReason, OmitReason, OmittedValue, PostFormat, RawMessage};
use thiserror::Error;

pub use self::pool::PoolStatus;
pub(crate) use self::pool::{FormatterPool, PoolBounds, WeakPool};

/// The reason for dropping a message.
#[derive(Debug, Error)]
pub(crate) enum FormatError {
    /// The message yields no record.
    #[error(transparent)]
    Dropped(#[from] DropReason),
    /// The record cannot be encoded.
    #[error("cannot encode the record")]
    Encoding(#[source] serde_json::Error),
    /// Its parsing panicked.
    #[error("parsing it panicked, which is a fault of this program")]
    Panicked,
}

impl FormatError {
    /// A short name from a bounded set.
    fn label(&self) -> &'static str {
        match self {
            Self::Dropped(reason) => reason.label(),
            Self::Encoding(_) => "encoding",
            Self::Panicked => "panicked",
        }
    }
}

/// What a message that yields records says besides.
#[derive(Debug, Default)]
pub(crate) struct FormattedMessage {
    /// The latest event time of its records.
    pub(crate) event: Option<Timestamp>,
    /// The values that its records lack.
    pub(crate) omitted: Vec<OmittedValue>,
}

/// Converts raw messages to records.
pub(crate) trait RecordFormat: Send + Sync {
    /// Appends the records of one message.
    fn format(
        &self,
        raw: &RawMessage,
        received_at: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<FormattedMessage, FormatError>;
}

/// Converts posts to records of topic `tweet`.
pub(crate) struct PostRecords(pub(crate) Arc<dyn PostFormat>);

impl RecordFormat for PostRecords {
    fn format(
        &self,
        raw: &RawMessage,
        received_at: Timestamp,
        out: &mut Vec<NewRecord>,
    ) -> Result<FormattedMessage, FormatError> {
        let mut posts: Vec<Post<'static>> = Vec::with_capacity(1);
        self.0.format(raw, received_at, &mut posts)?;
        for post in &posts {
            out.push(NewRecord {
                key: post.identity().into_bytes(),
                value: post.to_json().map_err(FormatError::Encoding)?,
            });
        }
        Ok(FormattedMessage {
            event: posts.iter().map(|post| post.created_at).max(),
            omitted: Vec::new(),
        })
    }
}

/// Raw messages to format together.
#[derive(Debug, Default)]
pub(crate) struct RawBatch {
    pub(crate) raws: Vec<RawMessage>,
    /// The line of each message in its file; empty for messages of a stream.
    pub(crate) lines: Vec<u64>,
    /// Messages of the batch that are accounted for already.
    pub(crate) account: Account,
}

impl From<Vec<RawMessage>> for RawBatch {
    fn from(raws: Vec<RawMessage>) -> Self {
        Self {
            raws,
            ..Self::default()
        }
    }
}

/// A chunk of raw messages to format.
#[derive(Message)]
#[rtype(result = "Formatted")]
pub(crate) struct Format {
    pub(crate) batch: RawBatch,
    pub(crate) received_at: Timestamp,
    pub(crate) format: Arc<dyn RecordFormat>,
}

/// The records of a chunk, and the account of its messages.
#[derive(Debug, Default)]
pub(crate) struct Formatted {
    pub(crate) records: Vec<NewRecord>,
    pub(crate) account: Account,
    pub(crate) last_event: Option<Timestamp>,
}

fn format_all(chunk: Format) -> Formatted {
    let RawBatch {
        raws,
        lines,
        account: read_before,
    } = chunk.batch;
    let mut formatted = Formatted {
        records: Vec::with_capacity(raws.len()),
        ..Formatted::default()
    };
    for (n, raw) in raws.iter().enumerate() {
        let before = formatted.records.len();
        let records = &mut formatted.records;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            chunk.format.format(raw, chunk.received_at, records)
        }));
        let line = lines.get(n).copied();
        match outcome.unwrap_or(Err(FormatError::Panicked)) {
            Ok(message) => {
                formatted.last_event = formatted.last_event.max(message.event);
                formatted.account.keep(1);
                for omitted in &message.omitted {
                    count_omitted(&mut formatted.account, omitted, line);
                }
            }
            Err(error) => {
                formatted.records.truncate(before);
                leave_out(&mut formatted.account, &error, raw, line);
            }
        }
    }
    // Last: of the reasons that a row can have before and after it is split into fields, only the last
    // row of a file has the former.
    formatted.account.append(read_before);
    formatted
}

fn leave_out(account: &mut Account, error: &FormatError, raw: &RawMessage, line: Option<u64>) {
    match error {
        FormatError::Dropped(reason) if reason.is_selection() => {
            account.skip_unselected(reason.label());
        }
        FormatError::Dropped(reason) => {
            account.leave_out(reason.label(), || drop_example(reason, Some(raw), line));
        }
        other => account.leave_out(other.label(), || {
            let why = ErrorChain(other).to_string();
            Example::new(&why).at_line(line).with_value(&shown(raw))
        }),
    }
}

fn count_omitted(account: &mut Account, omitted: &OmittedValue, line: Option<u64>) {
    let (variable, reason) = (omitted.variable.name(), omitted.reason);
    if reason == OmitReason::Missing {
        return account.count_missing_value(variable);
    }
    account.leave_out_value(variable, reason.label(), || {
        Example::new(&reason.to_string())
            .at_line(line)
            .in_column(Some(&omitted.field))
            .with_value(&omitted.value)
    });
}

/// A dropped message as an example. Shows the message if none of its values is the problem.
pub(crate) fn drop_example(
    reason: &DropReason,
    raw: Option<&RawMessage>,
    line: Option<u64>,
) -> Example {
    let why = ErrorChain(reason).to_string();
    let example = Example::new(&why).at_line(line).in_column(reason.column());
    match (reason.value(), raw) {
        (Some(value), _) => example.with_value(&value),
        (None, Some(raw)) => example.with_value(&shown(raw)),
        (None, None) => example,
    }
}

/// A message in one line.
fn shown(raw: &RawMessage) -> String {
    match raw {
        RawMessage::Text(text) => text.clone(),
        RawMessage::Fields(fields) => fields.iter().collect::<Vec<_>>().join(" | "),
    }
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
        MessageResult(format_all(chunk))
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
        ) -> Result<FormattedMessage, FormatError> {
            let RawMessage::Text(text) = raw else {
                return Err(DropReason::NotAPost.into());
            };
            out.push(NewRecord {
                key: Vec::new(),
                value: text.clone().into_bytes(),
            });
            match text.as_str() {
                "bad" => Err(DropReason::NoText.into()),
                "other" => Err(DropReason::NoCity.into()),
                "worse" => panic!("on purpose"),
                _ => Ok(FormattedMessage {
                    event: Some(at),
                    omitted: Vec::new(),
                }),
            }
        }
    }

    #[actix::test]
    async fn counts_panicking_message_and_formats_others() {
        let pool = pool(1, 2);
        let at = Timestamp::from_millis(7).unwrap();
        for _ in 0..4 {
            let texts = ["a", "bad", "other", "worse", "b"];
            let batch = RawBatch {
                raws: texts.map(|text| RawMessage::Text(text.to_owned())).into(),
                lines: (11..16).collect(),
                account: Account::default(),
            };
            let chunk = Format {
                batch,
                received_at: at,
                format: Arc::new(FailingFormat),
            };
            let done = pool.format(chunk).await.unwrap();
            let values: Vec<&[u8]> = done.records.iter().map(|r| r.value.as_slice()).collect();
            assert_eq!(values, [b"a", b"b"]);
            let example = |reason: &str| done.account.left_out()[reason].examples[0].clone();
            let (bad, worse) = (example("no_text"), example("panicked"));
            assert_eq!(
                (bad.place(), bad.value()),
                (Some("line 12".to_owned()), Some("bad"))
            );
            assert_eq!(
                (worse.place(), worse.value()),
                (Some("line 14".to_owned()), Some("worse"))
            );
            assert_eq!(done.account.not_selected()["no_city"], 1);
            assert_eq!(done.account.records_read(), 5);
            assert_eq!(
                (done.account.records_kept(), done.last_event),
                (2, Some(at))
            );
        }
    }
}
