//! What the weather providers' answers share: fields at a path, numbers, moments, readings.
//!
//! Guarantee: whatever an answer holds, a fault names the field by its whole path; nothing panics.
//! This module knows no provider.

use moodvane_model::{ModelError, Readings, Timestamp, Variable};
use serde_json::{Map, Value};

use crate::UpstreamError;
use crate::format::shortened;

/// The most characters of a provider's own words that an error repeats.
const MAX_REASON_CHARS: usize = 200;
/// How far above 100 % a share may lie, in %. It is computed from other values, and at saturation a
/// little too large.
const PERCENT_TOLERANCE: f64 = 1.0;

/// A part of an answer, which knows where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    /// The part's own path; empty for the answer itself.
    at: &'a str,
    values: &'a Map<String, Value>,
}

/// Where a variable stands in a part of an answer, and how its value becomes ours.
pub(crate) struct Field {
    pub(crate) variable: Variable,
    /// The path within the part, for example `main.temp`.
    pub(crate) path: &'static str,
    pub(crate) to_ours: fn(f64) -> f64,
}

impl Field {
    /// A field whose unit is ours.
    pub(crate) const fn same(variable: Variable, path: &'static str) -> Self {
        Self {
            variable,
            path,
            to_ours: |value| value,
        }
    }

    /// A wind speed in km/h.
    pub(crate) const fn wind_km_h(path: &'static str) -> Self {
        Self {
            variable: Variable::Wind,
            path,
            to_ours: |km_h| km_h / 3.6,
        }
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn new(at: &'a str, values: &'a Map<String, Value>) -> Self {
        Self { at, values }
    }

    /// The part of the answer itself that is named `name`.
    pub(crate) fn part(
        answer: &'a Map<String, Value>,
        name: &'a str,
    ) -> Result<Self, UpstreamError> {
        match answer.get(name) {
            Some(Value::Object(values)) => Ok(Self { at: name, values }),
            Some(_) => Err(wrong_type(name, "an object")),
            None => Err(UpstreamError::Missing(name.to_owned())),
        }
    }

    /// A field's path in the whole answer.
    pub(crate) fn path(&self, field: &str) -> String {
        match self.at {
            "" => field.to_owned(),
            at => format!("{at}.{field}"),
        }
    }

    /// What stands at `path`; nothing where that is `null` or not there.
    pub(crate) fn find(&self, path: &str) -> Result<Option<&'a Value>, UpstreamError> {
        let mut values = self.values;
        let mut rest = path;
        while let Some((name, below)) = rest.split_once('.') {
            values = match values.get(name) {
                None | Some(Value::Null) => return Ok(None),
                Some(Value::Object(inner)) => inner,
                Some(_) => {
                    let own = &path[..path.len() - below.len() - 1];
                    return Err(wrong_type(&self.path(own), "an object"));
                }
            };
            rest = below;
        }
        Ok(values.get(rest).filter(|value| !value.is_null()))
    }

    pub(crate) fn required(&self, path: &str) -> Result<&'a Value, UpstreamError> {
        self.find(path)?
            .ok_or_else(|| UpstreamError::Missing(self.path(path)))
    }

    pub(crate) fn text(&self, path: &str) -> Result<&'a str, UpstreamError> {
        let value = self.required(path)?;
        value
            .as_str()
            .ok_or_else(|| wrong_type(&self.path(path), "a text"))
    }

    pub(crate) fn number(&self, path: &str) -> Result<Option<f64>, UpstreamError> {
        let value = self.find(path)?;
        value
            .map(|value| number(&self.path(path), value))
            .transpose()
    }

    /// Whole seconds since 1970.
    pub(crate) fn epoch(&self, path: &str) -> Result<Timestamp, UpstreamError> {
        let value = self.required(path)?;
        let seconds = value.as_i64();
        let seconds =
            seconds.ok_or_else(|| wrong_type(&self.path(path), "whole seconds since 1970"))?;
        moment(&self.path(path), seconds.saturating_mul(1000))
    }

    /// A time that is written as text, as `read` reads it: milliseconds since 1970.
    pub(crate) fn time(
        &self,
        path: &str,
        example: &'static str,
        read: impl FnOnce(&str) -> Option<i64>,
    ) -> Result<Timestamp, UpstreamError> {
        let text = self.text(path)?;
        let millis = read(text).ok_or_else(|| UpstreamError::Time {
            field: self.path(path),
            found: shortened(text),
            example,
        })?;
        moment(&self.path(path), millis)
    }

    /// Refuses a part whose stated unit, or system of units, is another than the one asked for.
    pub(crate) fn must_be(&self, path: &str, expected: &'static str) -> Result<(), UpstreamError> {
        match self.find(path)? {
            Some(found) if found.as_str() != Some(expected) => Err(UpstreamError::WrongUnit {
                field: self.path(path),
                expected,
                found: shown(found),
            }),
            _ => Ok(()),
        }
    }

    /// The readings by a table that begins with the temperature, which must be there. The others
    /// are left out where they are `null` or not there.
    pub(crate) fn readings(&self, table: &[Field]) -> Result<Readings, UpstreamError> {
        let mut values = Vec::with_capacity(table.len());
        for field in table {
            let value = self.number(field.path)?.map(field.to_ours);
            values.push((field.variable, self.path(field.path), value));
        }
        readings(values)
    }
}

