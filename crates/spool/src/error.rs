//! Errors of the spool.
//!
//! A cause is a `#[source]` and does not appear in the message: the binary prints the chain.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::frame::MAX_ENTRY_BYTES;

/// Why a spool cannot be opened.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The directory or a file in it cannot be read or written.
    #[error("cannot read or write spool at {}", path.display())]
    Io {
        /// Directory or file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Another process holds the lock.
    #[error("spool directory {} is locked by another process: each process needs its own directory", .0.display())]
    Locked(PathBuf),
    /// A segment that this version cannot read.
    #[error("{} is not a spool segment that this version can read: move it away", .0.display())]
    UnsupportedFormat(PathBuf),
    /// The operating system refused a thread.
    #[error("cannot start thread for spool")]
    Thread(#[source] io::Error),
}

impl SpoolError {
    pub(crate) fn io_at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Why an append wrote nothing.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The entries would exceed [`SpoolConfig::max_bytes`](crate::SpoolConfig::max_bytes).
    #[error("spool is full")]
    Full,
    /// An entry exceeds [`MAX_ENTRY_BYTES`].
    #[error("spool entry has {bytes} bytes, the limit is {MAX_ENTRY_BYTES}")]
    EntryTooLarge {
        /// Size of the entry.
        bytes: usize,
    },
    /// The disk returned an error.
    #[error("cannot write to spool")]
    Disk(#[source] io::Error),
    /// The spool's thread has ended.
    #[error("spool is closed")]
    Closed,
}

/// An append that wrote nothing, with its entries.
#[derive(Debug, Error)]
#[error("spool rejected {} entries", entries.len())]
pub struct Rejected {
    /// The entries of the append; empty if they were lost with the spool's thread.
    pub entries: Vec<Vec<u8>>,
    /// Why nothing was written.
    #[source]
    pub error: AppendError,
}
