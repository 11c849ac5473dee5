//! One file of the spool: eight bytes that say what it is, then frames.
//!
//! Its name is the number of its first record, so that names sort as records do, and a gap in the
//! numbers says how many records are missing.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::frame;
use super::{Item, SpoolError};

/// What a segment begins with; the digit is the version of the format.
const MAGIC: &[u8; 8] = b"mvspool1";
/// Where the first frame begins.
pub(super) const START: u64 = MAGIC.len() as u64;
const SUFFIX: &str = ".segment";

/// A segment, and how far it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) first: u64,
    /// Bytes from its beginning to the end of its last whole record.
    pub(super) len: u64,
}

/// What a segment holds, found by reading all of it.
pub(super) struct Scanned {
    pub(super) len: u64,
    pub(super) records: u64,
}

pub(super) fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}{SUFFIX}"))
}

/// The segments of a folder in order, with the lengths of their files.
pub(super) fn list(dir: &Path) -> Result<Vec<Segment>, SpoolError> {
    let failed = || SpoolError::at(dir);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)) else {
            continue;
        };
        let foreign = || SpoolError::Foreign(entry.path());
        let first = number.parse().map_err(|_| foreign())?;
        let len = entry.metadata().map_err(failed())?.len();
        if len >= START && !is_ours(&entry.path())? {
            return Err(foreign());
        }
        found.push(Segment { first, len });
    }
    found.sort_by_key(|segment| segment.first);
    Ok(found)
}

fn is_ours(path: &Path) -> Result<bool, SpoolError> {
    let mut head = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.map_err(SpoolError::at(path))?;
    Ok(&head == MAGIC)
}

/// Makes a new, empty segment that is there after a crash. What is left of an attempt is replaced.
pub(super) fn create(dir: &Path, first: u64) -> io::Result<File> {
    let mut file = File::create(path(dir, first))?;
    file.write_all(MAGIC)?;
    file.sync_all()?;
    File::open(dir)?.sync_all()?;
    Ok(file)
}

/// Opens a segment to be written on from `len`; what lies behind is cut.
pub(super) fn reopen(dir: &Path, segment: &Segment) -> io::Result<File> {
    let mut file = File::options().write(true).open(path(dir, segment.first))?;
    file.set_len(segment.len)?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}

/// Reads a segment to the first frame that is not whole and sound.
pub(super) fn scan(dir: &Path, segment: &Segment) -> io::Result<Scanned> {
    let mut found = Scanned {
        len: START.min(segment.len),
        records: 0,
    };
    if segment.len > START {
        let mut reader = reader(dir, segment.first, START)?;
        while let Some((_, bytes)) = frame::read(&mut reader, segment.len - found.len)? {
            found.len += bytes;
            found.records += 1;
        }
    }
    Ok(found)
}

/// The items from `offset` on, up to so many or so many bytes, and the bytes that they took. Empty
/// where no whole and sound one begins at `offset`.
pub(super) fn read(
    dir: &Path,
    segment: &Segment,
    offset: u64,
    (most, most_bytes): (usize, u64),
) -> io::Result<(Vec<Item>, u64)> {
    let (mut items, mut taken) = (Vec::new(), 0);
    let mut reader = match reader(dir, segment.first, offset) {
        // Somebody took it away: that is damage like any other.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((items, taken)),
        reader => reader?,
    };
    while items.len() < most && taken < most_bytes {
        let left = segment.len.saturating_sub(offset + taken);
        let Some((item, bytes)) = frame::read(&mut reader, left)? else {
            break;
        };
        items.push(item);
        taken += bytes;
    }
    Ok((items, taken))
}

fn reader(dir: &Path, first: u64, offset: u64) -> io::Result<BufReader<File>> {
    let mut file = File::open(path(dir, first))?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(BufReader::with_capacity(64 << 10, file))
}
