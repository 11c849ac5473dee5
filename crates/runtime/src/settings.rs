//! The layers of the configuration, laid over each other key by key.
//!
//! An array of tables (`[[source]]`) is one value: a layer that has it replaces it as a whole.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::{Table, Value};

use crate::fault::{Fault, Origin, SettingsError, nearest};
use crate::section::Section;

/// The default configuration, every key explained.
pub const DEFAULT_CONFIG: &str = include_str!("../default.toml");

/// The largest configuration file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
const PREFIX: &str = "MOODVANE_";
/// Names the configuration file; it is no key.
const FILE_VARIABLE: &str = "MOODVANE_CONFIG";
/// Variables of the scripts that start servers for tests; they are no keys.
const OTHERS: [&str; 2] = ["MOODVANE_TEST_", "MOODVANE_SERVERS_"];

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// The configuration: its layers, and the faults found so far.
#[derive(Debug)]
pub struct Settings {
    entries: BTreeMap<String, Entry>,
    known: BTreeSet<String>,
    faults: RefCell<Vec<Fault>>,
    /// Tables, elements of arrays of tables included, and the keys that somebody asked them for.
    asked: RefCell<BTreeSet<(String, String)>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// The default configuration.
    #[must_use]
    pub fn new() -> Self {
        let mut settings = Self {
            entries: BTreeMap::new(),
            known: BTreeSet::new(),
            faults: RefCell::default(),
            asked: RefCell::default(),
        };
        settings.merge_text(DEFAULT_CONFIG, &Origin::Default);
        settings.known = settings.entries.keys().cloned().collect();
        settings
    }

    /// Lays a file over what is there. A file that cannot be read is a fault.
    pub fn merge_file(&mut self, path: &Path) {
        let shown = path.display().to_string();
        match read(path) {
            Ok(text) => self.merge_text(&text, &Origin::File(shown)),
            Err(why) => self.note("", format!("({shown}): {why}")),
        }
    }

