//! Tables: files of posts and of weather, one record per row.
//!
//! Terms: a *row* is one record of a file; the *header* is the first row of a TSV or CSV file, with the
//! names of the columns; in JSONL each line is an object and its keys are the columns; the *shift* is
//! added to every time, so that recorded data can be moved to another period.
//!
//! Guarantees: the time of receipt is the time of the event. An invalid row is dropped with a reason and
//! does not affect other rows.
//!
//! ```
//! use moodvane_upstream::table::{RecordReader, TableKind};
//!
//! let file = "id\ttext\n1\train again\n";
//! let mut rows = RecordReader::new(file.as_bytes(), TableKind::Tsv)?;
//! let row = rows.next_record()?.ok_or("a row")?;
//! assert!(row.content.is_ok());
//! assert_eq!(row.line, 2);
//! assert_eq!(row.next_position.byte, file.len() as u64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod lines;
mod posts;
mod quoting;
mod reader;
mod row;
mod time;
mod weather;

use std::fmt;
use std::str::FromStr;

use error::parse_name;
pub(crate) use error::unknown_name;

pub use crate::missing::MissingMarkers;
pub use crate::units::{PrecipitationUnit, PressureUnit, TemperatureUnit, WindUnit};
pub use error::TableError;
pub use posts::{PostColumns, PostTableFormat, PostTableSpec};
pub use reader::{MAX_RECORD_BYTES, Record, RecordPosition, RecordReader};
pub use row::column_value;
pub use time::{DetectedTimes, SAMPLE_ROWS, TimeError, TimeFormat};
pub use weather::{
    RowFilter, TableObservation, WeatherColumns, WeatherTableFormat, WeatherTableSpec,
};

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Tab-separated fields without quoting, after a header.
    Tsv,
    /// Comma-separated fields with optional quoting, after a header.
    Csv,
    /// One JSON object per line.
    Jsonl,
}

impl TableKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Tsv, Self::Csv, Self::Jsonl];

    /// The kind's name, which is also the usual file extension.
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
        parse_name(&Self::ALL, Self::name, text, "kind of table")
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
