//! Keys of file sources: the input, its start and its speed.

use std::fmt;
use std::path::PathBuf;

use moodvane_model::Timestamp;
use moodvane_runtime::Section;
use moodvane_upstream::table::TableKind;

use super::fields::read_since;

/// Path that means standard input.
const STDIN: &str = "-";
const COMPRESSED_SUFFIXES: [&str; 3] = [".gz", ".zst", ".zstd"];
/// The lowest speed above 0: a day takes three years.
const MIN_SPEED: f64 = 0.001;
/// The highest speed: a second covers twelve days.
const MAX_SPEED: f64 = 1_000_000.0;

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file, which can be read again from any position.
    File(PathBuf),
    /// Standard input of the process, which can be read once.
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

/// Seconds of event time per second of the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed(f64);

impl Speed {
    /// A speed of 0.001 to 1,000,000.
    #[must_use]
    pub fn new(factor: f64) -> Option<Self> {
        (MIN_SPEED..=MAX_SPEED)
            .contains(&factor)
            .then_some(Self(factor))
    }

    /// Multiple of real time.
    #[must_use]
    pub fn factor(self) -> f64 {
        self.0
    }
}

/// An input of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct FileConfig {
    /// Where the rows come from.
    pub input: Input,
    /// Format of the rows.
    pub format: TableKind,
    /// Rows with an earlier event time, after the shift, are dropped.
    pub since: Option<Timestamp>,
    /// Replay speed; `None` for as fast as the log accepts records.
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

/// `format`, or the extension of the file name without the suffix of its compression.
fn read_format(section: &Section<'_>, path: Option<&str>) -> Option<TableKind> {
    if let Some(format) = section.parse_optional("format")? {
        return Some(format);
    }
    let path = path?;
    let uncompressed = COMPRESSED_SUFFIXES
        .iter()
        .find_map(|suffix| path.strip_suffix(suffix));
    let name = uncompressed.unwrap_or(path);
    let extension = name.rsplit('.').next().unwrap_or_default();
    let format = extension.parse::<TableKind>();
    if format.is_err() {
        let reason = match path {
            STDIN => "standard input has no name with an extension",
            _ => "the file name has none of these extensions",
        };
        section.fault("format", format!("must be tsv, csv or jsonl: {reason}"));
    }
    format.ok()
}

/// `speed`; 0, which is the default, is unlimited.
fn read_speed(section: &Section<'_>) -> Option<Option<Speed>> {
    let factor = section.number_or("speed", 0.0..=MAX_SPEED, 0.0)?;
    if factor == 0.0 {
        return Some(None);
    }
    let speed = Speed::new(factor);
    if speed.is_none() {
        let expected = format!("must be 0 (unlimited), or {MIN_SPEED} to {MAX_SPEED}");
        section.fault("speed", expected);
    }
    speed.map(Some)
}
