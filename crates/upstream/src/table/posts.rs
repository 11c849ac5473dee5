//! Posts from a table.

use std::sync::Arc;

use chrono::TimeDelta;
use csv::StringRecord;
use moodvane_model::{Language, Post, SourceId, Timestamp};

use super::row::{Column, Columns, Row, fault_in};
use super::{TableError, TimeFormat};
use crate::format::{Told, readable};
use crate::{Dropped, PostFormat, Raw, Selection};

/// Which columns of a table say what of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostColumns {
    /// The column with the post's identifier.
    pub id: String,
    /// The column with its text.
    pub text: String,
    /// The column with the time at which it was written.
    pub time: String,
    /// The column with its language, as a BCP 47 tag; what is not one counts as no language.
    pub language: Option<String>,
    /// The columns with its latitude and longitude in degrees; what lies off the globe or is no number
    /// counts as no place.
    pub place: Option<(String, String)>,
}

/// How a table's rows become posts.
#[derive(Debug, Clone, PartialEq)]
pub struct PostTableSpec {
    /// Which columns say what.
    pub columns: PostColumns,
    /// How times are written.
    pub time: TimeFormat,
    /// What is added to each time.
    pub shift: TimeDelta,
}

/// Turns the rows of a table into posts. The time of receipt is the time of writing.
#[derive(Debug)]
pub struct PostTable {
    source: SourceId,
    selection: Arc<Selection>,
    id: Column,
    text: Column,
    time: Column,
    language: Option<Column>,
    place: Option<(Column, Column)>,
    width: Option<usize>,
    format: TimeFormat,
    shift_ms: i64,
}

impl PostTable {
    /// A format for tables with this header ([`super::RecordReader::header`]; `None` for JSONL), whose
    /// posts are `source`'s, as far as `selection` takes them.
    ///
    /// # Errors
    /// [`TableError::Columns`] with every column that the header lacks.
    pub fn new(
        source: SourceId,
        selection: Arc<Selection>,
        spec: &PostTableSpec,
        header: Option<&StringRecord>,
    ) -> Result<Self, TableError> {
        let mut columns = Columns::of(header);
        let named = &spec.columns;
        let place = named.place.as_ref();
        Ok(Self {
            source,
            selection,
            id: columns.find(&named.id),
            text: columns.find(&named.text),
            time: columns.find(&named.time),
            language: named.language.as_ref().map(|name| columns.find(name)),
            place: place.map(|(lat, lon)| (columns.find(lat), columns.find(lon))),
            width: columns.finish()?,
            format: spec.time.clone(),
            shift_ms: spec.shift.num_milliseconds(),
        })
    }

    /// When the post of a row was written, shifted; `None` where the row does not say it.
    #[must_use]
    pub fn time_of(&self, raw: &Raw) -> Option<Timestamp> {
        let row = Row::of(raw, self.width).ok()?;
        moment(&row, &self.time, &self.format, self.shift_ms).ok()
    }

    fn place(&self, row: &Row<'_>) -> Option<(f64, f64)> {
        let (lat, lon) = self.place.as_ref()?;
        let lat: f64 = row.word(lat)?.parse().ok()?;
        let lon: f64 = row.word(lon)?.parse().ok()?;
        let on_globe = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon);
        on_globe.then_some((lat, lon))
    }
}

impl PostFormat for PostTable {
    fn format(
        &self,
        raw: &Raw,
        _received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), Dropped> {
        let row = Row::of(raw, self.width)?;
        let id = row.required(&self.id)?;
        let at = moment(&row, &self.time, &self.format, self.shift_ms)?;
        let text = row.text(&self.text);
        let text = text.ok_or_else(|| fault_in(&self.text, "must not be missing"))?;
        let text = readable(&text)?;
        let language = self.language.as_ref().and_then(|column| row.word(column));
        let language = language.and_then(|tag| Language::parse(&tag).ok());

        let cities = self.selection.of(text, language, self.place(&row))?;
        let told = Told {
            source: self.source,
            id_field: &self.id.name,
            id: &id,
            text,
            language,
            created_at: at,
            received_at: at,
        };
        told.push(cities, out)
    }
}

/// The time in a row, shifted.
pub(super) fn moment(
    row: &Row<'_>,
    column: &Column,
    format: &TimeFormat,
    shift_ms: i64,
) -> Result<Timestamp, Dropped> {
    let at = format
        .read(&row.required(column)?)
        .map_err(|fault| fault_in(column, &fault))?;
    at.checked_add_millis(shift_ms)
        .map_err(|source| Dropped::Impossible {
            field: format!("column {}, shifted", column.name),
            source,
        })
}
