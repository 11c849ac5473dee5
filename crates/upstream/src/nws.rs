//! The National Weather Service of the United States (api.weather.gov): what to ask, and what the
//! answers mean.
//!
//! Terms: a *station* is where observations are made; a *point* is a place that knows the stations
//! around it.
//!
//! Guarantees: each value's own unit is read and converted, one that is not known is refused. A value
//! that is `null`, or that the service itself doubts or rejects, does not count. The service may name
//! places of its own to go on at; only their paths are taken, so that nobody is sent to another host.
//! Cloud cover comes from the layers of clouds (see `sky`). Pressure is that of the station reduced to
//! the sea, as a barometer shows it.
//!
//! It needs no key, but a User-Agent that says who asks.

mod observation;
mod sky;
mod stations;

use moodvane_model::{City, Timestamp};
use url::Url;

use crate::url::{with_path, with_query};

pub use observation::{parse_latest, parse_list};
pub use stations::{StationId, StationsPath, parse_point, parse_stations};

/// For how many days the service keeps observations.
pub const MAX_PAST_DAYS: u8 = 7;
/// The most observations of an answer, the latest ones. They take some 4,500 bytes each, and an answer
/// must stay within what is read of one.
const LIMIT: &str = "200";

/// Where to ask which stations lie around a city. More than four decimals are refused.
#[must_use]
pub fn point_url(base: &Url, city: &City) -> Url {
    let short = |degrees: f64| (degrees * 1e4).round() / 1e4 + 0.0;
    let (latitude, longitude) = (short(city.latitude), short(city.longitude));
    with_path(base, &format!("/points/{latitude},{longitude}"))
}

/// Where to ask for the stations of a point.
#[must_use]
pub fn stations_url(base: &Url, path: &StationsPath) -> Url {
    with_path(base, path.as_str())
}

/// Where to ask for a station's latest observation.
#[must_use]
pub fn latest_url(base: &Url, station: &StationId) -> Url {
    with_path(base, &format!("/stations/{station}/observations/latest"))
}

/// Where to ask for a station's observations since a moment.
#[must_use]
pub fn since_url(base: &Url, station: &StationId, since: Timestamp) -> Url {
    with_query(
        with_path(base, &format!("/stations/{station}/observations")),
        [("start", &since.to_string()), ("limit", LIMIT)],
    )
}
