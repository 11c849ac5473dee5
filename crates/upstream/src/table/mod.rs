//! Tables: files of posts and of weather, one record per row.
//!
//! Terms: a *row* is one record of a file; the *header* is the first row of a TSV or CSV file, with
//! the columns' names; in JSONL each line is an object and its keys are the columns; the *shift* is
//! added to every time, so that history can be laid over other history.
//!
//! Guarantees: a replay sets the time of receipt to the event's own time; a row that is not readable
//! is dropped with its reason and harms no other.
//!
//! ```
//! use moodvane_upstream::table::{RecordReader, TableKind};
//!
//! let file = "id\ttext\n1\train again\n";
//! let mut rows = RecordReader::new(file.as_bytes(), TableKind::Tsv)?;
//! let row = rows.next_record()?.ok_or("a row")?;
//! assert!(row.content.is_ok());
//! assert_eq!(row.next, file.len() as u64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod lines;
mod posts;
mod quoting;
mod reader;
mod row;
mod time;
mod units;
mod weather;

use std::fmt;
use std::io;
use std::str::FromStr;

use thiserror::Error;

pub use posts::{PostColumns, PostTable, PostTableSpec};
pub use reader::{MAX_RECORD_BYTES, Record, RecordReader};
pub use time::TimeFormat;
pub use units::{PrecipitationUnit, PressureUnit, TemperatureUnit, WindUnit};
pub use weather::{Filter, WeatherColumns, WeatherTable, WeatherTableSpec};

/// How a file's rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Fields between tabs, without quoting, after a header.
    Tsv,
    /// Fields between commas, quoted where need be, after a header.
    Csv,
    /// One JSON object per line.
    Jsonl,
}

impl TableKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Tsv, Self::Csv, Self::Jsonl];

    /// The kind's name, which is also the usual ending of such a file's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

impl FromStr for TableKind {
    type Err = TableError;

    fn from_str(text: &str) -> Result<Self, TableError> {
        named(&Self::ALL, Self::name, text, "kind of table")
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A table that cannot be read as asked.
#[derive(Debug, Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error("the table cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The first row is missing, too long or not readable.
    #[error("the table's first row must name its columns: {0}")]
    Header(String),
    /// Columns that the table does not have.
    #[error(
        "the table has no column {}; it has {}",
        quoted(missing),
        quoted(columns)
    )]
    Columns {
        /// Every column that was asked for in vain.
        missing: Vec<String>,
        /// The columns that there are.
        columns: Vec<String>,
    },
    /// A word that is none of those known.
    #[error("\"{given}\" is no {what}: it must be one of {known}")]
    Word {
        /// What was to be named, for example `unit of temperature`.
        what: &'static str,
        /// The word.
        given: String,
        /// Those known.
        known: String,
    },
    /// A pattern that cannot give a moment.
    #[error(
        "\"{0}\" is no time format: it must be rfc3339, unix_s, unix_ms or a pattern with date and time such as %Y-%m-%d %H:%M:%S"
    )]
    TimeFormat(String),
    /// A place in the file that lies behind its end: not the file that was read before.
    #[error("the table ends at byte {end}, it cannot be read from byte {at} on")]
    PastEnd {
        /// The place asked for, in bytes.
        at: u64,
        /// The file's length in bytes.
        end: u64,
    },
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

fn named<T: Copy>(
    all: &[T],
    name: fn(T) -> &'static str,
    given: &str,
    what: &'static str,
) -> Result<T, TableError> {
    all.iter()
        .copied()
        .find(|one| name(*one).eq_ignore_ascii_case(given))
        .ok_or_else(|| TableError::Word {
            what,
            given: crate::format::shortened(given),
            known: all
                .iter()
                .map(|one| name(*one))
                .collect::<Vec<_>>()
                .join(", "),
        })
}
