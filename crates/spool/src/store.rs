//! The segments and the read offset: appends at one end, reads and deletes at the other. Blocking.
//!
//! Guarantees: an append that succeeds is complete on disk; one that fails leaves nothing that a
//! read returns. The read offset is on disk before a segment is deleted because of it.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use crate::cursor::{CursorStore, ReadOffset};
use crate::segment::{self, START, Segment};
use crate::{
    AppendError, Backlog, Chunk, MAX_ENTRY_BYTES, ReadLimits, SpoolConfig, SpoolError, frame,
};

const LOCK_FILE: &str = "lock";

/// The files of a spool.
#[derive(Debug)]
pub(crate) struct SegmentStore {
    config: SpoolConfig,
    /// Oldest first.
    segments: VecDeque<Segment>,
    /// The last segment, open at its end; `None` before the first append and after a failed one.
    tail: Option<File>,
    cursor: CursorStore,
    read_offset: ReadOffset,
    /// Number of the next entry.
    next: u64,
    _lock: File,
}

impl SegmentStore {
    /// Opens a spool, creating its directory if necessary. Returns the number of bytes truncated
    /// from a torn tail.
    pub(crate) fn open(config: SpoolConfig) -> Result<(Self, u64), SpoolError> {
        let dir = &config.dir;
        fs::create_dir_all(dir).map_err(SpoolError::io_at(dir))?;
        let lock = lock(dir)?;
        let mut segments = VecDeque::from(segment::list(dir)?);
        let (next, torn) = truncate_tail(dir, segments.back_mut())?;
        let cursor = CursorStore::new(dir);
        if segments.is_empty() {
            // A read offset without its segments would be applied to later ones.
            cursor.delete()?;
        }
        let read_offset = reconcile(cursor.load()?, &segments, next);
        let mut store = Self {
            segments,
            tail: None,
            cursor,
            read_offset,
            next,
            config,
            _lock: lock,
        };
        store
            .delete_committed()
            .map_err(SpoolError::io_at(&store.config.dir))?;
        Ok((store, torn))
    }

    /// Appends entries; they are on disk when it returns.
    pub(crate) fn append(&mut self, entries: &[Vec<u8>]) -> Result<(), AppendError> {
        let mut bytes = Vec::new();
        for entry in entries {
            if entry.len() > MAX_ENTRY_BYTES {
                return Err(AppendError::EntryTooLarge { bytes: entry.len() });
            }
            frame::encode(entry, &mut bytes);
        }
        let len = bytes.len() as u64;
        if self.disk_bytes() + START + len > self.config.max_bytes {
            return Err(AppendError::Full);
        }
        let written = self.write(&bytes);
        if written.is_err() {
            // The length of the file is unknown: the next append reopens and truncates it.
            self.tail = None;
        }
        written.map_err(AppendError::Disk)?;
        if let Some(last) = self.segments.back_mut() {
            last.len += len;
        }
        self.next += entries.len() as u64;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let tail = self.tail()?;
        tail.write_all(bytes)?;
        tail.sync_data()
    }

    /// The file to append to, truncated to its valid part.
    fn tail(&mut self) -> io::Result<&mut File> {
        let dir = &self.config.dir;
        let last = self.segments.back();
        let open = last.filter(|last| (START..self.config.segment_bytes).contains(&last.len));
        let tail = match (open, self.tail.take()) {
            (Some(_), Some(tail)) => tail,
            (Some(last), None) => segment::reopen(dir, last)?,
            (None, _) => {
                let tail = segment::create(dir, self.next)?;
                // The remains of a failed attempt have the same number.
                self.segments.retain(|segment| segment.first != self.next);
                self.segments.push_back(Segment {
                    first: self.next,
                    len: START,
                });
                tail
            }
        };
        Ok(self.tail.insert(tail))
    }

