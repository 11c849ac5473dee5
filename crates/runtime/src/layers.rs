//! The merged layers of the configuration, key by key, and the faults found in them.
//!
//! An array of tables (`[[source]]`) is one value: a layer that has it replaces it as a whole.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::entry::{Entry, Origin};
use crate::error::{Fault, SettingsError};
use crate::unknown_keys::{KnownKeys, find_unknown_keys, was_requested};

/// The merged layers.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    entries: BTreeMap<String, Entry>,
    /// The keys of the default configuration.
    default_keys: BTreeSet<String>,
    faults: RefCell<Vec<Fault>>,
    /// The keys that were requested so far, each with its table or its element of an array.
    requested: RefCell<BTreeSet<(String, String)>>,
}

impl Layers {
    /// Parses the default configuration as the first layer.
    pub(crate) fn new(default: &str) -> Self {
        let mut layers = Self::default();
        layers.merge_toml(default, &Origin::Default);
        layers.default_keys = layers.entries.keys().cloned().collect();
        layers
    }

    /// The entry of a key, which counts as requested from `table`.
    pub(crate) fn request(&self, table: &str, key: &str) -> Option<&Entry> {
        self.mark_requested(table, key);
        self.entries.get(&format!("{table}.{key}"))
    }

    /// Records that a reader supports `key` of a table or of an element of an array.
    pub(crate) fn mark_requested(&self, table: &str, key: &str) {
        let pair = (table.to_owned(), key.to_owned());
        self.requested.borrow_mut().insert(pair);
    }

    pub(crate) fn was_requested(&self, key: &str) -> bool {
        was_requested(&self.requested.borrow(), key)
    }

    pub(crate) fn requested_keys(&self) -> Vec<(String, String)> {
        self.requested.borrow().iter().cloned().collect()
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The entries below a table, with their full keys.
    pub(crate) fn below(&self, table: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let prefix = format!("{table}.");
        let from = self.entries.range(prefix.clone()..);
        from.take_while(move |(key, _)| key.starts_with(&prefix))
            .map(|(key, entry)| (key.as_str(), entry))
    }

    pub(crate) fn default_keys(&self) -> &BTreeSet<String> {
        &self.default_keys
    }

    pub(crate) fn add_fault(&self, key: &str, message: String) {
        self.faults.borrow_mut().push(Fault {
            key: key.to_owned(),
            message,
        });
    }

    /// Ends the reading: returns every fault, unknown keys included.
    pub(crate) fn finish(self) -> Result<(), SettingsError> {
        let mut faults = find_unknown_keys(
            &self.entries,
            &KnownKeys {
                default_keys: &self.default_keys,
                requested: &self.requested.borrow(),
                faults: &self.faults.borrow(),
            },
        );
        faults.extend(self.faults.into_inner());
        faults.sort();
        faults.dedup();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(SettingsError { faults })
        }
    }

    /// Merges a document in TOML.
    pub(crate) fn merge_toml(&mut self, text: &str, origin: &Origin) {
        match text.parse::<Table>() {
            Ok(table) => self.merge_table("", table, origin),
            Err(error) => {
                let at = error
                    .span()
                    .map_or_else(String::new, |span| position(text, span.start));
                self.add_fault("", format!("({origin}): {at}{}", error.message()));
            }
        }
    }

    fn merge_table(&mut self, prefix: &str, table: Table, origin: &Origin) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            match value {
                Value::Table(inner) => {
                    if !self.has_other_kind(&key, true, origin) {
                        self.merge_table(&key, inner, origin);
                    }
                }
                value => self.put(key, value, origin.clone()),
            }
        }
    }

    /// Merges a text of the environment or of a flag: a string, or for an array of tables its
    /// inline form in TOML.
    pub(crate) fn put_text(&mut self, key: String, text: String, origin: Origin) {
        let value = match self.is_array_of_tables(&key) {
            true => self.parse_array_of_tables(&key, &text, &origin),
            false => Some(Value::String(text)),
        };
        if let Some(value) = value {
            self.put(key, value, origin);
        }
    }

    pub(crate) fn put(&mut self, key: String, value: Value, origin: Origin) {
        if !self.has_other_kind(&key, false, &origin) {
            self.entries.insert(key, Entry { value, origin });
        }
    }

    /// Parses an array of inline tables. The fault does not show the text, which may contain a
    /// secret.
    fn parse_array_of_tables(&self, key: &str, text: &str, origin: &Origin) -> Option<Value> {
        let document = format!("value = {text}").parse::<Table>().ok();
        let value = document.and_then(|mut document| {
            document
                .remove("value")
                .filter(|_| document.is_empty())
                .filter(is_array_of_tables)
        });
        if value.is_none() {
            let expected = "must be an array of tables, such as [{ id = \"a\" }, { id = \"b\" }]";
            self.add_fault(key, format!("({origin}): {expected}"));
        }
        value
    }

    /// Whether a key is an array of tables in the layers so far.
    fn is_array_of_tables(&self, key: &str) -> bool {
        let value = self.entries.get(key).map(|entry| &entry.value);
        let items = value.and_then(Value::as_array);
        items.is_some_and(|items| items.iter().any(Value::is_table))
    }

    /// Adds a fault for a table in place of a value, or the reverse. The caller then skips the
    /// layer's entry, so that one mistake does not cause a fault for each key below it.
    fn has_other_kind(&self, key: &str, is_table: bool, origin: &Origin) -> bool {
        let expected = match self.entries.get(key) {
            Some(_) if is_table && self.is_array_of_tables(key) => {
                format!("must be an array of tables, each with the header [[{key}]]")
            }
            Some(_) if is_table => "must be a value, not a table".to_owned(),
            None if !is_table && self.below(key).next().is_some() => {
                format!("must be one table, with the header [{key}]")
            }
            _ => return false,
        };
        self.add_fault(key, format!("({origin}): {expected}"));
        true
    }
}

fn is_array_of_tables(value: &Value) -> bool {
    let items = value.as_array();
    items.is_some_and(|items| items.iter().all(Value::is_table))
}

fn position(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    let column = last_line.chars().count() + 1;
    format!("line {line}, column {column}: ")
}
