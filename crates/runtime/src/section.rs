//! One table of the configuration, read key by key.
//!
//! Every getter adds a fault for a wrong value and returns `None`. Read all keys of a section first,
//! then combine them with `?`: every fault is then reported, not only the first.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use toml::{Table, Value};

use crate::entry::Origin;
use crate::layers::Layers;
use crate::redact::{REDACTED, displayed, is_secret};

/// The longest string, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// One table of the configuration, or one element of an array of tables.
#[derive(Debug, Clone)]
pub struct Section<'s> {
    layers: &'s Layers,
    name: String,
    element: Option<(&'s Table, &'s Origin)>,
}

impl<'s> Section<'s> {
    pub(crate) fn table(layers: &'s Layers, name: &str) -> Self {
        Self {
            layers,
            name: name.to_owned(),
            element: None,
        }
    }

    pub(crate) fn element(
        layers: &'s Layers,
        name: String,
        table: &'s Table,
        origin: &'s Origin,
    ) -> Self {
        Self {
            layers,
            name,
            element: Some((table, origin)),
        }
    }

    fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    fn find(&self, key: &str) -> Option<(&'s Value, &'s Origin)> {
        match self.element {
            Some((table, origin)) => {
                self.layers.mark_requested(&self.name, key);
                table.get(key).map(|value| (value, origin))
            }
            None => {
                let entry = self.layers.request(&self.name, key)?;
                Some((&entry.value, &entry.origin))
            }
        }
    }

    /// The layer that a key's value comes from.
    pub(crate) fn origin(&self, key: &str) -> Option<&'s Origin> {
        self.find(key).map(|(_, origin)| origin)
    }

    /// Adds a fault for a key's value, or for the whole table if `key` is empty.
    pub fn fault(&self, key: &str, message: impl Into<String>) {
        let message: String = message.into();
        if key.is_empty() {
            let origin = self.element.map_or(&Origin::Default, |(_, origin)| origin);
            self.layers
                .add_fault(&self.name, format!("({origin}): {message}"));
            return;
        }
        let message = self.redacted(key, message);
        let text = match self.find(key) {
            Some((value, origin)) => format!("= {} ({origin}): {message}", displayed(key, value)),
            None => format!("is missing: {message}"),
        };
        self.layers.add_fault(&self.path(key), text);
    }

    /// Removes a secret value from a message that quotes it.
    fn redacted(&self, key: &str, message: String) -> String {
        match self.find(key) {
            Some((Value::String(text), _)) if is_secret(key) && !text.is_empty() => {
                message.replace(text, REDACTED)
            }
            _ => message,
        }
    }

    fn required(&self, key: &str, expected: &str) -> Option<(&'s Value, &'s Origin)> {
        let found = self.find(key);
        if found.is_none() {
            self.fault(key, format!("it must be {expected}"));
        }
        found
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&Value, &Origin) -> Option<T>,
    ) -> Option<T> {
        let (value, origin) = self.required(key, expected)?;
        let result = read(value, origin);
        if result.is_none() {
            self.fault(key, format!("must be {expected}"));
        }
        result
    }

    /// Whether a key is set, by the configuration or by its default.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// A number within `range`.
    #[must_use]
    pub fn number<T>(&self, key: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        let kind = match "0.5".parse::<T>() {
            Ok(_) => "a number",
            Err(_) => "a whole number",
        };
        let expected = format!("{kind} in {} to {}", range.start(), range.end());
        self.read(key, &expected, |value, origin| {
            let text = match value {
                Value::Integer(_) | Value::Float(_) => value.to_string(),
                Value::String(text) if origin.is_untyped() => text.trim().to_owned(),
                _ => return None,
            };
            text.parse().ok().filter(|number| range.contains(number))
        })
    }

    /// As [`Section::number`], for an optional key.
    #[must_use]
    pub fn number_or<T>(&self, key: &str, range: RangeInclusive<T>, default: T) -> Option<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        if self.has(key) {
            self.number(key, range)
        } else {
            Some(default)
        }
    }

    /// A duration in whole milliseconds.
    #[must_use]
    pub fn millis(&self, key: &str, range: RangeInclusive<u64>) -> Option<Duration> {
        self.number(key, range).map(Duration::from_millis)
    }

    /// A duration in whole seconds.
    #[must_use]
    pub fn seconds(&self, key: &str, range: RangeInclusive<u64>) -> Option<Duration> {
        self.number(key, range).map(Duration::from_secs)
    }

    /// A string.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        let expected = format!("a string of at most {MAX_TEXT_BYTES} bytes");
        self.read(key, &expected, |value, _| bounded(value.as_str()?))
    }

    /// As [`Section::text`], for an optional key.
    #[must_use]
    pub fn text_or(&self, key: &str, default: &str) -> Option<String> {
        if self.has(key) {
            self.text(key)
        } else {
            Some(default.to_owned())
        }
    }

    /// A string that is parsed into a type.
    #[must_use]
    pub fn parse<T>(&self, key: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(key)?;
        let add_fault = |error: T::Err| {
            let message = match is_secret(key) {
                // The error may quote a part of the value.
                true => {
                    "is not valid; the cause is not shown because the value is a secret".to_owned()
                }
                false => error.to_string(),
            };
            self.fault(key, message);
        };
        text.parse().map_err(add_fault).ok()
    }

    /// As [`Section::parse`]; `Some(None)` for an absent key or an empty string.
    #[must_use]
    pub fn parse_optional<T>(&self, key: &str) -> Option<Option<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.find(key) {
            None => Some(None),
            Some((Value::String(text), _)) if text.is_empty() => Some(None),
            Some(_) => self.parse(key).map(Some),
        }
    }

    /// A list of strings; separated by commas in the environment and in flags.
    #[must_use]
    pub fn list(&self, key: &str) -> Option<Vec<String>> {
        let expected = format!("a list of strings, each of at most {MAX_TEXT_BYTES} bytes");
        self.read(key, &expected, |value, origin| match value {
            Value::Array(items) => items.iter().map(|item| bounded(item.as_str()?)).collect(),
            Value::String(text) if origin.is_untyped() && text.trim().is_empty() => {
                Some(Vec::new())
            }
            Value::String(text) if origin.is_untyped() => {
                text.split(',').map(|item| bounded(item.trim())).collect()
            }
            _ => None,
        })
    }

    /// As [`Section::list`], for an optional key.
    #[must_use]
    pub fn list_or_empty(&self, key: &str) -> Option<Vec<String>> {
        if self.has(key) {
            self.list(key)
        } else {
            Some(Vec::new())
        }
    }

    /// A boolean.
    #[must_use]
    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.read(key, "true or false", |value, origin| match value {
            Value::Boolean(value) => Some(*value),
            Value::String(text) if origin.is_untyped() => text.trim().parse().ok(),
            _ => None,
        })
    }

    /// As [`Section::boolean`], for an optional key.
    #[must_use]
    pub fn boolean_or(&self, key: &str, default: bool) -> Option<bool> {
        if self.has(key) {
            self.boolean(key)
        } else {
            Some(default)
        }
    }
}

fn bounded(text: &str) -> Option<String> {
    (text.len() <= MAX_TEXT_BYTES).then(|| text.to_owned())
}
