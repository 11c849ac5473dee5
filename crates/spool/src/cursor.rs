//! The read offset and the file that stores it.
//!
//! Guarantee: a stored read offset survives a crash; a crash while storing keeps the one before.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::SpoolError;
use crate::segment::START;

const FILE_NAME: &str = "drained";
const TEMPORARY_NAME: &str = "drained.new";

/// A position before an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadOffset {
    /// Number of the segment's first entry, which names the segment.
    pub(crate) segment: u64,
    /// Position in the segment's file.
    pub(crate) byte: u64,
    /// Number of the entry.
    pub(crate) entry: u64,
}

impl ReadOffset {
    /// The position before the first entry of a segment.
    pub(crate) fn start_of(segment: u64) -> Self {
        Self {
            segment,
            byte: START,
            entry: segment,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().map(str::parse::<u64>);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            segment: next()?,
            byte: next()?,
            entry: next()?,
        })
    }
}

/// Stores the read offset in the spool's directory.
#[derive(Debug)]
pub(crate) struct CursorStore {
    dir: PathBuf,
}

impl CursorStore {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// The stored read offset; `None` if there is none or it cannot be parsed.
    pub(crate) fn load(&self) -> Result<Option<ReadOffset>, SpoolError> {
        let path = self.path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SpoolError::io_at(&path)(error)),
        };
        let offset = ReadOffset::parse(&text);
        if offset.is_none() {
            tracing::warn!(path = %path.display(), "cannot parse read offset, reading from oldest segment");
        }
        Ok(offset)
    }

    pub(crate) fn store(&self, offset: ReadOffset) -> io::Result<()> {
        let temporary = self.dir.join(TEMPORARY_NAME);
        let mut file = File::create(&temporary)?;
        let ReadOffset {
            segment,
            byte,
            entry,
        } = offset;
        writeln!(file, "{segment} {byte} {entry}")?;
        file.sync_all()?;
        fs::rename(temporary, self.path())?;
        File::open(&self.dir)?.sync_all()
    }

    pub(crate) fn delete(&self) -> Result<(), SpoolError> {
        let path = self.path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SpoolError::io_at(&path)(error))
            }
            _ => Ok(()),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.join(FILE_NAME)
    }
}
