//! One file of the spool: eight bytes that name the format, then frames.
//!
//! The file name is the number of its first entry, so that names sort in the order of the entries,
//! and a gap between two files shows how many entries are missing.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::{ReadLimits, SpoolError, frame};

/// First bytes of a segment; the digit is the version of the format.
const MAGIC: &[u8; 8] = b"mvspool1";
/// Position of the first frame.
pub(crate) const START: u64 = MAGIC.len() as u64;
const SUFFIX: &str = ".segment";
const BUFFER_BYTES: usize = 64 << 10;

/// A segment and the length of its valid part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Number of its first entry.
    pub(crate) first: u64,
    /// Position behind its last complete frame.
    pub(crate) len: u64,
}

/// Valid part of a segment.
pub(crate) struct Scan {
    pub(crate) len: u64,
    pub(crate) entries: u64,
}

pub(crate) fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}{SUFFIX}"))
}

/// Lists the segments of a directory in order, with the lengths of their files.
pub(crate) fn list(dir: &Path) -> Result<Vec<Segment>, SpoolError> {
    let io_error = || SpoolError::io_at(dir);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(io_error())? {
        let entry = entry.map_err(io_error())?;
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)) else {
            continue;
        };
        let unsupported = || SpoolError::UnsupportedFormat(entry.path());
        let first = number.parse().map_err(|_| unsupported())?;
        let len = entry.metadata().map_err(io_error())?.len();
        if len >= START && !has_magic(&entry.path())? {
            return Err(unsupported());
        }
        found.push(Segment { first, len });
    }
    found.sort_by_key(|segment| segment.first);
    Ok(found)
}

fn has_magic(path: &Path) -> Result<bool, SpoolError> {
    let mut magic = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.map_err(SpoolError::io_at(path))?;
    Ok(&magic == MAGIC)
}

/// Creates an empty, durable segment. Replaces the remains of a failed attempt.
pub(crate) fn create(dir: &Path, first: u64) -> io::Result<File> {
    let mut file = File::create(path(dir, first))?;
    file.write_all(MAGIC)?;
    file.sync_all()?;
    File::open(dir)?.sync_all()?;
    Ok(file)
}

/// Opens a segment for appending and truncates it to its valid part.
pub(crate) fn reopen(dir: &Path, segment: &Segment) -> io::Result<File> {
    let mut file = File::options().write(true).open(path(dir, segment.first))?;
    file.set_len(segment.len)?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}

/// Reads a segment up to the first incomplete or damaged frame.
pub(crate) fn scan(dir: &Path, segment: &Segment) -> io::Result<Scan> {
    let mut scan = Scan {
        len: START.min(segment.len),
        entries: 0,
    };
    if segment.len > START {
        let mut reader = reader(dir, segment.first, START)?;
        while let Some((_, bytes)) = frame::read(&mut reader, segment.len - scan.len)? {
            scan.len += bytes;
            scan.entries += 1;
        }
    }
    Ok(scan)
}

/// Reads entries from `offset` on and returns them with the size of their frames. Returns no entry
/// if no valid frame starts at `offset`.
pub(crate) fn read(
    dir: &Path,
    segment: &Segment,
    offset: u64,
    limits: ReadLimits,
) -> io::Result<(Vec<Vec<u8>>, u64)> {
    let (mut entries, mut bytes) = (Vec::new(), 0);
    let mut reader = match reader(dir, segment.first, offset) {
        // A deleted file is damage like any other.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((entries, bytes)),
        reader => reader?,
    };
    while entries.len() < limits.entries && bytes < limits.bytes {
        let remaining = segment.len.saturating_sub(offset + bytes);
        let Some((entry, frame_bytes)) = frame::read(&mut reader, remaining)? else {
            break;
        };
        entries.push(entry);
        bytes += frame_bytes;
    }
    Ok((entries, bytes))
}

fn reader(dir: &Path, first: u64, offset: u64) -> io::Result<BufReader<File>> {
    let mut file = File::open(path(dir, first))?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}
