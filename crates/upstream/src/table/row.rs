//! The fields of one row, by column.

use std::borrow::Cow;

use csv::StringRecord;
use serde_json::{Map, Value};

use super::error::TableError;
use crate::drop_reason::COLUMN;
use crate::{DropReason, RawMessage};

/// A column: its name and, in a table with a header, its index.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    index: Option<usize>,
}

/// Resolves columns by name and collects the missing ones, so that one error reports all of them.
pub(super) struct ColumnResolver<'h> {
    header: Option<&'h StringRecord>,
    missing: Vec<String>,
}

impl<'h> ColumnResolver<'h> {
    pub(super) fn new(header: Option<&'h StringRecord>) -> Self {
        let missing = Vec::new();
        Self { header, missing }
    }

    pub(super) fn resolve(&mut self, name: &str) -> Column {
        let index = self
            .header
            .and_then(|header| header.iter().position(|column| column == name));
        if self.header.is_some() && index.is_none() && !self.missing.iter().any(|m| m == name) {
            self.missing.push(name.to_owned());
        }
        let name = name.to_owned();
        Column { name, index }
    }

    /// The number of fields of a row; fails if columns are missing.
    pub(super) fn finish(self) -> Result<Option<usize>, TableError> {
        if self.missing.is_empty() {
            return Ok(self.header.map(StringRecord::len));
        }
        let columns = self.header.into_iter().flatten().map(str::to_owned);
        Err(TableError::Columns {
            missing: self.missing,
            columns: columns.collect(),
        })
    }
}

/// One row.
pub(super) enum Row<'a> {
    Fields(&'a StringRecord),
    Object(Map<String, Value>),
}

impl<'a> Row<'a> {
    /// Parses a row, which must have `width` fields, or be a JSON object if `width` is `None`.
    pub(super) fn parse(raw: &'a RawMessage, width: Option<usize>) -> Result<Self, DropReason> {
        match (raw, width) {
            (RawMessage::Fields(fields), Some(width)) if fields.len() == width => {
                Ok(Self::Fields(fields))
            }
            (RawMessage::Fields(fields), Some(width)) => {
                let fault = format!("has {} fields, expected {width}", fields.len());
                Err(DropReason::malformed("row", fault))
            }
            (RawMessage::Text(json), None) => serde_json::from_str(json)
                .map(Self::Object)
                .map_err(|e| DropReason::malformed("row", format!("must be a JSON object: {e}"))),
            (RawMessage::Fields(_), None) => {
                Err(DropReason::malformed("row", "must be a JSON object"))
            }
            (RawMessage::Text(_), Some(_)) => {
                Err(DropReason::malformed("row", "must be fields, not a text"))
            }
        }
    }

    /// The text of a field, unchanged; `None` if the row has none.
    pub(super) fn text(&self, column: &Column) -> Option<Cow<'_, str>> {
        match self {
            Self::Fields(fields) => column.index.and_then(|i| fields.get(i)).map(Cow::Borrowed),
            Self::Object(object) => match object.get(&column.name)? {
                Value::String(text) => Some(Cow::Borrowed(text)),
                Value::Number(number) => Some(Cow::Owned(number.to_string())),
                Value::Bool(flag) => Some(Cow::Owned(flag.to_string())),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            },
        }
    }

    /// The text of a field without surrounding white space; `None` if it is blank.
    pub(super) fn trimmed(&self, column: &Column) -> Option<Cow<'_, str>> {
        let text = match self.text(column)? {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        (!text.is_empty()).then_some(text)
    }

    /// As [`Self::trimmed`], but required.
    pub(super) fn required(&self, column: &Column) -> Result<Cow<'_, str>, DropReason> {
        self.trimmed(column)
            .ok_or_else(|| malformed_column(column, "must not be missing or empty"))
    }
}

/// The value of the column with this name; `None` if the row has none. `header` is that of the table.
#[must_use]
pub fn column_value(raw: &RawMessage, header: Option<&StringRecord>, name: &str) -> Option<String> {
    let column = ColumnResolver::new(header).resolve(name);
    let row = Row::parse(raw, header.map(StringRecord::len)).ok()?;
    row.trimmed(&column).map(Cow::into_owned)
}

/// How errors name a column.
pub(super) fn column_field(column: &Column) -> String {
    format!("{COLUMN}{}", column.name)
}

pub(super) fn malformed_column(column: &Column, fault: &str) -> DropReason {
    DropReason::malformed(column_field(column), fault)
}
