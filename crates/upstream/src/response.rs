//! Helpers for JSON responses of weather providers: fields by path, numbers, times, readings.
//!
//! Guarantees: an error names the field by its full path. No response causes a panic. A side value
//! never makes a response an error.
//!
//! Must not know: any single provider.

use moodvane_model::{ModelError, Timestamp, Variable};
use serde_json::{Map, Value};

use crate::UpstreamError;
use crate::format::excerpt;
use crate::missing::{MarkerUnit, MissingMarkers, RawValue};
use crate::omitted::{OmitReason, WeatherBuilder};

/// The maximum number of characters of a provider's message in an error.
const MAX_REASON_CHARS: usize = 200;

/// An object in a response, with its path.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    /// Path of the object; empty for the response itself.
    prefix: &'a str,
    values: &'a Map<String, Value>,
}

/// The path of a variable in an object, and the conversion to our unit.
pub(crate) struct FieldSpec {
    pub(crate) variable: Variable,
    /// Path within the object, for example `main.temp`.
    pub(crate) path: &'static str,
    pub(crate) convert: fn(f64) -> f64,
}

impl FieldSpec {
    /// A field that is already in our unit.
    pub(crate) const fn unconverted(variable: Variable, path: &'static str) -> Self {
        Self {
            variable,
            path,
            convert: |value| value,
        }
    }

    /// A wind speed in km/h.
    pub(crate) const fn wind_km_h(path: &'static str) -> Self {
        Self {
            variable: Variable::Wind,
            path,
            convert: |km_h| km_h / 3.6,
        }
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn new(prefix: &'a str, values: &'a Map<String, Value>) -> Self {
        Self { prefix, values }
    }

    /// The top-level object `name` of the response.
    pub(crate) fn section(
        response: &'a Map<String, Value>,
        name: &'a str,
    ) -> Result<Self, UpstreamError> {
        match response.get(name) {
            Some(Value::Object(values)) => Ok(Self {
                prefix: name,
                values,
            }),
            Some(_) => Err(wrong_type(name, "an object")),
            None => Err(UpstreamError::MissingField(name.to_owned())),
        }
    }

    /// Full path of a field in the response.
    pub(crate) fn path(&self, field: &str) -> String {
        match self.prefix {
            "" => field.to_owned(),
            prefix => format!("{prefix}.{field}"),
        }
    }

    /// The value at `path`; `None` if it is null or missing.
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

    /// The value at `path` as stated, null included; `None` if there is no such field. An object on
    /// the path that is something else counts as the value.
    pub(crate) fn stated(&self, path: &str) -> Option<&'a Value> {
        let mut values = self.values;
        let mut rest = path;
        while let Some((name, below)) = rest.split_once('.') {
            values = match values.get(name)? {
                Value::Object(inner) => inner,
                other => return Some(other),
            };
            rest = below;
        }
        values.get(rest)
    }

    pub(crate) fn required(&self, path: &str) -> Result<&'a Value, UpstreamError> {
        self.find(path)?
            .ok_or_else(|| UpstreamError::MissingField(self.path(path)))
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
            .map(|value| as_number(&self.path(path), value))
            .transpose()
    }

    /// A time in whole seconds since 1970.
    pub(crate) fn epoch(&self, path: &str) -> Result<Timestamp, UpstreamError> {
        let value = self.required(path)?;
        let seconds = value.as_i64();
        let seconds =
            seconds.ok_or_else(|| wrong_type(&self.path(path), "whole seconds since 1970"))?;
        timestamp(&self.path(path), seconds.saturating_mul(1000))
    }

    /// A time in text form; `parse` returns milliseconds since 1970.
    pub(crate) fn time(
        &self,
        path: &str,
        example: &'static str,
        parse: impl FnOnce(&str) -> Option<i64>,
    ) -> Result<Timestamp, UpstreamError> {
        let text = self.text(path)?;
        let millis = parse(text).ok_or_else(|| UpstreamError::InvalidTime {
            field: self.path(path),
            found: excerpt(text),
            example,
        })?;
        timestamp(&self.path(path), millis)
    }

    /// Rejects a response whose stated unit or unit system differs from the requested one.
    pub(crate) fn expect_unit(
        &self,
        path: &str,
        expected: &'static str,
    ) -> Result<(), UpstreamError> {
        match self.find(path)? {
            Some(found) if found.as_str() != Some(expected) => Err(UpstreamError::WrongUnit {
                field: self.path(path),
                expected,
                found: display_value(found),
            }),
            _ => Ok(()),
        }
    }

    /// The readings of the fields in `table`. The first is the temperature and is required; the others
    /// are side values.
    pub(crate) fn readings(&self, table: &[FieldSpec]) -> Result<WeatherBuilder, UpstreamError> {
        let [temperature, others @ ..] = table else {
            return Err(UpstreamError::MissingField("temperature".to_owned()));
        };
        let path = self.path(temperature.path);
        let celsius = self
            .number(temperature.path)?
            .ok_or_else(|| UpstreamError::MissingField(path.clone()))?;
        let celsius = (temperature.convert)(celsius);
        let mut readings = WeatherBuilder::new(celsius).map_err(|e| invalid_value(&path, e))?;
        for field in others {
            self.add_to(&mut readings, field);
        }
        Ok(readings)
    }

    /// Adds a side value to `readings`, if the response has the field.
    pub(crate) fn add_to(&self, readings: &mut WeatherBuilder, field: &FieldSpec) {
        let Some(stated) = self.stated(field.path) else {
            return;
        };
        let value = read_side_value(field.variable, stated);
        let value = value.map(|raw| raw.convert(field.convert));
        let text = display_value(stated);
        readings.add(field.variable, value, self.path(field.path), text);
    }
}

