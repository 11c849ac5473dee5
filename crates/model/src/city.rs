//! A city, with the names that posts use for it.

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;

use crate::{CityId, HourSlot, ModelError};

/// The most names that a city may have in posts.
pub const MAX_CITY_NAMES: usize = 64;
const MAX_NAME_BYTES: usize = 64;

/// A city that the system observes.
#[derive(Debug, Clone, PartialEq)]
pub struct City {
    /// Identifier, for example `new-york`.
    pub id: CityId,
    /// Display name, for example `New York`.
    pub name: String,
    /// Names that assign a post to the city when its text contains one, in lower case, for example
    /// `nyc`.
    pub names: Vec<String>,
    /// Degrees north of the equator, -90 to 90.
    pub latitude: f64,
    /// Degrees east of Greenwich, -180 to 180.
    pub longitude: f64,
    /// IANA time zone.
    pub zone: Tz,
}

impl City {
    /// The offset of local time from UTC in an hour, in hours, rounded down: precise enough for the hour
    /// of the day.
    #[must_use]
    pub fn utc_offset_hours(&self, hour: HourSlot) -> i8 {
        let at = hour.start().to_chrono().naive_utc();
        let seconds = self
            .zone
            .offset_from_utc_datetime(&at)
            .fix()
            .local_minus_utc();
        i8::try_from(seconds.div_euclid(3_600)).unwrap_or_default()
    }

    /// Validates the fields and creates a city.
    ///
    /// # Errors
    /// [`ModelError::City`] with every fault found: an empty name, coordinates out of range, an
    /// unknown zone, too many names, or a name that is empty, too long or does not begin and end
    /// with a letter or digit.
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
        for alias in names {
            if !is_valid_name(alias) {
                faults.push(format!(
                    "names: \"{alias}\" must be 1 to {MAX_NAME_BYTES} bytes that begin and end with a letter or digit"
                ));
            }
        }
        match parsed {
            Ok(zone) if faults.is_empty() => Ok(Self {
                id,
                name: name.trim().to_owned(),
                names: names.iter().map(|alias| alias.to_lowercase()).collect(),
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

fn is_valid_name(name: &str) -> bool {
    let is_alphanumeric = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    name.len() <= MAX_NAME_BYTES
        && is_alphanumeric(name.chars().next())
        && is_alphanumeric(name.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_every_fault_at_once() {
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
