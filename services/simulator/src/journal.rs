//! Which weather was served, in a file, so that the truth outlives the simulator's process.
//!
//! Values are functions of time, so only times are kept: a line each, `current` or `hourly` and
//! milliseconds since 1970. A line is written before the value is sent. A last line that a crash
//! tore is ignored: its value was never sent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use moodvane_model::Timestamp;

/// How a temperature was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Current,
    Hourly,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Hourly => "hourly",
        }
    }
}

/// The open file.
pub(crate) struct Journal(File);

impl Journal {
    /// Opens the file, made if absent, and reads what was served before.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<(Kind, Timestamp)>)> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let served = text[..whole].lines().filter_map(parse).collect();
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        // What is appended must not continue a torn line.
        file.set_len(whole as u64)?;
        Ok((Self(file), served))
    }

    /// Remembers that the temperatures of these moments are served.
    pub(crate) fn append(&mut self, kind: Kind, times: &[Timestamp]) -> io::Result<()> {
        let line = |at: &Timestamp| format!("{} {}\n", kind.name(), at.millis());
        let lines: String = times.iter().map(line).collect();
        self.0.write_all(lines.as_bytes())
    }
}

fn parse(line: &str) -> Option<(Kind, Timestamp)> {
    let (name, ms) = line.split_once(' ')?;
    let kind = [Kind::Current, Kind::Hourly]
        .into_iter()
        .find(|kind| kind.name() == name)?;
    Some((kind, Timestamp::from_millis(ms.parse().ok()?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_served_is_read_again_and_a_torn_line_is_not() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("served");
        let at = |ms| Timestamp::from_millis(ms).unwrap();
        let (mut journal, served) = Journal::open(&path).unwrap();
        assert_eq!(served, []);
        journal
            .append(Kind::Hourly, &[at(0), at(3_600_000)])
            .unwrap();
        journal.append(Kind::Current, &[at(60_000)]).unwrap();
        journal.0.write_all(b"current 12").unwrap();
        drop(journal);
        let before = [
            (Kind::Hourly, at(0)),
            (Kind::Hourly, at(3_600_000)),
            (Kind::Current, at(60_000)),
        ];
        let (mut journal, served) = Journal::open(&path).unwrap();
        assert_eq!(served, before);
        journal.append(Kind::Current, &[at(120_000)]).unwrap();
        let (_, served) = Journal::open(&path).unwrap();
        assert_eq!(served.last(), Some(&(Kind::Current, at(120_000))));
    }
}
