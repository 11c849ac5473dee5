//! The cities of the configuration, from its `[[city]]` tables.
//!
//! A city of the gazetteer needs only its id; a key that is given overrides the gazetteer's value. Any
//! other place needs all keys.

use std::collections::{BTreeMap, BTreeSet};

use moodvane_gazetteer::{GazetteerCity, GazetteerError, find, find_all, get};
use moodvane_model::{City, CityId, ModelError};
use toml::{Table, Value};

use crate::entry::Origin;
use crate::{Section, Settings};

/// The keys that the gazetteer has a value for.
const PLACE_KEYS: [&str; 5] = ["name", "names", "latitude", "longitude", "zone"];

/// Reads every `[[city]]`. Returns `None` if one is invalid, two share an id or there is none;
/// `settings` then holds the faults.
#[must_use]
pub fn read_cities(settings: &Settings) -> Option<Vec<City>> {
    let sections = settings.tables("city");
    if sections.is_empty() {
        settings.fault("city", "at least one [[city]] is required");
        return None;
    }
    let mut ids = BTreeSet::new();
    let read: Vec<Option<City>> = sections
        .iter()
        .map(|section| read_city(section, &mut ids))
        .collect();
    read.into_iter().collect()
}

/// Replaces the cities by those of the flag `--city`, a list with commas: ids of configured cities,
/// which keep their keys, and names of the gazetteer. A name that is unknown or ambiguous is a fault.
pub fn select_cities(settings: &mut Settings, list: &str) {
    let (tables, errors) = selected_tables(list, &configured_tables(settings));
    for error in &errors {
        settings.fault("city", format!("(flag --city): {error}"));
    }
    if errors.is_empty() {
        let tables = tables.into_iter().map(Value::Table).collect();
        settings.put("city", Value::Array(tables), Origin::Flag);
    }
}

fn configured_tables(settings: &Settings) -> BTreeMap<String, Table> {
    let array = settings.value("city").and_then(Value::as_array);
    let tables = array.into_iter().flatten().filter_map(Value::as_table);
    tables
        .filter_map(|table| Some((table.get("id")?.as_str()?.to_owned(), table.clone())))
        .collect()
}

/// The tables of the cities of `list`, in its order.
fn selected_tables(
    list: &str,
    configured: &BTreeMap<String, Table>,
) -> (Vec<Table>, Vec<GazetteerError>) {
    let (mut tables, mut errors) = (Vec::new(), Vec::new());
    let mut add = |items: &[&str], table: Option<&Table>| {
        if !items.is_empty() {
            match find_all(&items.join(",")) {
                Ok(found) => tables.extend(found.into_iter().map(|entry| {
                    let id = entry.city().id.as_str();
                    configured.get(id).cloned().unwrap_or_else(|| table_of(id))
                })),
                Err(found) => errors.extend(found),
            }
        }
        tables.extend(table.cloned());
    };
    // A configured city may be in no gazetteer; the others are looked up together, because a name may
    // have a comma.
    let mut names = Vec::new();
    for item in list.split(',').map(str::trim) {
        match configured.get(item) {
            Some(table) => {
                add(&names, Some(table));
                names.clear();
            }
            None => names.push(item),
        }
    }
    add(&names, None);
    let mut seen = BTreeSet::new();
    tables.retain(|table| seen.insert(table.get("id").map(Value::to_string)));
    (tables, errors)
}

fn table_of(id: &str) -> Table {
    Table::from_iter([("id".to_owned(), Value::String(id.to_owned()))])
}

fn read_city(section: &Section<'_>, ids: &mut BTreeSet<CityId>) -> Option<City> {
    // Not `any`: each question makes the key a known one.
    let given = PLACE_KEYS.iter().filter(|key| section.has(key)).count();
    if given == 0 && section.has("id") {
        let city = read_gazetteer_city(section)?.city().clone();
        return is_new(section, city.id, ids).then_some(city);
    }
    let id = section.parse::<CityId>("id");
    let entry = id.and_then(get).map(GazetteerCity::city);
    let name = own_or(section, "name", entry, Section::text, |city| {
        city.name.clone()
    });
    let names = own_or(section, "names", entry, Section::list, |city| {
        city.names.clone()
    });
    let degrees_north = |section: &Section<'_>, key: &str| section.number(key, -90.0..=90.0);
    let latitude = own_or(section, "latitude", entry, degrees_north, |city| {
        city.latitude
    });
    let degrees_east = |section: &Section<'_>, key: &str| section.number(key, -180.0..=180.0);
    let longitude = own_or(section, "longitude", entry, degrees_east, |city| {
        city.longitude
    });
    let zone = own_or(section, "zone", entry, Section::text, |city| {
        city.zone.name().to_owned()
    });

    let is_new = id.is_none_or(|id| is_new(section, id, ids));
    // A missing value has a fault already; a placeholder lets the others be checked.
    let city = City::new(
        id.or_else(|| CityId::parse("city").ok())?,
        name.as_deref().unwrap_or("City"),
        names.as_deref().unwrap_or_default(),
        (latitude.unwrap_or_default(), longitude.unwrap_or_default()),
        zone.as_deref().unwrap_or("UTC"),
    );
    let city = city.map_err(|error| section.fault("", reason(error))).ok();
    let complete = id
        .and(name)
        .and(names)
        .and(latitude)
        .and(longitude)
        .and(zone);
    complete.filter(|_| is_new).and(city)
}

/// The value of a key, which is optional if the gazetteer has the city.
fn own_or<'s, T>(
    section: &Section<'s>,
    key: &str,
    entry: Option<&City>,
    read: impl FnOnce(&Section<'s>, &str) -> Option<T>,
    default: impl FnOnce(&City) -> T,
) -> Option<T> {
    match entry {
        Some(city) if !section.has(key) => Some(default(city)),
        _ => read(section, key),
    }
}

/// The city of the gazetteer for a table with an id alone.
fn read_gazetteer_city(section: &Section<'_>) -> Option<&'static GazetteerCity> {
    let text = section.text("id")?;
    let found = find(&text).map_err(|error| error.to_string());
    let found = found.and_then(|entry| match entry.city().id.as_str() {
        id if id == text => Ok(entry),
        id => Err(format!("must be the id of the gazetteer, \"{id}\"")),
    });
    found.map_err(|error| section.fault("id", error)).ok()
}

/// Whether no earlier city has this id.
fn is_new(section: &Section<'_>, id: CityId, ids: &mut BTreeSet<CityId>) -> bool {
    let is_new = ids.insert(id);
    if !is_new {
        section.fault(
            "id",
            "is already the id of another city: choose a unique one",
        );
    }
    is_new
}

fn reason(error: ModelError) -> String {
    match error {
        ModelError::City { reason, .. } => reason,
        other => other.to_string(),
    }
}
