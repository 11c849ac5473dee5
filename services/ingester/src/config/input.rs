//! What is read by the sources that are files: which input, from when on, and how fast.

use std::fmt;
use std::path::PathBuf;

use moodvane_model::Timestamp;
use moodvane_runtime::Section;
use moodvane_upstream::table::TableKind;

use super::live::read_since;

/// What a path means that is no file's name.
const STDIN: &str = "-";
/// What a packed file's name ends with.
const PACKED: [&str; 3] = [".gz", ".zst", ".zstd"];
/// The lowest speed that is not 0: a day in three years.
const MIN_SPEED: f64 = 0.001;
/// Twelve days in a second.
const MAX_SPEED: f64 = 1_000_000.0;

/// Where rows are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file, which can be read again from any place.
    File(PathBuf),
    /// The process' standard input, which is read once.
    Stdin,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

/// How many seconds of the rows' own time pass in one of the clock's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed(f64);

impl Speed {
    /// A speed of 0.001 to 1,000,000.
    #[must_use]
    pub fn new(times: f64) -> Option<Self> {
        (MIN_SPEED..=MAX_SPEED)
            .contains(&times)
            .then_some(Self(times))
    }

    /// How many times the real speed it is.
    #[must_use]
    pub fn times(self) -> f64 {
        self.0
    }
}

/// An input of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct FileConfig {
    /// Where they are read from.
    pub input: Input,
    /// How they are written.
    pub format: TableKind,
    /// Rows of before, by their own shifted time, are passed over.
    pub since: Option<Timestamp>,
    /// How fast they come; `None` for as fast as the log takes them.
    pub speed: Option<Speed>,
}

impl FileConfig {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let path = section.text("path");
        let format = read_format(section, path.as_deref());
        let since = read_since(section);
        let speed = read_speed(section);
        let path = path?;
        Some(Self {
            input: match path.as_str() {
                STDIN => Input::Stdin,
                _ => Input::File(path.into()),
            },
            format: format?,
            since: since?,
            speed: speed?,
        })
    }
}

/// The format, or the one that the file's name ends with, but for how it is packed.
fn read_format(section: &Section<'_>, path: Option<&str>) -> Option<TableKind> {
    if let Some(format) = section.parse_optional("format")? {
        return Some(format);
    }
    let path = path?;
    let unpacked = PACKED.iter().find_map(|ending| path.strip_suffix(ending));
    let ending = unpacked
        .unwrap_or(path)
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let known = ending.parse::<TableKind>();
    if known.is_err() {
        let why = match path {
            STDIN => "as standard input has no name that would say it",
            _ => "as the file's name ends with none of them",
        };
        section.fault("format", format!("must be tsv, csv or jsonl, {why}"));
    }
    known.ok()
}

/// 0, which is also what is meant where it is left out, for as fast as can be.
fn read_speed(section: &Section<'_>) -> Option<Option<Speed>> {
    let times = section.number_or("speed", 0.0..=MAX_SPEED, 0.0)?;
    if times == 0.0 {
        return Some(None);
    }
    let speed = Speed::new(times);
    if speed.is_none() {
        let right = format!("must be 0 (as fast as can be), or {MIN_SPEED} to {MAX_SPEED}");
        section.fault("speed", right);
    }
    speed.map(Some)
}
