//! The errors of sources and of the ingester.
//!
//! Convention: an error's text says what failed and leaves out the cause, which is its `source()`.
//! The place that logs or shows an error prints the whole chain with
//! [`moodvane_model::ErrorChain`].

use std::error::Error;
use std::time::Duration;

use moodvane_eventlog::LogError;
use moodvane_model::{CityId, OutOfBounds, SourceId, Timestamp};
use moodvane_upstream::UpstreamError;
use thiserror::Error;

/// The cause of an error, of any type.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Why a run of a source ended.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    /// No connection could be opened.
    #[error("cannot connect to {url}")]
    Connect { url: String, source: BoxError },
    /// The connection broke.
    #[error("stream failed")]
    Stream(#[source] BoxError),
    /// The server announced the end of the stream.
    #[error("server ended the stream: {0}")]
    Disconnected(String),
    /// The server closed the stream.
    #[error("server closed the stream")]
    Closed,
    /// The stream resumed later than requested.
    #[error(
        "stream resumed {gap_ms} ms after the last acknowledged message, messages in between are missing"
    )]
    Gap { gap_ms: i64 },
    /// Posts were published without a connection and cannot all be fetched.
    #[error("cannot fetch all posts published while disconnected, the remaining ones are missing")]
    Missed,
    /// Posts were published without a connection, and the ids of the server's posts have no order.
    #[error(
        "cannot fetch the posts published while disconnected, because the ids of the server have no order; they are missing"
    )]
    Unordered,
    /// The server was silent for too long.
    #[error("received nothing for {} ms", .0.as_millis())]
    Idle(Duration),
    /// An HTTP request failed.
    #[error("request failed")]
    Request(#[source] BoxError),
    /// The server did not respond in time.
    #[error("no response within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// An HTTP response with a status other than 200 or 201.
    #[error("response has status {status}, expected 200")]
    Status {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// A response over the size limit.
    #[error("response is larger than {max} bytes")]
    TooLong { max: usize },
    /// A response that cannot be parsed.
    #[error("cannot parse response")]
    Response(#[from] UpstreamError),
    /// The part of a response for one city of several cannot be parsed.
    #[error("cannot parse response for {city}")]
    City { city: CityId, source: UpstreamError },
    /// An observation that counts in no hour.
    #[error(
        "the latest observation of {city} is of {observed_at}, {}, and counts in no hour",
        distance(*.fault)
    )]
    LeftOut {
        city: CityId,
        observed_at: Timestamp,
        fault: OutOfBounds,
    },
    /// The event log failed.
    #[error("event log failed")]
    Log(#[from] LogError),
    /// A part of the ingester has stopped.
    #[error("{0} has stopped")]
    Gone(&'static str),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// A file cannot be read.
    #[error("cannot read {path}")]
    File { path: String, source: BoxError },
    /// The source has read its daily budget of posts.
    #[error("daily budget of {posts} posts is spent, the next day begins at {until}")]
    Budget { posts: u64, until: Timestamp },
    /// The source did not report progress in time.
    #[error("source exceeded its watchdog deadline by {} ms", .0.as_millis())]
    Hung(Duration),
    /// The actor was dropped without a result.
    #[error("source actor ended without a result, most likely by a panic")]
    Lost,
    /// A record could not be written as JSON.
    #[error("cannot encode record")]
    Encode(#[from] serde_json::Error),
}

fn distance(fault: OutOfBounds) -> &'static str {
    match fault {
        OutOfBounds::TooOld => "more than processor.behind_s ago",
        OutOfBounds::Future => "more than processor.ahead_s ahead",
    }
}

impl SourceError {
    /// The bounded reason, as a metric label.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Stream(_) | Self::Disconnected(_) => "stream",
            Self::Closed => "closed",
            Self::Gap { .. } => "gap",
            Self::Missed | Self::Unordered => "missed",
            Self::Idle(_) => "idle",
            Self::Request(_) | Self::Timeout(_) => "request",
            Self::Status { .. } => "status",
            Self::TooLong { .. } => "too_long",
            Self::Response(source) | Self::City { source, .. } => source.reason(),
            Self::LeftOut { fault, .. } => fault.label(),
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

    /// The pause that the server requests.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether a retry fails in the same way.
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

/// Why the finite sources did not all finish.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IngestError {
    /// A finite source failed permanently.
    #[error("source {source_id}: {reason}")]
    Failed {
        /// The source.
        source_id: SourceId,
        /// The error with its causes.
        reason: String,
    },
    /// The ingester was drained before its finite sources finished.
    #[error("ingester stopped before its files were read; they resume from their cursors")]
    Stopped,
}
