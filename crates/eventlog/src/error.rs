//! What can go wrong with the log.

use thiserror::Error;

use crate::KafkaConfigError;

/// Why the log could not do what was asked.
#[derive(Debug, Error)]
pub enum LogError {
    /// The log cannot be reached or does not answer now; asking again later may help.
    #[error("the log does not answer: {0}")]
    Unavailable(String),
    /// A record is over a limit.
    #[error("a record's {part} has {len} bytes, the limit is {max}")]
    TooLarge {
        /// `key` or `value`.
        part: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The log's own data is not as it was written.
    #[error("the log is damaged: {0}")]
    Corrupt(String),
    /// The configuration of the log has a fault.
    #[error(transparent)]
    Config(#[from] KafkaConfigError),
    /// The log was made with other settings, or it refuses us by its own; the message says which.
    #[error("{0}")]
    Mismatch(String),
}
