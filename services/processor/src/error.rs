//! The errors that end a processor.
//!
//! Convention: an error says what failed and what to do. Its cause is its `source` and is not part
//! of its text; the place that logs or prints an error walks the chain.

use moodvane_eventlog::{LogError, TopicPartition};
use moodvane_model::Offset;
use moodvane_sentiment::ScorerError;
use moodvane_store::StoreError;
use thiserror::Error;

/// Why a processor stopped.
#[derive(Debug, Error)]
pub enum ProcessorError {
    /// The log failed and a retry does not help.
    #[error("the log failed")]
    Log(#[from] LogError),
    /// The store failed and a retry does not help.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The scorer failed.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
    /// The log ends before the offset up to which it was folded.
    #[error(
        "partition {} of topic {} ends at offset {high}, but records below {next} were folded: this is another log; \
         if the topic was recreated, raise eventlog.incarnation by one and start again", at.partition, at.topic
    )]
    LogTooShort {
        /// The partition.
        at: TopicPartition,
        /// Where the log ends.
        high: Offset,
        /// Up to where it was folded.
        next: Offset,
    },
    /// The record at the anchor's offset is not the anchor.
    #[error(
        "the record at offset {offset} of partition {} of topic {} is not the one that was folded there: this is another log; \
         if the topic was recreated, raise eventlog.incarnation by one and start again", at.partition, at.topic
    )]
    ForeignLog {
        /// The partition.
        at: TopicPartition,
        /// The anchor's offset.
        offset: Offset,
    },
    /// The drain exceeded its time-out. No record is lost: the next start folds the rest again.
    #[error(
        "the store did not accept the last rows within {0} ms; the next start folds them again"
    )]
    DrainTimeout(u128),
    /// The operating system did not start the processor's thread.
    #[error("cannot start the processor thread")]
    Spawn(#[source] std::io::Error),
    /// The processor's thread panicked.
    #[error("the processor thread panicked")]
    Panicked,
}

impl ProcessorError {
    /// Whether a retry may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Log(LogError::Unavailable(_)) | Self::Store(StoreError::Unavailable(_))
        )
    }
}
