//! One table of the settings, read key by key.
//!
//! Every getter notes what is wrong and returns `None`. Read all keys of a section first, then put
//! them together with `?`: so every fault is seen, not only the first.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use toml::{Table, Value};

use crate::fault::{HIDDEN, Origin, is_secret, shown};
use crate::settings::Settings;

/// The longest text of a value, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// One table of the settings.
#[derive(Debug, Clone)]
pub struct Section<'s> {
    settings: &'s Settings,
    name: String,
    element: Option<(&'s Table, &'s Origin)>,
}

impl<'s> Section<'s> {
    pub(crate) fn table(settings: &'s Settings, name: &str) -> Self {
        Self {
            settings,
            name: name.to_owned(),
            element: None,
        }
    }

    pub(crate) fn element(
        settings: &'s Settings,
        name: String,
        table: &'s Table,
        origin: &'s Origin,
    ) -> Self {
        Self {
            settings,
            name,
            element: Some((table, origin)),
        }
    }

    fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    fn find(&self, key: &str) -> Option<(&'s Value, &'s Origin)> {
        self.settings.ask(&self.name, key);
        match self.element {
            Some((table, origin)) => table.get(key).map(|value| (value, origin)),
            None => self
                .settings
                .entry(&self.path(key))
                .map(|e| (&e.value, &e.origin)),
        }
    }

    /// Where a key's value came from.
    pub(crate) fn origin(&self, key: &str) -> Option<&'s Origin> {
        self.find(key).map(|(_, origin)| origin)
    }

    /// Notes that a key's value is wrong, or the whole table where `key` is empty.
    pub fn fault(&self, key: &str, message: impl Into<String>) {
        let message: String = message.into();
        if key.is_empty() {
            let origin = self.element.map_or(&Origin::Default, |(_, origin)| origin);
            self.settings
                .note(&self.name, format!("({origin}): {message}"));
            return;
        }
        let message = self.without_secret(key, message);
        let text = match self.find(key) {
            Some((value, origin)) => format!("= {} ({origin}): {message}", shown(key, value)),
            None => format!("is missing: {message}"),
        };
        self.settings.note(&self.path(key), text);
    }

    /// A message may quote the value; where that is secret it must not.
    fn without_secret(&self, key: &str, message: String) -> String {
        match self.find(key) {
            Some((Value::String(text), _)) if is_secret(key) && !text.is_empty() => {
                message.replace(text, HIDDEN)
            }
            _ => message,
        }
    }

    fn required(&self, key: &str, what: &str) -> Option<(&'s Value, &'s Origin)> {
        let found = self.find(key);
        if found.is_none() {
            self.fault(key, format!("it must be {what}"));
        }
        found
    }

    fn read<T>(
        &self,
        key: &str,
        what: &str,
        read: impl FnOnce(&Value, &Origin) -> Option<T>,
    ) -> Option<T> {
        let (value, origin) = self.required(key, what)?;
        let result = read(value, origin);
        if result.is_none() {
            self.fault(key, format!("must be {what}"));
        }
        result
    }

    fn has(&self, key: &str) -> bool {
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
        let what = format!("{kind} in {} to {}", range.start(), range.end());
        self.read(key, &what, |value, origin| {
            let text = match value {
                Value::Integer(_) | Value::Float(_) => value.to_string(),
                // The environment and flags know only text.
                Value::String(text) if is_text_layer(origin) => text.trim().to_owned(),
                _ => return None,
            };
            text.parse().ok().filter(|number| range.contains(number))
        })
    }

    /// As [`Section::number`], for a key that may be left out.
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

    /// A span of whole milliseconds.
    #[must_use]
    pub fn millis(&self, key: &str, range: RangeInclusive<u64>) -> Option<Duration> {
        self.number(key, range).map(Duration::from_millis)
    }

    /// A span of whole seconds.
    #[must_use]
    pub fn seconds(&self, key: &str, range: RangeInclusive<u64>) -> Option<Duration> {
        self.number(key, range).map(Duration::from_secs)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        let what = format!("a text of at most {MAX_TEXT_BYTES} bytes");
        self.read(key, &what, |value, _| short(value.as_str()?))
    }

    /// As [`Section::text`], for a key that may be left out.
    #[must_use]
    pub fn text_or(&self, key: &str, default: &str) -> Option<String> {
        if self.has(key) {
            self.text(key)
        } else {
            Some(default.to_owned())
        }
    }

    /// A text that is read into a type of its own.
    #[must_use]
    pub fn parse<T>(&self, key: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(key)?;
        let noted = |error: T::Err| {
            let message = match is_secret(key) {
                // It may quote a part of the value.
                true => "is not valid; why is not shown, as the value is secret".to_owned(),
                false => error.to_string(),
            };
            self.fault(key, message);
        };
        text.parse().map_err(noted).ok()
    }

    /// As [`Section::parse`]; a key that is left out or empty is `Some(None)`.
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

    /// A list of texts; in the environment and in flags separated by commas.
    #[must_use]
    pub fn list(&self, key: &str) -> Option<Vec<String>> {
        let what = format!("a list of texts, each of at most {MAX_TEXT_BYTES} bytes");
        self.read(key, &what, |value, origin| match value {
            Value::Array(items) => items.iter().map(|item| short(item.as_str()?)).collect(),
            Value::String(text) if is_text_layer(origin) && text.trim().is_empty() => {
                Some(Vec::new())
            }
            Value::String(text) if is_text_layer(origin) => {
                text.split(',').map(|item| short(item.trim())).collect()
            }
            _ => None,
        })
    }

    /// As [`Section::list`], for a key that may be left out.
    #[must_use]
    pub fn list_or_empty(&self, key: &str) -> Option<Vec<String>> {
        if self.has(key) {
            self.list(key)
        } else {
            Some(Vec::new())
        }
    }

    /// True or false.
    #[must_use]
    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.read(key, "true or false", |value, origin| match value {
            Value::Boolean(flag) => Some(*flag),
            Value::String(text) if is_text_layer(origin) => text.trim().parse().ok(),
            _ => None,
        })
    }

    /// As [`Section::boolean`], for a key that may be left out.
    #[must_use]
    pub fn boolean_or(&self, key: &str, default: bool) -> Option<bool> {
        if self.has(key) {
            self.boolean(key)
        } else {
            Some(default)
        }
    }
}

fn short(text: &str) -> Option<String> {
    (text.len() <= MAX_TEXT_BYTES).then(|| text.to_owned())
}

fn is_text_layer(origin: &Origin) -> bool {
    matches!(origin, Origin::Environment(_) | Origin::Flag)
}
