//! Which stations lie around a city, and which is the nearest.

use std::fmt;

use moodvane_model::City;
use serde_json::Value;

use crate::UpstreamError;
use crate::answer::{Fields, list, object, wrong_type};
use crate::selection::distance_km;

const MAX_STATION_BYTES: usize = 32;

/// A station's identifier, for example `KNYC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationId(String);

/// The path at which a point's stations are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationsPath(String);

impl StationId {
    fn parse(text: &str) -> Option<Self> {
        let is_good = (1..=MAX_STATION_BYTES).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        is_good.then(|| Self(text.to_owned()))
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

/// Reads the answer about a point: where its stations are listed.
///
/// # Errors
/// [`UpstreamError`] where the answer is not what the API promises.
pub fn parse_point(body: &[u8]) -> Result<StationsPath, UpstreamError> {
    let answer = object(body)?;
    let properties = Fields::part(&answer, "properties")?;
    let url = url::Url::parse(properties.text("observationStations")?).ok();
    let path = url.as_ref().map(url::Url::path);
    path.filter(|path| path.starts_with("/gridpoints/"))
        .map(|path| StationsPath(path.to_owned()))
        .ok_or_else(|| {
            let path = properties.path("observationStations");
            wrong_type(&path, "a URL whose path begins with /gridpoints/")
        })
}

/// Reads a list of stations: the one nearest to `city`, and how far away it is in km. Whoever has no
/// place or no identifier is passed over.
///
/// # Errors
/// [`UpstreamError`] where the answer is not what the API promises, or names no station.
pub fn parse_stations(body: &[u8], city: &City) -> Result<(StationId, f64), UpstreamError> {
    let answer = object(body)?;
    let features = list("features", answer.get("features"))?;
    let stations = features.iter().filter_map(|feature| station(feature, city));
    stations
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .ok_or_else(|| UpstreamError::NoValue {
            field: "features".to_owned(),
            why: "no station has a place and an identifier".to_owned(),
        })
}

fn station(feature: &Value, city: &City) -> Option<(StationId, f64)> {
    let id = feature["properties"]["stationIdentifier"].as_str()?;
    // GeoJSON names the longitude first.
    let place = &feature["geometry"]["coordinates"];
    let place = (place[1].as_f64()?, place[0].as_f64()?);
    let distance = distance_km((city.latitude, city.longitude), place);
    Some((StationId::parse(id)?, distance))
}
