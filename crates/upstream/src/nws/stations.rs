//! The stations around a city, the nearest first.

use std::fmt;

use moodvane_model::City;
use serde_json::Value;

use crate::UpstreamError;
use crate::response::{Fields, as_list, parse_object, wrong_type};
use crate::selection::distance_km;

const MAX_STATION_BYTES: usize = 32;
/// The most stations that a city may use, the nearest ones.
const MAX_STATIONS: usize = 5;
/// The greatest distance of a station, except of the nearest one: farther away the weather is
/// another.
const MAX_STATION_KM: f64 = 50.0;

/// A station's identifier, for example `KNYC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationId(String);

/// The path of the list of a point's stations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationsPath(String);

impl StationId {
    /// The identifier, if it has only letters, digits and underscores.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid = (1..=MAX_STATION_BYTES).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        is_valid.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for StationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StationsPath {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Parses a point: the path of its list of stations.
///
/// # Errors
/// [`UpstreamError`] if the response does not match the documentation.
pub fn parse_point(body: &[u8]) -> Result<StationsPath, UpstreamError> {
    let response = parse_object(body)?;
    let properties = Fields::section(&response, "properties")?;
    let url = url::Url::parse(properties.text("observationStations")?).ok();
    let path = url.as_ref().map(url::Url::path);
    path.filter(|path| path.starts_with("/gridpoints/"))
        .map(|path| StationsPath(path.to_owned()))
        .ok_or_else(|| {
            let path = properties.path("observationStations");
            wrong_type(&path, "a URL with a path below /gridpoints/")
        })
}

/// Parses a list of stations: at most five of them, the nearest to `city` first, each with its
/// distance in km. Skips stations without coordinates or identifier, and, except the nearest, those
/// more than 50 km away.
///
/// # Errors
/// [`UpstreamError`] if the response does not match the documentation or lists no usable station.
pub fn parse_stations(body: &[u8], city: &City) -> Result<Vec<(StationId, f64)>, UpstreamError> {
    let response = parse_object(body)?;
    let features = as_list("features", response.get("features"))?;
    let stations = features.iter().filter_map(|feature| station(feature, city));
    let mut stations: Vec<_> = stations.collect();
    stations.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    if stations.is_empty() {
        return Err(UpstreamError::NoValue {
            field: "features".to_owned(),
            why: "no station has coordinates and an identifier".to_owned(),
        });
    }
    let near = stations.iter().take_while(|(_, km)| *km <= MAX_STATION_KM);
    stations.truncate(near.count().clamp(1, MAX_STATIONS));
    Ok(stations)
}

fn station(feature: &Value, city: &City) -> Option<(StationId, f64)> {
    let id = feature["properties"]["stationIdentifier"].as_str()?;
    // GeoJSON puts the longitude first.
    let coordinates = &feature["geometry"]["coordinates"];
    let location = (coordinates[1].as_f64()?, coordinates[0].as_f64()?);
    let distance = distance_km((city.latitude, city.longitude), location);
    Some((StationId::parse(id)?, distance))
}
