//! Errors of tables.

use std::io;

use thiserror::Error;

use crate::DropReason;
use crate::format::excerpt;

/// The reason why a table cannot be read.
#[derive(Debug, Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error("cannot read the table")]
    Io(#[from] io::Error),
    /// The table is empty.
    #[error("the table is empty, expected a header with the names of the columns")]
    Empty,
    /// The header is too long or invalid.
    #[error("cannot parse the header of the table")]
    Header(#[source] DropReason),
    /// The header lacks columns.
    #[error(
        "the table has no column {}, its columns are {}",
        quoted(missing),
        quoted(columns)
    )]
    Columns {
        /// All missing columns.
        missing: Vec<String>,
        /// The columns of the header.
        columns: Vec<String>,
    },
    /// An unknown name.
    #[error("\"{given}\" is not a {what}, expected one of {known}")]
    UnknownName {
        /// The kind of name, for example `unit of temperature`.
        what: &'static str,
        /// The given name.
        given: String,
        /// The known names.
        known: String,
    },
    /// An invalid marker of missing values.
    #[error("invalid marker of missing values: {0}")]
    Marker(String),
    /// A pattern that does not determine a time, or ignores a part of it.
    #[error(
        "\"{given}\" is not a time format: {fault}; expected one of {names}, or a pattern with date and time such as %Y-%m-%d %H:%M:%S"
    )]
    TimeFormat {
        /// The start of the pattern.
        given: String,
        /// What is wrong with it.
        fault: String,
        /// The names of formats.
        names: String,
    },
    /// Not the name of a time zone.
    #[error("\"{0}\" is not a time zone, expected a name such as America/New_York or Etc/GMT+5")]
    UnknownZone(String),
    /// A zone for times that need none.
    #[error("{format} needs no zone, because its times state their offset from UTC: remove {zone}")]
    UnusedZone {
        /// The zone.
        zone: &'static str,
        /// The name of the format, or its pattern.
        format: String,
    },
    /// The format of times is to be found, and none fits.
    #[error(
        "cannot find the format of the times in column \"{column}\", which begins with {}: name it",
        quoted(examples)
    )]
    UnknownTimes {
        /// The column.
        column: String,
        /// The first times.
        examples: Vec<String>,
    },
    /// The format of times is to be found, and two fit equally well.
    #[error(
        "the times in column \"{column}\", which begins with {}, are {formats}: name the right one",
        quoted(examples)
    )]
    AmbiguousTimes {
        /// The column.
        column: String,
        /// The names of the formats.
        formats: String,
        /// The first times.
        examples: Vec<String>,
    },
    /// The format of times was not found before rows are read.
    #[error("the format of the times must be found before rows are read")]
    UndetectedTimes,
    /// A position after the end of the file: the file has changed since the position was saved.
    #[error("cannot resume at byte {at}, the table ends at byte {end}")]
    PastEnd {
        /// The requested position in bytes.
        at: u64,
        /// The file's length in bytes.
        end: u64,
    },
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

/// Finds the value with this name, ignoring case.
pub(super) fn parse_name<T: Copy>(
    all: &[T],
    name: fn(T) -> &'static str,
    given: &str,
    what: &'static str,
) -> Result<T, TableError> {
    all.iter()
        .copied()
        .find(|one| name(*one).eq_ignore_ascii_case(given))
        .ok_or_else(|| unknown_name(what, given, all.iter().map(|one| name(*one))))
}

pub(crate) fn unknown_name<'n>(
    what: &'static str,
    given: &str,
    known: impl Iterator<Item = &'n str>,
) -> TableError {
    TableError::UnknownName {
        what,
        given: excerpt(given),
        known: known.collect::<Vec<_>>().join(", "),
    }
}