    /// Lays variables of the environment over what is there: `MOODVANE_SERVER__PORT` is
    /// `server.port`, and `MOODVANE_SOURCE` is all of `[[source]]`, written as a TOML array of
    /// inline tables. Variables without the prefix are left alone.
    pub fn merge_env(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            let is_other = name == FILE_VARIABLE || OTHERS.iter().any(|o| name.starts_with(o));
            let Some(rest) = name.strip_prefix(PREFIX).filter(|_| !is_other) else {
                continue;
            };
            let key = rest.to_lowercase().replace("__", ".");
            let origin = Origin::Environment(name);
            if let Some(value) = self.text_value(&key, value, &origin) {
                self.put(key, value, origin);
            }
        }
    }

    /// Lays one key over what is there, as a flag does.
    pub fn set(&mut self, key: &str, value: &str) {
        if let Some(value) = self.text_value(key, value.to_owned(), &Origin::Flag) {
            self.put(key.to_owned(), value, Origin::Flag);
        }
    }

    /// Replaces an array of tables, as flags do: all values are texts.
    pub fn set_tables(&mut self, name: &str, tables: Vec<BTreeMap<String, String>>) {
        let text = |(key, value): (String, String)| (key, Value::String(value));
        let tables = tables
            .into_iter()
            .map(|t| Value::Table(t.into_iter().map(text).collect()));
        self.put(
            name.to_owned(),
            Value::Array(tables.collect()),
            Origin::Flag,
        );
    }

    /// A table of the configuration.
    #[must_use]
    pub fn section(&self, name: &str) -> Section<'_> {
        Section::table(self, name)
    }

    /// The elements of an array of tables, such as `[[source]]`.
    #[must_use]
    pub fn tables(&self, name: &str) -> Vec<Section<'_>> {
        let Some(entry) = self.entries.get(name) else {
            return Vec::new();
        };
        let elements = entry
            .value
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let tables = elements.iter().enumerate().filter_map(|(i, element)| {
            Some(Section::element(
                self,
                format!("{name}[{i}]"),
                element.as_table()?,
                &entry.origin,
            ))
        });
        let tables: Vec<_> = tables.collect();
        if tables.len() != elements.len() || entry.value.as_array().is_none() {
            self.note(
                name,
                format!("({}): must be tables, each headed [[{name}]]", entry.origin),
            );
        }
        tables
    }

    /// Every key below `name`, a table whose keys the configuration itself chooses, with its value
    /// as text. A value that is not a text, a number, true or false is a fault.
    #[must_use]
    pub fn entries(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let prefix = format!("{name}.");
        let below = self.entries.range(prefix.clone()..);
        let mut found = Some(BTreeMap::new());
        for (key, entry) in below.take_while(|(key, _)| key.starts_with(&prefix)) {
            if let Some((table, key)) = key.rsplit_once('.') {
                self.ask(table, key);
            }
            let text = match &entry.value {
                Value::String(text) => text.clone(),
                value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_)) => {
                    value.to_string()
                }
                _ => {
                    self.note(
                        key,
                        format!("({}): must be a text or a number", entry.origin),
                    );
                    found = None;
                    continue;
                }
            };
            if let Some(found) = found.as_mut() {
                found.insert(key[prefix.len()..].to_owned(), text);
            }
        }
        found
    }

    /// The keys of the default configuration that nobody has asked for so far.
    #[must_use]
    pub fn unread_keys(&self) -> Vec<&str> {
        // What stands in no table is an array of tables, whose elements say what they are.
        let keys = self.known.iter().filter(|key| key.contains('.'));
        let unasked = keys.filter(|key| !self.was_asked(key));
        unasked.map(String::as_str).collect()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`SettingsError`] with every fault: those noted while reading, and every key that nobody
    /// knows.
    pub fn finish(self) -> Result<(), SettingsError> {
        self.note_unknown();
        let mut faults = self.faults.into_inner();
        faults.sort();
        faults.dedup();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(SettingsError { faults })
        }
    }

    /// Ends the reading of `value`, which is there unless there is a fault.
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

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Notes that something is wrong with a key that stands in no section.
    pub fn fault(&self, key: &str, message: impl Into<String>) {
        self.note(key, message.into());
    }

    pub(crate) fn note(&self, key: &str, message: String) {
        self.faults.borrow_mut().push(Fault {
            key: key.to_owned(),
            message,
        });
    }

    pub(crate) fn ask(&self, element: &str, key: &str) {
        self.asked
            .borrow_mut()
            .insert((element.to_owned(), key.to_owned()));
    }

    fn put(&mut self, key: String, value: Value, origin: Origin) {
        if !self.is_other_kind(&key, false, &origin) {
            self.entries.insert(key, Entry { value, origin });
        }
    }

    /// What a text of the environment or of a flag means: itself, and for an array of tables what it
    /// says in TOML. `None` where it is no such array; that is noted, without the text, which may
    /// hold anything.
    fn text_value(&self, key: &str, text: String, origin: &Origin) -> Option<Value> {
        if !self.is_tables(key) {
            return Some(Value::String(text));
        }
        let read = format!("value = {text}").parse::<Table>().ok();
        let value = read.and_then(|mut read| read.remove("value").filter(|_| read.is_empty()));
        let is_right = |value: &Value| {
            let items = value.as_array();
            items.is_some_and(|items| items.iter().all(Value::is_table))
        };
        let value = value.filter(is_right);
        if value.is_none() {
            let right = "must be an array of tables, such as [{ id = \"a\" }, { id = \"b\" }]";
            self.note(key, format!("({origin}): {right}"));
        }
        value
    }

    /// Whether a key is an array of tables by the layers so far.
    fn is_tables(&self, key: &str) -> bool {
        let value = self.entries.get(key).map(|entry| &entry.value);
        let items = value.and_then(Value::as_array);
        items.is_some_and(|items| items.iter().any(Value::is_table))
    }

    /// Notes a table where a value stands, or the other way about. The layer's entry is then left
    /// out, so that one slip does not bring a fault for each key below it.
    fn is_other_kind(&self, key: &str, is_table: bool, origin: &Origin) -> bool {
        let right = match self.entries.get(key) {
            Some(_) if is_table && self.is_tables(key) => {
                format!("must be tables, each headed [[{key}]]")
            }
            Some(_) if is_table => "must be a value, not a table".to_owned(),
            None if !is_table && self.has_below(key) => {
                format!("must be one table, headed [{key}]")
            }
            _ => return false,
        };
        self.note(key, format!("({origin}): {right}"));
        true
    }

    fn has_below(&self, key: &str) -> bool {
        let prefix = format!("{key}.");
        let mut after = self.entries.range(prefix.clone()..);
        after
            .next()
            .is_some_and(|(key, _)| key.starts_with(&prefix))
    }

    fn merge_text(&mut self, text: &str, origin: &Origin) {
        match text.parse::<Table>() {
            Ok(table) => self.merge_table("", table, origin),
            Err(error) => {
                let at = error
                    .span()
                    .map_or_else(String::new, |span| position(text, span.start));
                self.note("", format!("({origin}): {at}{}", error.message()));
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
                    if !self.is_other_kind(&key, true, origin) {
                        self.merge_table(&key, inner, origin);
                    }
                }
                value => self.put(key, value, origin.clone()),
            }
        }
    }

    fn note_unknown(&self) {
        for (key, entry) in &self.entries {
            if !self.known.contains(key) && !self.was_asked(key) {
                let tables = self.known.iter().filter_map(|known| known.split_once('.'));
                let names = tables.map(|(table, _)| table);
                let near = nearest(key, self.known.iter().map(String::as_str).chain(names));
                self.note(
                    key,
                    format!("({}): unknown key{}", entry.origin, meant(near)),
                );
            }
        }
        for name in self.known.iter().filter(|name| !name.contains('.')) {
            self.note_unknown_elements(name);
        }
    }

    fn was_asked(&self, key: &str) -> bool {
        key.rsplit_once('.').is_some_and(|(table, key)| {
            let pair = (table.to_owned(), key.to_owned());
            self.asked.borrow().contains(&pair)
        })
    }

    /// Whether the element's reader stopped at its only key so far, as where `kind` is wrong: then
    /// nobody knows which keys there should be.
    fn was_given_up(&self, element: &str, known: &[&str]) -> bool {
        let [only] = known else {
            return known.is_empty();
        };
        let key = format!("{element}.{only}");
        self.faults.borrow().iter().any(|fault| fault.key == key)
    }

    fn note_unknown_elements(&self, name: &str) {
        let asked = self.asked.borrow();
        let Some(entry) = self.entries.get(name) else {
            return;
        };
        let elements = entry
            .value
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for (i, table) in elements.iter().map(Value::as_table).enumerate() {
            let element = format!("{name}[{i}]");
            let known: Vec<&str> = asked
                .iter()
                .filter(|(e, _)| *e == element)
                .map(|(_, key)| key.as_str())
                .collect();
            if self.was_given_up(&element, &known) {
                continue;
            }
            let keys = table.into_iter().flat_map(Table::keys);
            for key in keys.filter(|key| !known.contains(&key.as_str())) {
                let near = nearest(key, known.iter().copied());
                let message = format!("({}): unknown key{}", entry.origin, meant(near));
                self.note(&format!("{element}.{key}"), message);
            }
        }
    }
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

fn read(path: &Path) -> Result<String, String> {
    // Not by its stated length: a pipe or a file of the system states none.
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!(
            "is too long, a configuration has at most {MAX_FILE_BYTES} bytes"
        ));
    }
    String::from_utf8(bytes).map_err(|e| e.to_string())
}

fn position(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!("line {line}, column {column}: ")
}
