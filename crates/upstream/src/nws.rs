//! US National Weather Service (api.weather.gov): request URLs and parsers of points, stations and
//! observations.
//!
//! Terms: a *station* makes observations; a *point* is a location whose resource links to the stations
//! around it.
//!
//! Guarantees: the parsers convert each value from its stated unit. They leave out a side value
//! that is null, in an unknown unit, or flagged by the service as doubtful or rejected. Of links in
//! a response they use only the path, so that no response redirects requests to another host. Cloud
//! cover comes from the cloud layers (see `sky`). Pressure is the altimeter setting: station
//! pressure reduced to sea level.
//!
//! The service needs no key, but a User-Agent that identifies the client.

mod observation;
mod sky;
mod stations;

use moodvane_model::{City, Timestamp};
use url::Url;

use crate::url::{with_path, with_query};

pub use observation::{ParsedObservation, parse_latest, parse_observations};
pub use stations::{StationId, StationsPath, parse_point, parse_stations};

/// The number of days for which the service keeps observations.
pub const MAX_PAST_DAYS: u8 = 7;
/// The maximum number of observations in a response, latest first. Each takes about 4,500 bytes, and
/// the response must fit into the client's size limit.
const LIMIT: &str = "200";

/// URL of the point resource of a city. The service rejects more than four decimals.
#[must_use]
pub fn point_url(base: &Url, city: &City) -> Url {
    let rounded = |degrees: f64| (degrees * 1e4).round() / 1e4 + 0.0;
    let (latitude, longitude) = (rounded(city.latitude), rounded(city.longitude));
    with_path(base, &format!("/points/{latitude},{longitude}"))
}

/// URL of the stations of a point.
#[must_use]
pub fn stations_url(base: &Url, path: &StationsPath) -> Url {
    with_path(base, path.as_str())
}

/// URL of a station's latest observation.
#[must_use]
pub fn latest_url(base: &Url, station: &StationId) -> Url {
    with_path(base, &format!("/stations/{station}/observations/latest"))
}

/// URL of a station's observations since `since`.
#[must_use]
pub fn since_url(base: &Url, station: &StationId, since: Timestamp) -> Url {
    with_query(
        with_path(base, &format!("/stations/{station}/observations")),
        [("start", &since.to_string()), ("limit", LIMIT)],
    )
}
