//! The configuration: its layers, read section by section.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::Value;

use crate::entry::Origin;
use crate::error::{Fault, SettingsError};
use crate::layers::Layers;
use crate::section::Section;

/// The default configuration, with a comment on every key.
pub const DEFAULT_CONFIG: &str = include_str!("../default.toml");

/// The largest configuration file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
const PREFIX: &str = "MOODVANE_";
/// The path of the configuration file; not a key.
const FILE_VARIABLE: &str = "MOODVANE_CONFIG";
/// Prefixes of variables of the scripts that start servers for tests; not keys.
const RESERVED_PREFIXES: [&str; 2] = ["MOODVANE_TEST_", "MOODVANE_SERVERS_"];

/// The configuration: its layers, and the faults found so far.
#[derive(Debug)]
pub struct Settings(Layers);

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// The default configuration.
    #[must_use]
    pub fn new() -> Self {
        Self(Layers::new(DEFAULT_CONFIG))
    }

    /// Merges a file over the layers so far. An unreadable file is a fault.
    pub fn merge_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match read_file(path) {
            Ok(text) => self.0.merge_toml(&text, &Origin::File(name)),
            Err(reason) => self.0.add_fault("", format!("({name}): {reason}")),
        }
    }

    /// Merges environment variables over the layers so far: `MOODVANE_SERVER__PORT` is
    /// `server.port`, and `MOODVANE_SOURCE` is all of `[[source]]` as a TOML array of inline tables.
    /// Variables without the prefix are ignored.
    pub fn merge_env(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            let is_reserved = name == FILE_VARIABLE
                || RESERVED_PREFIXES
                    .iter()
                    .any(|prefix| name.starts_with(prefix));
            let Some(key) = name.strip_prefix(PREFIX).filter(|_| !is_reserved) else {
                continue;
            };
            let key = key.to_lowercase().replace("__", ".");
            self.0.put_text(key, value, Origin::Environment(name));
        }
    }

    /// Merges one key over the layers so far, as a flag.
    pub fn set(&mut self, key: &str, value: &str) {
        self.0
            .put_text(key.to_owned(), value.to_owned(), Origin::Flag);
    }

    /// Replaces an array of tables, as flags with text values.
    pub fn set_tables(&mut self, name: &str, tables: Vec<BTreeMap<String, String>>) {
        let text = |(key, value): (String, String)| (key, Value::String(value));
        let tables = tables
            .into_iter()
            .map(|table| Value::Table(table.into_iter().map(text).collect()));
        let array = Value::Array(tables.collect());
        self.0.put(name.to_owned(), array, Origin::Flag);
    }

    /// Puts a value over the layers so far.
    pub(crate) fn put(&mut self, key: &str, value: Value, origin: Origin) {
        self.0.put(key.to_owned(), value, origin);
    }

    /// Whether no file, variable or flag sets a key, such as `city` or `server.city`.
    #[must_use]
    pub fn is_default(&self, key: &str) -> bool {
        let entry = self.0.entry(key);
        entry.is_none_or(|entry| entry.origin == Origin::Default)
    }

    /// The value of a key outside every table.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.0.entry(key).map(|entry| &entry.value)
    }

    /// A table of the configuration.
    #[must_use]
    pub fn section(&self, name: &str) -> Section<'_> {
        Section::table(&self.0, name)
    }

    /// The elements of an array of tables, such as `[[source]]`.
    #[must_use]
    pub fn tables(&self, name: &str) -> Vec<Section<'_>> {
        let Some(entry) = self.0.entry(name) else {
            return Vec::new();
        };
        let array = entry.value.as_array();
        let elements = array.map(Vec::as_slice).unwrap_or_default();
        let tables = elements.iter().enumerate().filter_map(|(i, element)| {
            let (name, table) = (format!("{name}[{i}]"), element.as_table()?);
            Some(Section::element(&self.0, name, table, &entry.origin))
        });
        let tables: Vec<_> = tables.collect();
        if tables.len() != elements.len() || array.is_none() {
            let expected = format!("must be an array of tables, each with the header [[{name}]]");
            self.0
                .add_fault(name, format!("({}): {expected}", entry.origin));
        }
        tables
    }

    /// The entries of a table with arbitrary keys, as texts. A value that is no string, number or
    /// boolean is a fault.
    #[must_use]
    pub fn entries(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let mut entries = Some(BTreeMap::new());
        for (key, entry) in self.0.below(name) {
            if let Some((table, key)) = key.rsplit_once('.') {
                self.0.mark_requested(table, key);
            }
            let text = match &entry.value {
                Value::String(text) => text.clone(),
                value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_)) => {
                    value.to_string()
                }
                _ => {
                    let message = format!("({}): must be a string or a number", entry.origin);
                    self.0.add_fault(key, message);
                    entries = None;
                    continue;
                }
            };
            if let Some(entries) = entries.as_mut() {
                entries.insert(key[name.len() + 1..].to_owned(), text);
            }
        }
        entries
    }

    /// The keys of the default configuration that no reader has requested so far.
    #[must_use]
    pub fn unread_keys(&self) -> Vec<&str> {
        // A key outside every table is an array of tables, whose elements are checked instead.
        let keys = self.0.default_keys().iter().filter(|key| key.contains('.'));
        let unread = keys.filter(|key| !self.0.was_requested(key));
        unread.map(String::as_str).collect()
    }

    /// The keys that readers have requested so far, each with its table, such as `server` and `port`, or
    /// with its element of an array of tables, such as `source[0]`.
    #[must_use]
    pub fn requested_keys(&self) -> Vec<(String, String)> {
        self.0.requested_keys()
    }

    /// Adds a fault for a key outside every section.
    pub fn fault(&self, key: &str, message: impl Into<String>) {
        self.0.add_fault(key, message.into());
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`SettingsError`] with every fault: those added while reading, and every unknown key.
    pub fn finish(self) -> Result<(), SettingsError> {
        self.0.finish()
    }

    /// Ends the reading of `value`, which is `Some` unless there is a fault.
    ///
    /// # Errors
    /// [`SettingsError`] with every fault, as [`Settings::finish`].
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, SettingsError> {
        self.finish()?;
        let message = "a value is missing".to_owned();
        value.ok_or(SettingsError {
            faults: vec![Fault {
                key: String::new(),
                message,
            }],
        })
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    // Not by its stated length: a pipe or a file of the system states none.
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!(
            "is too long: a configuration has at most {MAX_FILE_BYTES} bytes"
        ));
    }
    String::from_utf8(bytes).map_err(|e| e.to_string())
}
