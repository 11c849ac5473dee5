//! The error of the log.
//!
//! Convention: `Display` says what failed and does not repeat the cause. The cause is the error's
//! `source`. `{:#}` prints both, and so does any caller that walks the chain.

use moodvane_model::ContextError;
use thiserror::Error;

use crate::KafkaConfigError;

/// Why an operation of the log failed.
#[derive(Debug, Error)]
pub enum LogError {
    /// The log is unreachable or does not answer in time. A retry may succeed.
    #[error(transparent)]
    Unavailable(ContextError),
    /// A record is over a limit.
    #[error("record {part} has {len} bytes, the limit is {max}")]
    TooLarge {
        /// `key` or `value`.
        part: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// Data of the log does not have the expected form.
    #[error(transparent)]
    Corrupt(ContextError),
    /// The configuration of the log has an error.
    #[error(transparent)]
    Config(#[from] KafkaConfigError),
    /// The log has a schema version or settings that this program does not support. An operator
    /// has to change one of them.
    #[error(transparent)]
    Mismatch(ContextError),
    /// The log rejects this client: its credentials, its rights or its requests. A retry does not
    /// help.
    #[error(transparent)]
    Rejected(ContextError),
}
