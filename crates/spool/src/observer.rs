//! Callbacks for the owner's metrics and health checks.

use crate::{AppendError, Chunk};

/// Amount of pending data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Number of entries.
    pub entries: u64,
    /// Size on disk.
    pub bytes: u64,
}

/// Receives every state change of a spool. The spool's thread calls it, before the caller of the
/// operation gets its result; an implementation must not block.
pub trait SpoolObserver: Send + 'static {
    /// Opening truncated the torn tail of a crash; `bytes` is 0 if there was none.
    fn tail_truncated(&self, bytes: u64);
    /// `entries` are on disk.
    fn appended(&self, entries: &[Vec<u8>]);
    /// An append wrote nothing.
    fn append_failed(&self, error: &AppendError);
    /// `chunk` is committed. `has_room` means that at least a quarter of the spool is free.
    fn committed(&self, chunk: &Chunk, has_room: bool);
    /// Called after opening, and after each append and commit.
    fn backlog_changed(&self, backlog: Backlog);
}

/// Ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopObserver;

impl SpoolObserver for NoopObserver {
    fn tail_truncated(&self, _: u64) {}
    fn appended(&self, _: &[Vec<u8>]) {}
    fn append_failed(&self, _: &AppendError) {}
    fn committed(&self, _: &Chunk, _: bool) {}
    fn backlog_changed(&self, _: Backlog) {}
}
