//! Why a source stopped, and why the ingester did not end as wished.

use std::time::Duration;

use moodvane_eventlog::LogError;
use moodvane_model::{SourceId, Timestamp};
use moodvane_upstream::UpstreamError;
use thiserror::Error;

/// Why one life of a source ended.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    /// The connection could not be made.
    #[error("cannot connect to {url}: {reason}")]
    Connect { url: String, reason: String },
    /// The connection broke.
    #[error("the stream broke: {0}")]
    Stream(String),
    /// The other side ended the stream.
    #[error("the stream was closed by its server")]
    Closed,
    /// The stream began later than was asked for, and did not say so.
    #[error(
        "the stream resumed {gap_ms} ms after what was last seen, what came in between is missing"
    )]
    Gap { gap_ms: i64 },
    /// More came while no stream was open than could be fetched.
    #[error("more came while no stream was open than can be fetched, the rest is missing")]
    Missed,
    /// Nothing was heard for too long.
    #[error("nothing was heard for {} ms", .0.as_millis())]
    Idle(Duration),
    /// An HTTP request failed.
    #[error("the request failed: {0}")]
    Request(String),
    /// An HTTP answer other than 200.
    #[error("the answer has status {status}")]
    Status {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// An answer over the limit.
    #[error("the answer is longer than {max} bytes")]
    TooLong { max: usize },
    /// An answer that cannot be understood.
    #[error("the answer is not understood: {0}")]
    Answer(#[from] UpstreamError),
    /// An observation from a time that is not yet.
    #[error("the observation is of {0}, more than a day ahead")]
    Future(Timestamp),
    /// The log refused.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A part of the ingester is gone.
    #[error("the {0} is gone")]
    Gone(&'static str),
    /// A thread could not be made.
    #[error("no thread could be started: {0}")]
    Thread(String),
    /// A file cannot be read.
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    /// As many posts were read as may be in a day.
    #[error("the day's {posts} posts are read, the next day begins at {until}")]
    Budget { posts: u64, until: Timestamp },
    /// Nothing was heard of the source itself for too long.
    #[error("the source gave no sign of life for {} ms beyond what it had announced", .0.as_millis())]
    Hung(Duration),
    /// The actor ended without a word: a panic, or it was dropped.
    #[error("the source's actor was lost, most likely by a panic")]
    Lost,
    /// A record could not be written as JSON.
    #[error("a record could not be encoded: {0}")]
    Encode(#[from] serde_json::Error),
}

impl SourceError {
    /// A short, bounded name of the reason, fit for a metric's label.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Stream(_) => "stream",
            Self::Closed => "closed",
            Self::Gap { .. } => "gap",
            Self::Missed => "missed",
            Self::Idle(_) => "idle",
            Self::Request(_) => "request",
            Self::Status { .. } => "status",
            Self::TooLong { .. } => "too_long",
            Self::Answer(error) => error.reason(),
            Self::Future(_) => "future",
            Self::Log(_) => "log",
            Self::Gone(_) => "gone",
            Self::Thread(_) => "thread",
            Self::File { .. } => "file",
            Self::Budget { .. } => "budget",
            Self::Hung(_) => "hung",
            Self::Lost => "lost",
            Self::Encode(_) => "encode",
        }
    }

    /// How long the other side asks to be left alone.
    pub(crate) fn asks_for(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether trying again cannot help.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::File { .. } => true,
            Self::Log(error) => matches!(
                error,
                LogError::TooLarge { .. }
                    | LogError::Corrupt(_)
                    | LogError::Mismatch(_)
                    | LogError::Rejected(_)
            ),
            _ => false,
        }
    }
}

/// Why the finite sources did not all end well.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IngestError {
    /// A finite source cannot go on.
    #[error("source {source_id}: {reason}")]
    Failed {
        /// The source.
        source_id: SourceId,
        /// Why it cannot go on.
        reason: String,
    },
    /// The ingester was drained before its finite sources had ended; they resume from their
    /// cursors.
    #[error("the ingester was stopped before its files had ended; they resume where they stood")]
    Stopped,
}