    /// Reads the oldest pending entries and skips damaged ones.
    pub(crate) fn read(&self, limits: ReadLimits) -> io::Result<Chunk> {
        let (mut at, mut lost) = (self.read_offset, 0);
        loop {
            let index = self.segments.iter().position(|s| s.first == at.segment);
            let Some(segment) = index.and_then(|index| self.segments.get(index)) else {
                return Ok(Chunk {
                    lost,
                    ..Chunk::default()
                });
            };
            let (entries, bytes) = segment::read(&self.config.dir, segment, at.byte, limits)?;
            if !entries.is_empty() {
                at.byte += bytes;
                at.entry += entries.len() as u64;
                let end = Some(at);
                return Ok(Chunk { entries, lost, end });
            }
            // No valid frame follows in this segment; the numbers show how many entries that skips.
            let following = index.and_then(|index| self.segments.get(index + 1));
            let entry = following.map_or(self.next, |following| following.first);
            lost += entry.saturating_sub(at.entry);
            let Some(following) = following else {
                let end = ReadOffset {
                    byte: segment.len,
                    entry,
                    ..at
                };
                return Ok(Chunk {
                    lost,
                    end: (lost > 0).then_some(end),
                    ..Chunk::default()
                });
            };
            at = ReadOffset::start_of(following.first);
        }
    }

    /// Stores the end of the chunk as the read offset and deletes committed segments.
    pub(crate) fn commit(&mut self, chunk: &Chunk) -> io::Result<()> {
        let Some(end) = chunk.end else { return Ok(()) };
        self.cursor.store(end)?;
        self.read_offset = end;
        self.delete_committed()
    }

    /// Deletes the segments whose entries are all committed, except the last segment.
    fn delete_committed(&mut self) -> io::Result<()> {
        while let (Some(first), Some(second)) = (self.segments.front(), self.segments.get(1)) {
            if second.first > self.read_offset.entry.max(self.read_offset.segment) {
                break;
            }
            let path = segment::path(&self.config.dir, first.first);
            if first.first == self.read_offset.segment {
                self.read_offset = ReadOffset::start_of(second.first);
                self.cursor.store(self.read_offset)?;
            }
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.segments.pop_front(),
            };
        }
        Ok(())
    }

    /// The pending entries.
    pub(crate) fn backlog(&self) -> Backlog {
        let pending_bytes = |segment: &Segment| {
            let from = match segment.first == self.read_offset.segment {
                true => self.read_offset.byte,
                false => START,
            };
            segment.len.saturating_sub(from)
        };
        Backlog {
            entries: self.next.saturating_sub(self.read_offset.entry),
            bytes: self.segments.iter().map(pending_bytes).sum(),
        }
    }

    fn disk_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// Whether a spool that was full has clearly room again.
    pub(crate) fn has_room(&self) -> bool {
        self.backlog().entries == 0 || self.disk_bytes() <= self.config.max_bytes / 4 * 3
    }
}

fn lock(dir: &Path) -> Result<File, SpoolError> {
    let path = dir.join(LOCK_FILE);
    let file = File::create(&path).map_err(SpoolError::io_at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Locked(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(SpoolError::io_at(&path)(error)),
    }
}

/// Truncates the last segment to its valid part; returns the number of the next entry and the
/// number of bytes removed.
fn truncate_tail(dir: &Path, last: Option<&mut Segment>) -> Result<(u64, u64), SpoolError> {
    let Some(last) = last else { return Ok((0, 0)) };
    let path = segment::path(dir, last.first);
    let scan = segment::scan(dir, last).map_err(SpoolError::io_at(&path))?;
    let torn = last.len - scan.len;
    last.len = scan.len;
    if torn > 0 {
        segment::reopen(dir, last)
            .and_then(|file| file.sync_all())
            .map_err(SpoolError::io_at(&path))?;
    }
    Ok((last.first + scan.entries, torn))
}

/// The read offset to use with the segments that exist.
fn reconcile(stored: Option<ReadOffset>, segments: &VecDeque<Segment>, next: u64) -> ReadOffset {
    let oldest = ReadOffset::start_of(segments.front().map_or(next, |segment| segment.first));
    let Some(stored) = stored else { return oldest };
    let Some(segment) = segments.iter().find(|s| s.first == stored.segment) else {
        return oldest;
    };
    if stored.byte <= segment.len && stored.entry <= next {
        return stored;
    }
    // The committed end of the segment was lost afterwards.
    ReadOffset {
        byte: segment.len,
        entry: next,
        ..stored
    }
}
