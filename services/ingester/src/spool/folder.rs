//! The spool's files: appended at one end, read and taken away at the other. Blocking.
//!
//! Guarantee: an append that returns is on the disk, whole; one that fails leaves nothing that is
//! read again. The drained mark is on the disk before a file is taken away because of it.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use super::segment::{self, START, Segment};
use super::{Item, Mark, SpoolConfig, SpoolError, frame};

const LOCK: &str = "lock";
const DRAINED: &str = "drained";

/// Why nothing was appended.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It would be more than the bound.
    Full,
    /// The disk does not take it.
    Disk(io::Error),
}

/// What is read at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) items: Vec<Item>,
    /// Records that were damaged, and passed over before these.
    pub(crate) lost: u64,
    /// Where what follows begins.
    end: Option<Mark>,
}

/// The files.
#[derive(Debug)]
pub(super) struct Folder {
    config: SpoolConfig,
    /// Oldest first.
    segments: VecDeque<Segment>,
    /// The last segment, open at its end; `None` until it is written, and after a failure.
    tail: Option<File>,
    drained: Mark,
    /// The number of the next record.
    next: u64,
    _lock: File,
}

impl Folder {
    /// Opens a folder, making it where it is absent. A torn end is cut; says how many bytes were.
    pub(super) fn open(config: SpoolConfig) -> Result<(Self, u64), SpoolError> {
        let dir = &config.dir;
        fs::create_dir_all(dir).map_err(SpoolError::at(dir))?;
        let lock = hold(dir)?;
        let mut segments = VecDeque::from(segment::list(dir)?);
        let (next, torn) = cut(dir, segments.back_mut())?;
        if segments.is_empty() {
            // A mark without its segments would be taken for one of those to come.
            forget_mark(dir)?;
        }
        let drained = read_mark(dir, &segments, next)?;
        let mut folder = Self {
            segments,
            tail: None,
            drained,
            next,
            config,
            _lock: lock,
        };
        folder
            .take_away()
            .map_err(SpoolError::at(&folder.config.dir))?;
        Ok((folder, torn))
    }

    /// Writes items behind all others; they are on the disk when it returns.
    pub(super) fn append(&mut self, items: &[Item]) -> Result<(), Refusal> {
        let mut bytes = Vec::new();
        items
            .iter()
            .for_each(|item| frame::encode(item, &mut bytes));
        let len = bytes.len() as u64;
        if self.disk_bytes() + START + len > self.config.max_bytes {
            return Err(Refusal::Full);
        }
        let written = self.write(&bytes);
        if written.is_err() {
            // Its end is unknown: it is cut before the next append.
            self.tail = None;
        }
        written.map_err(Refusal::Disk)?;
        if let Some(last) = self.segments.back_mut() {
            last.len += len;
        }
        self.next += items.len() as u64;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let tail = self.tail()?;
        tail.write_all(bytes)?;
        tail.sync_data()
    }

