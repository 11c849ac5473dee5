//! The fields of one row, by column.

use std::borrow::Cow;

use csv::StringRecord;
use serde_json::{Map, Value};

use super::TableError;
use crate::{Dropped, Raw};

/// A column: its name and, in a table with a header, its place.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    index: Option<usize>,
}

/// Finds columns in a header and remembers those that are not there, so that all are told at once.
pub(super) struct Columns<'h> {
    header: Option<&'h StringRecord>,
    missing: Vec<String>,
}

impl<'h> Columns<'h> {
    pub(super) fn of(header: Option<&'h StringRecord>) -> Self {
        let missing = Vec::new();
        Self { header, missing }
    }

    pub(super) fn find(&mut self, name: &str) -> Column {
        let index = self
            .header
            .and_then(|header| header.iter().position(|column| column == name));
        if self.header.is_some() && index.is_none() && !self.missing.iter().any(|m| m == name) {
            self.missing.push(name.to_owned());
        }
        let name = name.to_owned();
        Column { name, index }
    }

    /// How many fields a row must have.
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
    /// Reads a row that must have `width` fields, or be a JSON object where `width` is `None`.
    pub(super) fn of(raw: &'a Raw, width: Option<usize>) -> Result<Self, Dropped> {
        match (raw, width) {
            (Raw::Fields(fields), Some(width)) if fields.len() == width => Ok(Self::Fields(fields)),
            (Raw::Fields(fields), Some(width)) => {
                let fault = format!("must have {width} fields, this one has {}", fields.len());
                Err(Dropped::malformed("row", fault))
            }
            (Raw::Text(json), None) => serde_json::from_str(json)
                .map(Self::Object)
                .map_err(|e| Dropped::malformed("row", format!("must be a JSON object: {e}"))),
            (Raw::Fields(_), None) => Err(Dropped::malformed("row", "must be a JSON object")),
            (Raw::Text(_), Some(_)) => Err(Dropped::malformed("row", "must be fields, not a text")),
        }
    }

    /// The text of a field, as it stands there; `None` where the row has none.
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

    /// The text of a field without white space around it; `None` where nothing is left.
    pub(super) fn word(&self, column: &Column) -> Option<Cow<'_, str>> {
        let word = match self.text(column)? {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        (!word.is_empty()).then_some(word)
    }

    /// As [`Self::word`], where there must be one.
    pub(super) fn required(&self, column: &Column) -> Result<Cow<'_, str>, Dropped> {
        self.word(column)
            .ok_or_else(|| fault_in(column, "must not be missing or empty"))
    }
}

pub(super) fn fault_in(column: &Column, fault: &str) -> Dropped {
    Dropped::malformed(format!("column {}", column.name), fault)
}
