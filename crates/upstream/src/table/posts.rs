//! Parses the rows of a table into posts.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::TimeDelta;
use csv::StringRecord;
use moodvane_model::{Language, Post, SourceId, Timestamp};

use super::error::TableError;
use super::row::{Column, ColumnResolver, Row, column_field, malformed_column};
use super::{TimeError, TimeFormat};
use crate::drop_reason::SHIFTED;
use crate::entities::undo_html_entities;
use crate::format::{ParsedPost, check_text, excerpt};
use crate::{DropReason, PostFormat, RawMessage, Selection};

/// The columns of a table of posts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostColumns {
    /// The column with the id of the post.
    pub id: String,
    /// The column with its text.
    pub text: String,
    /// The column with the time of creation.
    pub time: String,
    /// The column with its language as a BCP 47 tag. An invalid tag counts as no language.
    pub language: Option<String>,
    /// The columns with its latitude and longitude in degrees. Invalid coordinates count as no place.
    pub place: Option<(String, String)>,
}

/// How to parse a table of posts.
#[derive(Debug, Clone, PartialEq)]
pub struct PostTableSpec {
    /// The columns.
    pub columns: PostColumns,
    /// The format of times.
    pub time: TimeFormat,
    /// The offset added to each time.
    pub shift: TimeDelta,
    /// Whether texts have HTML entities, such as `&lt;3` for `<3`, which are undone.
    pub html_entities: bool,
}

/// Parses the rows of a table into posts. The time of receipt is the time of creation.
#[derive(Debug)]
pub struct PostTableFormat {
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
    html_entities: bool,
}

impl PostTableFormat {
    /// A format for the posts of `source` that match `selection`, in tables with this header
    /// ([`super::RecordReader::header`]; `None` for JSONL).
    ///
    /// # Errors
    /// [`TableError::Columns`] with all columns that the header lacks.
    pub fn new(
        source: SourceId,
        selection: Arc<Selection>,
        spec: &PostTableSpec,
        header: Option<&StringRecord>,
    ) -> Result<Self, TableError> {
        if spec.time.is_auto() {
            return Err(TableError::UndetectedTimes);
        }
        let mut columns = ColumnResolver::new(header);
        let names = &spec.columns;
        let place = names.place.as_ref();
        Ok(Self {
            source,
            selection,
            id: columns.resolve(&names.id),
            text: columns.resolve(&names.text),
            time: columns.resolve(&names.time),
            language: names.language.as_ref().map(|name| columns.resolve(name)),
            place: place.map(|(lat, lon)| (columns.resolve(lat), columns.resolve(lon))),
            width: columns.finish()?,
            format: spec.time.clone(),
            shift_ms: spec.shift.num_milliseconds(),
            html_entities: spec.html_entities,
        })
    }

    /// The shifted time of creation of a row's post; `None` if the row has no valid time.
    #[must_use]
    pub fn event_time(&self, raw: &RawMessage) -> Option<Timestamp> {
        let row = Row::parse(raw, self.width).ok()?;
        shifted_time(&row, &self.time, &self.format, self.shift_ms).ok()
    }

    fn place(&self, row: &Row<'_>) -> Option<(f64, f64)> {
        let (lat, lon) = self.place.as_ref()?;
        let lat: f64 = row.trimmed(lat)?.parse().ok()?;
        let lon: f64 = row.trimmed(lon)?.parse().ok()?;
        let on_globe = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon);
        on_globe.then_some((lat, lon))
    }
}

impl PostFormat for PostTableFormat {
    fn format(
        &self,
        raw: &RawMessage,
        _received_at: Timestamp,
        out: &mut Vec<Post<'static>>,
    ) -> Result<(), DropReason> {
        let row = Row::parse(raw, self.width)?;
        let id = row.required(&self.id)?;
        let at = shifted_time(&row, &self.time, &self.format, self.shift_ms)?;
        let text = row.text(&self.text);
        let text = text.ok_or_else(|| malformed_column(&self.text, "must not be missing"))?;
        let text = match self.html_entities {
            true => undo_html_entities(&text).text,
            false => Cow::Borrowed(&*text),
        };
        let text = check_text(&text)?;
        let language = self
            .language
            .as_ref()
            .and_then(|column| row.trimmed(column));
        let language = language.and_then(|tag| Language::parse(&tag).ok());

        let cities = self
            .selection
            .matching_cities(text, language, self.place(&row))?;
        let post = ParsedPost {
            source: self.source,
            id_field: &self.id.name,
            id: &id,
            text,
            language,
            created_at: at,
            received_at: at,
        };
        post.push_for(cities, out)
    }
}

/// The shifted time of a row.
pub(super) fn shifted_time(
    row: &Row<'_>,
    column: &Column,
    format: &TimeFormat,
    shift_ms: i64,
) -> Result<Timestamp, DropReason> {
    let text = row.required(column)?;
    let at = format
        .parse(&text)
        .map_err(|error| invalid_time(column, &text, &error))?;
    at.checked_add_millis(shift_ms)
        .map_err(|source| DropReason::InvalidValue {
            field: column_field(column) + SHIFTED,
            source,
        })
}

fn invalid_time(column: &Column, text: &str, error: &TimeError) -> DropReason {
    let (field, value, fault) = (column_field(column), excerpt(text), error.to_string());
    match error {
        TimeError::Repeated { .. } => DropReason::TimeRepeated {
            field,
            value,
            fault,
        },
        TimeError::Missing { .. } => DropReason::TimeMissing {
            field,
            value,
            fault,
        },
        TimeError::Invalid(_) | TimeError::UnknownZone { .. } | TimeError::OffsetsDiffer(_) => {
            DropReason::Malformed {
                field,
                value: Some(value),
                fault,
            }
        }
    }
}
