//! A city, and the names by which posts call it.

use chrono_tz::Tz;

use crate::{CityId, ModelError};

/// The most names a city may be listed with.
pub const MAX_CITY_NAMES: usize = 64;
const MAX_NAME_BYTES: usize = 64;

/// A city whose weather and mood are related.
#[derive(Debug, Clone, PartialEq)]
pub struct City {
    /// Its identifier, for example `new-york`.
    pub id: CityId,
    /// Its name for people, for example `New York`.
    pub name: String,
    /// The names by which a post's text may call it, in lower case, for example `nyc`.
    pub names: Vec<String>,
    /// Degrees north of the equator, -90 to 90.
    pub latitude: f64,
    /// Degrees east of Greenwich, -180 to 180.
    pub longitude: f64,
    /// Its IANA time zone.
    pub zone: Tz,
}

impl City {
    /// A city, checked.
    ///
    /// # Errors
    /// [`ModelError::City`] with every fault found: an empty name, coordinates off the globe, an
    /// unknown zone, a name in a post that is empty, too long or not made of words.
    pub fn new(
        id: CityId,
        name: &str,
        names: &[String],
        (latitude, longitude): (f64, f64),
        zone: &str,
    ) -> Result<Self, ModelError> {
        let mut faults = Vec::new();
        if name.trim().is_empty() {
            faults.push("name must not be empty".to_owned());
        }
        if !(-90.0..=90.0).contains(&latitude) {
            faults.push(format!("latitude {latitude} must lie in -90 to 90"));
        }
        if !(-180.0..=180.0).contains(&longitude) {
            faults.push(format!("longitude {longitude} must lie in -180 to 180"));
        }
        let parsed = zone.parse::<Tz>();
        if parsed.is_err() {
            faults.push(format!(
                "zone \"{zone}\" must be an IANA zone such as America/New_York"
            ));
        }
        if names.len() > MAX_CITY_NAMES {
            faults.push(format!(
                "names must be at most {MAX_CITY_NAMES}, there are {}",
                names.len()
            ));
        }
        for called in names {
            if !is_name(called) {
                faults.push(format!(
                    "names: \"{called}\" must be 1 to {MAX_NAME_BYTES} bytes that begin and end with a letter or digit"
                ));
            }
        }
        match parsed {
            Ok(zone) if faults.is_empty() => Ok(Self {
                id,
                name: name.trim().to_owned(),
                names: names.iter().map(|called| called.to_lowercase()).collect(),
                latitude,
                longitude,
                zone,
            }),
            _ => Err(ModelError::City {
                city: id.to_string(),
                reason: faults.join("; "),
            }),
        }
    }
}

fn is_name(called: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    called.len() <= MAX_NAME_BYTES
        && ends(called.chars().next())
        && ends(called.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_fault_at_once() {
        let names = ["nyc".to_owned(), " ".to_owned()];
        let id = CityId::parse("new-york").unwrap();
        let error = City::new(id, "", &names, (91.0, 181.0), "Mars/Base")
            .unwrap_err()
            .to_string();
        for part in [
            "new-york",
            "name must",
            "latitude 91",
            "longitude 181",
            "Mars/Base",
            "\" \"",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}
