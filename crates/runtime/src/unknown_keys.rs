//! Keys that no reader supports, with a suggestion for a misspelt one.

use std::collections::{BTreeMap, BTreeSet};

use strsim::levenshtein;
use toml::{Table, Value};

use crate::entry::Entry;
use crate::error::Fault;

/// Which keys are supported.
pub(crate) struct KnownKeys<'k> {
    /// The keys of the default configuration.
    pub(crate) default_keys: &'k BTreeSet<String>,
    /// The keys that readers requested, each with its table or its element of an array.
    pub(crate) requested: &'k BTreeSet<(String, String)>,
    /// The faults that readers found.
    pub(crate) faults: &'k [Fault],
}

/// Returns a fault for each key that is neither in the default configuration nor requested.
pub(crate) fn find_unknown_keys(
    entries: &BTreeMap<String, Entry>,
    known: &KnownKeys<'_>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (key, entry) in entries {
        if !known.default_keys.contains(key) && !was_requested(known.requested, key) {
            let suggestion = closest(key, known.keys_and_tables());
            faults.push(unknown_key(key.clone(), entry, suggestion));
        }
    }
    for name in known.default_keys.iter().filter(|name| !name.contains('.')) {
        if let Some(entry) = entries.get(name) {
            find_unknown_element_keys(name, entry, known, &mut faults);
        }
    }
    faults
}

/// As [`find_unknown_keys`], for the elements of an array of tables.
fn find_unknown_element_keys(
    name: &str,
    entry: &Entry,
    known: &KnownKeys<'_>,
    faults: &mut Vec<Fault>,
) {
    let elements = entry.value.as_array().map(Vec::as_slice);
    let tables = elements.unwrap_or_default().iter().map(Value::as_table);
    for (i, table) in tables.enumerate() {
        let element = format!("{name}[{i}]");
        let requested = known.requested_of(&element);
        if known.was_rejected_early(&element, &requested) {
            continue;
        }
        let keys = table.into_iter().flat_map(Table::keys);
        for key in keys.filter(|key| !requested.contains(&key.as_str())) {
            let suggestion = closest(key, requested.iter().copied());
            faults.push(unknown_key(format!("{element}.{key}"), entry, suggestion));
        }
    }
}

impl KnownKeys<'_> {
    fn requested_of(&self, element: &str) -> Vec<&str> {
        let of_element = self.requested.iter().filter(|(e, _)| e == element);
        of_element.map(|(_, key)| key.as_str()).collect()
    }

    /// Whether the element's reader rejected its first key, as with a wrong `kind`: the supported
    /// keys are unknown then.
    fn was_rejected_early(&self, element: &str, requested: &[&str]) -> bool {
        let [only] = requested else {
            return requested.is_empty();
        };
        let key = format!("{element}.{only}");
        self.faults.iter().any(|fault| fault.key == key)
    }

    fn keys_and_tables(&self) -> impl Iterator<Item = &str> {
        let tables = self
            .default_keys
            .iter()
            .filter_map(|key| key.split_once('.'));
        let keys = self.default_keys.iter().map(String::as_str);
        keys.chain(tables.map(|(table, _)| table))
    }
}

/// Whether a reader requested this key of its table.
pub(crate) fn was_requested(requested: &BTreeSet<(String, String)>, key: &str) -> bool {
    key.rsplit_once('.').is_some_and(|(table, key)| {
        let pair = (table.to_owned(), key.to_owned());
        requested.contains(&pair)
    })
}

fn unknown_key(key: String, entry: &Entry, suggestion: Option<&str>) -> Fault {
    let hint = suggestion.map_or_else(String::new, |name| format!("; did you mean {name}?"));
    let message = format!("({}): unknown key{hint}", entry.origin);
    Fault { key, message }
}

/// The name that is closest to `name`, if it is close enough for a typo.
fn closest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let (distance, best) = names.map(|other| (levenshtein(name, other), other)).min()?;
    (distance <= 1 + name.len() / 4).then_some(best)
}