    /// The file to write to, with what is no part of it cut.
    fn tail(&mut self) -> io::Result<&mut File> {
        let dir = &self.config.dir;
        let last = self.segments.back();
        let room = last.filter(|last| (START..self.config.segment_bytes).contains(&last.len));
        let tail = match (room, self.tail.take()) {
            (Some(_), Some(tail)) => tail,
            (Some(last), None) => segment::reopen(dir, last)?,
            (None, _) => {
                let tail = segment::create(dir, self.next)?;
                // What is left of an attempt has the same number.
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

    /// The oldest items that wait, up to so many or so many bytes; none where none waits. Damage is
    /// passed over.
    pub(super) fn read(&self, limits: (usize, u64)) -> io::Result<Chunk> {
        let (mut at, mut lost) = (self.drained, 0);
        loop {
            let place = self.segments.iter().position(|s| s.first == at.segment);
            let Some(segment) = place.and_then(|place| self.segments.get(place)) else {
                return Ok(Chunk {
                    lost,
                    ..Chunk::default()
                });
            };
            let after = place.and_then(|place| self.segments.get(place + 1));
            let (items, bytes) = segment::read(&self.config.dir, segment, at.offset, limits)?;
            if !items.is_empty() {
                at.offset += bytes;
                at.record += items.len() as u64;
                let end = Some(at);
                return Ok(Chunk { items, lost, end });
            }
            // Nothing whole follows here; the numbers say how many records that leaves out.
            let record = after.map_or(self.next, |after| after.first);
            lost += record.saturating_sub(at.record);
            at = match after {
                Some(after) => beginning(after.first),
                None if lost == 0 => return Ok(Chunk::default()),
                None => {
                    let end = Some(Mark {
                        offset: segment.len,
                        record,
                        ..at
                    });
                    return Ok(Chunk {
                        lost,
                        end,
                        ..Chunk::default()
                    });
                }
            };
        }
    }

    /// The log has the chunk: it is not read again.
    pub(super) fn drained(&mut self, chunk: &Chunk) -> io::Result<()> {
        let Some(end) = chunk.end else { return Ok(()) };
        write_mark(&self.config.dir, end)?;
        self.drained = end;
        self.take_away()
    }

    /// Deletes the segments that are drained, save the last.
    fn take_away(&mut self) -> io::Result<()> {
        while let (Some(first), Some(second)) = (self.segments.front(), self.segments.get(1)) {
            if second.first > self.drained.record.max(self.drained.segment) {
                break;
            }
            let path = segment::path(&self.config.dir, first.first);
            if first.first == self.drained.segment {
                self.drained = beginning(second.first);
                write_mark(&self.config.dir, self.drained)?;
            }
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.segments.pop_front(),
            };
        }
        Ok(())
    }

    /// How many items wait.
    pub(super) fn waiting(&self) -> u64 {
        self.next.saturating_sub(self.drained.record)
    }

    /// How many bytes wait.
    pub(super) fn waiting_bytes(&self) -> u64 {
        let waits = |s: &Segment| {
            let from = if s.first == self.drained.segment {
                self.drained.offset
            } else {
                START
            };
            s.len.saturating_sub(from)
        };
        self.segments.iter().map(waits).sum()
    }

    fn disk_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// Whether a spool that was full has clearly room again.
    pub(super) fn has_room(&self) -> bool {
        self.waiting() == 0 || self.disk_bytes() <= self.config.max_bytes / 4 * 3
    }
}

fn beginning(segment: u64) -> Mark {
    Mark {
        segment,
        offset: START,
        record: segment,
    }
}

fn hold(dir: &Path) -> Result<File, SpoolError> {
    let path = dir.join(LOCK);
    let file = File::create(&path).map_err(SpoolError::at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Held(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(SpoolError::at(&path)(error)),
    }
}

/// Cuts what is torn off the last segment; the number of the next record, and the bytes cut.
fn cut(dir: &Path, last: Option<&mut Segment>) -> Result<(u64, u64), SpoolError> {
    let Some(last) = last else { return Ok((0, 0)) };
    let path = segment::path(dir, last.first);
    let scanned = segment::scan(dir, last).map_err(SpoolError::at(&path))?;
    let torn = last.len - scanned.len;
    last.len = scanned.len;
    if torn > 0 {
        segment::reopen(dir, last)
            .and_then(|file| file.sync_all())
            .map_err(SpoolError::at(&path))?;
    }
    Ok((last.first + scanned.records, torn))
}

fn write_mark(dir: &Path, mark: Mark) -> io::Result<()> {
    let (path, new) = (dir.join(DRAINED), dir.join("drained.new"));
    let mut file = File::create(&new)?;
    writeln!(file, "{} {} {}", mark.segment, mark.offset, mark.record)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    File::open(dir)?.sync_all()
}

fn forget_mark(dir: &Path) -> Result<(), SpoolError> {
    let path = dir.join(DRAINED);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SpoolError::at(&path)(error)),
        _ => Ok(()),
    }
}

/// The drained mark, brought in line with the segments that are there.
fn read_mark(dir: &Path, segments: &VecDeque<Segment>, next: u64) -> Result<Mark, SpoolError> {
    let oldest = beginning(segments.front().map_or(next, |segment| segment.first));
    let path = dir.join(DRAINED);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(oldest),
        Err(error) => return Err(SpoolError::at(&path)(error)),
    };
    let Some(mark) = parse_mark(&text) else {
        tracing::warn!(path = %path.display(), "the spool's mark cannot be read, what its first file holds is sent again");
        return Ok(oldest);
    };
    let Some(segment) = segments
        .iter()
        .find(|segment| segment.first == mark.segment)
    else {
        return Ok(oldest);
    };
    // More was drained than is there: the end was torn off after it had been sent.
    let is_there = mark.offset <= segment.len && mark.record <= next;
    Ok(if is_there {
        mark
    } else {
        Mark {
            offset: segment.len,
            record: next,
            ..mark
        }
    })
}

fn parse_mark(text: &str) -> Option<Mark> {
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    Some(Mark {
        segment: next()?,
        offset: next()?,
        record: next()?,
    })
}
