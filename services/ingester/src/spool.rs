//! The spool: what sources that cannot resume have said, on this machine's disk, until the log has
//! it.
//!
//! Terms: a source *resumes* where it can be asked again for what it said; what one that cannot
//! has said is *fleeting*. A *segment* is one file of the spool; a *mark* is a place in it. What
//! lies behind the *drained* mark *waits* for the log.
//!
//! Fleeting records are always written here first, and one drainer carries them into the log. So
//! there is one way and one order, whether the log is there or away, and a crash between an answer
//! and the log's acknowledgement loses nothing.
//!
//! Sources that resume do not come here: they wait for the log, and their upstream keeps what they
//! have not asked for. A copy on this disk would be a second truth beside their cursor: an ingester
//! that is moved resumes from the cursor in the log, and when the old disk came back its copies
//! would lie far outside the readers' duplicate window, and count twice.
//!
//! Guarantee: what [`Spool::append`] took is on the disk and will be handed to the log in the order
//! in which it was taken, at least once, also after SIGKILL and a restart. The drained mark is moved
//! after each chunk, so that what is handed over twice lies within the duplicate window. Files take
//! up no more than the bound. A torn end is cut, damage is passed over, and both are counted.
//!
//! It must not know what records mean.

mod drain;
mod folder;
mod frame;
mod health;
mod keeper;
mod segment;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub(crate) use self::drain::Drainer;
pub(crate) use self::frame::Item;
pub(crate) use self::health::Health;
pub(crate) use self::keeper::{Refused, Spool};

/// Where the spool is and how large it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolConfig {
    /// Its folder, made where it is absent. One process at a time may use it.
    pub dir: PathBuf,
    /// The most bytes that its files may have together.
    pub max_bytes: u64,
    /// A new file is begun when one has so many bytes; at most half of `max_bytes`.
    pub segment_bytes: u64,
}

/// Why a spool cannot be used.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// Its folder or a file in it cannot be read or written.
    #[error("the spool {}: {source}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("another ingester uses the spool {}: each needs its own ingester.spool.dir", .0.display())]
    Held(PathBuf),
    /// A file that is none of ours, or of a later version.
    #[error("{} is no segment of a spool that this version can read: move it away", .0.display())]
    Foreign(PathBuf),
}

impl SpoolError {
    fn at(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// A place in the spool: before the record of number `record`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    /// The first record of the segment, which names it.
    segment: u64,
    /// Bytes from the segment's beginning.
    offset: u64,
    record: u64,
}
