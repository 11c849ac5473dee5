//! The way of records that no upstream can send again: into the spool, and from there into the log.
//!
//! Terms: a source is *replayable* if its upstream can send past messages again. The *drainer*
//! publishes the spool's entries to the log.
//!
//! Records of non-replayable sources always go to the spool first, and one drainer publishes them.
//! So there is one path and one order, whether the log is available or not, and a crash between a
//! response and the log's acknowledgement loses nothing.
//!
//! Replayable sources bypass the spool: they wait for the log, and their upstream keeps what they
//! have not read. A copy on this disk would compete with their cursor: an ingester that moves to
//! another machine resumes from the cursor in the log, and when the old disk returned, its copies
//! would lie far outside the readers' duplicate window and count twice.
//!
//! Guarantee: records reach the log in the order of the appends, at least once, also after SIGKILL
//! and a restart. The drainer commits after each chunk, so that repeated records lie within the
//! duplicate window.

mod drain;
mod entry;
mod health;

pub(crate) use moodvane_spool::{AppendError, Rejected, Spool};
pub use moodvane_spool::{SpoolConfig, SpoolError};

pub(crate) use self::drain::{DRAIN_CHUNK, Drainer};
pub(crate) use self::entry::SpoolEntry;
pub(crate) use self::health::SpoolHealth;
