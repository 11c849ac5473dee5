//! A bounded, durable queue of byte strings on the local disk.
//!
//! Terms: an *entry* is one byte string; a *segment* is one file of entries; the *read offset* is
//! the position before the oldest entry that is not committed. Entries behind the read offset are
//! *pending*. A *chunk* is the entries of one read.
//!
//! Guarantees: when [`Spool::append`] succeeds, the entries are on disk. [`Spool::read`] returns
//! entries in the order of the appends, at least once, also after SIGKILL and a restart.
//! [`Spool::commit`] stores the read offset, so that a crash repeats at most one chunk. The segments
//! never exceed [`SpoolConfig::max_bytes`]. Opening truncates a torn tail; reading skips damaged
//! entries; both are counted.
//!
//! This crate does not know what the bytes mean, where they go, or how failures are reported: the
//! owner passes a [`SpoolObserver`].
//!
//! ```
//! use moodvane_spool::{NoopObserver, ReadLimits, Spool, SpoolConfig};
//!
//! # let dir = tempfile::tempdir()?;
//! let config = SpoolConfig {
//!     dir: dir.path().join("spool"),
//!     max_bytes: 1 << 20,
//!     segment_bytes: 64 << 10,
//! };
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let spool = Spool::open(config, NoopObserver)?;
//! spool.append(vec![b"first".to_vec(), b"second".to_vec()]).await?;
//! let chunk = spool.read(ReadLimits { entries: 1, bytes: 1 << 20 }).await?;
//! assert_eq!(chunk.entries, [b"first"]);
//! spool.commit(chunk).await?;
//! assert_eq!(spool.pending(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cursor;
mod error;
mod frame;
mod handle;
mod observer;
mod segment;
mod store;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use self::error::{AppendError, Rejected, SpoolError};
pub use self::frame::MAX_ENTRY_BYTES;
pub use self::handle::Spool;
pub use self::observer::{Backlog, NoopObserver, SpoolObserver};

use self::cursor::ReadOffset;

/// Location and size of a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolConfig {
    /// Directory of the segments, created if it does not exist. Only one process may use it at a
    /// time.
    pub dir: PathBuf,
    /// Upper limit for the total size of all segments.
    pub max_bytes: u64,
    /// Size at which a new segment starts; at most half of `max_bytes`.
    pub segment_bytes: u64,
}

/// Upper limits of one read. A chunk contains at least one entry if one is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Number of entries.
    pub entries: usize,
    /// Size on disk; the last entry may exceed it.
    pub bytes: u64,
}

/// Entries of one read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// The entries, oldest first.
    pub entries: Vec<Vec<u8>>,
    /// Number of damaged entries that were skipped before these.
    pub lost: u64,
    /// Position behind the chunk; `None` if there is nothing to commit.
    end: Option<ReadOffset>,
}
