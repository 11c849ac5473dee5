//! The cities of the configuration, from its `[[city]]` tables.

use std::collections::BTreeSet;

use moodvane_model::{City, CityId, ModelError};

use crate::{Section, Settings};

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

fn read_city(section: &Section<'_>, ids: &mut BTreeSet<CityId>) -> Option<City> {
    let id = section.parse::<CityId>("id");
    let name = section.text("name");
    let names = section.list("names");
    let latitude = section.number("latitude", -90.0..=90.0);
    let longitude = section.number("longitude", -180.0..=180.0);
    let zone = section.text("zone");

    let is_new = id.is_none_or(|id| ids.insert(id));
    if !is_new {
        section.fault(
            "id",
            "is already the id of another city: choose a unique one",
        );
    }
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

fn reason(error: ModelError) -> String {
    match error {
        ModelError::City { reason, .. } => reason,
        other => other.to_string(),
    }
}