/// Readings of a variable's value each, with the path at which it stood. The temperature must be
/// among them.
pub(crate) fn readings(
    values: impl IntoIterator<Item = (Variable, String, Option<f64>)>,
) -> Result<Readings, UpstreamError> {
    let mut values = values.into_iter();
    let Some((Variable::Temperature, path, celsius)) = values.next() else {
        return Err(UpstreamError::Missing("temperature".to_owned()));
    };
    let celsius = celsius.ok_or_else(|| UpstreamError::Missing(path.clone()))?;
    let first = Readings::new(celsius).map_err(|e| impossible(&path, e))?;
    values.try_fold(first, |readings, (variable, path, value)| {
        with(readings, variable, &path, value)
    })
}

/// The same readings with one more value, where there is one.
pub(crate) fn with(
    readings: Readings,
    variable: Variable,
    path: &str,
    value: Option<f64>,
) -> Result<Readings, UpstreamError> {
    let value = value.map(|value| match variable {
        Variable::Humidity | Variable::Cloud if value <= 100.0 + PERCENT_TOLERANCE => {
            value.min(100.0)
        }
        _ => value,
    });
    readings
        .with(variable, value)
        .map_err(|e| impossible(path, e))
}

/// The answer, which must be an object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, UpstreamError> {
    match serde_json::from_slice(body)? {
        Value::Object(answer) => Ok(answer),
        _ => Err(wrong_type("(the answer)", "an object")),
    }
}

/// A list of objects.
pub(crate) fn list<'v>(path: &str, value: Option<&'v Value>) -> Result<&'v [Value], UpstreamError> {
    let value = value.ok_or_else(|| UpstreamError::Missing(path.to_owned()))?;
    value
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| wrong_type(path, "a list"))
}

pub(crate) fn number(path: &str, value: &Value) -> Result<f64, UpstreamError> {
    value.as_f64().ok_or_else(|| wrong_type(path, "a number"))
}

/// Milliseconds since 1970, as a moment.
pub(crate) fn moment(path: &str, millis: i64) -> Result<Timestamp, UpstreamError> {
    Timestamp::from_millis(millis).map_err(|e| impossible(path, e))
}

/// What was found, as an error shows it.
pub(crate) fn shown(found: &Value) -> String {
    match found {
        Value::String(text) => shortened(text),
        other => shortened(&other.to_string()),
    }
}

/// The provider's refusal, in its own words.
pub(crate) fn refused(reason: &str) -> UpstreamError {
    UpstreamError::Provider(reason.chars().take(MAX_REASON_CHARS).collect())
}

/// The provider's refusal: a code and its words, where it gives them.
pub(crate) fn refused_with(code: Option<&Value>, words: Option<&Value>) -> UpstreamError {
    let words = words.and_then(Value::as_str).unwrap_or("without a reason");
    match code {
        Some(Value::String(code)) => refused(&format!("{code}: {words}")),
        Some(Value::Number(code)) => refused(&format!("{code}: {words}")),
        _ => refused(words),
    }
}

pub(crate) fn impossible(field: &str, source: ModelError) -> UpstreamError {
    let field = field.to_owned();
    UpstreamError::Impossible { field, source }
}

pub(crate) fn wrong_type(field: &str, expected: &'static str) -> UpstreamError {
    UpstreamError::WrongType {
        field: field.to_owned(),
        expected,
    }
}
