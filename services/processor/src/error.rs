//! What ends a processor.

use moodvane_eventlog::{LogError, TopicPartition};
use moodvane_model::Offset;
use moodvane_sentiment::ScorerFault;
use moodvane_store::StoreError;
use thiserror::Error;

/// Why a processor had to stop.
#[derive(Debug, Error)]
pub enum ProcessorError {
    /// The log failed in a way that waiting does not mend.
    #[error("the log failed: {0}")]
    Log(#[from] LogError),
    /// The store failed in a way that waiting does not mend.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The scorer does not answer any more.
    #[error(transparent)]
    Scorer(#[from] ScorerFault),
    /// The log is not the one that was folded before: it ends too early.
    #[error(
        "partition {} of topic {} ends at offset {high}, but records below {next} were folded: this is another log; \
         if the topic was made again, raise eventlog.incarnation by one and start again", at.partition, at.topic
    )]
    LogTooShort {
        /// The partition.
        at: TopicPartition,
        /// Where the log ends.
        high: Offset,
        /// Up to where it was folded.
        next: Offset,
    },
    /// The log is not the one that was folded before: another record lies at the anchor.
    #[error(
        "the record at offset {offset} of partition {} of topic {} is not the one that was folded there: this is another log; \
         if the topic was made again, raise eventlog.incarnation by one and start again", at.partition, at.topic
    )]
    ForeignLog {
        /// The partition.
        at: TopicPartition,
        /// The anchor's offset.
        offset: Offset,
    },
    /// The drain took longer than its bound. Nothing is lost: what was not flushed is folded
    /// again at the next start.
    #[error(
        "the store did not take the last rows within {0} ms; they will be folded again at the next start"
    )]
    DrainTimeout(u128),
    /// The processor's own thread could not be started or panicked.
    #[error("the processor's thread: {0}")]
    Thread(String),
}

impl ProcessorError {
    /// Whether asking again later may help.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Log(LogError::Unavailable(_)) | Self::Store(StoreError::Unavailable(_))
        )
    }
}