/// What a side value says: a number, a trace, or why there is no value. Some responses contain
/// numbers as strings.
pub(crate) fn read_side_value(variable: Variable, stated: &Value) -> Result<RawValue, OmitReason> {
    let markers = MissingMarkers::default();
    match stated {
        Value::Null => Err(OmitReason::Missing),
        Value::String(text) => markers.read_text(variable, MarkerUnit::Other, text),
        other => {
            let number = other.as_f64().ok_or(OmitReason::NotANumber)?;
            markers.read_number(variable, MarkerUnit::Other, number)
        }
    }
}

/// Parses a response that must be a JSON object.
pub(crate) fn parse_object(body: &[u8]) -> Result<Map<String, Value>, UpstreamError> {
    match serde_json::from_slice(body)? {
        Value::Object(response) => Ok(response),
        _ => Err(wrong_type("(root)", "an object")),
    }
}

/// The list at `path`.
pub(crate) fn as_list<'v>(
    path: &str,
    value: Option<&'v Value>,
) -> Result<&'v [Value], UpstreamError> {
    let value = value.ok_or_else(|| UpstreamError::MissingField(path.to_owned()))?;
    value
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| wrong_type(path, "a list"))
}

pub(crate) fn as_number(path: &str, value: &Value) -> Result<f64, UpstreamError> {
    value.as_f64().ok_or_else(|| wrong_type(path, "a number"))
}

/// A timestamp from milliseconds since 1970.
pub(crate) fn timestamp(path: &str, millis: i64) -> Result<Timestamp, UpstreamError> {
    Timestamp::from_millis(millis).map_err(|e| invalid_value(path, e))
}

/// An excerpt of a JSON value, for an error message.
pub(crate) fn display_value(found: &Value) -> String {
    match found {
        Value::String(text) => excerpt(text),
        other => excerpt(&other.to_string()),
    }
}

/// An error with the provider's own message.
pub(crate) fn rejection(reason: &str) -> UpstreamError {
    UpstreamError::Provider(reason.chars().take(MAX_REASON_CHARS).collect())
}

/// An error with the provider's code and message, where the response has them.
pub(crate) fn rejection_with_code(code: Option<&Value>, message: Option<&Value>) -> UpstreamError {
    let message = message.and_then(Value::as_str).unwrap_or("no reason given");
    match code {
        Some(Value::String(code)) => rejection(&format!("{code}: {message}")),
        Some(Value::Number(code)) => rejection(&format!("{code}: {message}")),
        _ => rejection(message),
    }
}

pub(crate) fn invalid_value(field: &str, source: ModelError) -> UpstreamError {
    let field = field.to_owned();
    UpstreamError::InvalidValue { field, source }
}

pub(crate) fn wrong_type(field: &str, expected: &'static str) -> UpstreamError {
    UpstreamError::WrongType {
        field: field.to_owned(),
        expected,
    }
}
