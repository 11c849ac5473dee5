//! Requests for several cities at once, and their responses.
//!
//! Guarantees: the parsers return one result per city, in the order of the request, so that an error of
//! one city costs no other. A response with another number of cities, or of a city far from the
//! requested one, is an error: its values may be another city's.

use moodvane_model::{City, Timestamp};
use serde_json::{Map, Value};
use url::Url;

use super::{MAX_PAST_DAYS, VARIABLES, accepted, current_of, hours_of};
use crate::response::wrong_type;
use crate::selection::distance_km;
use crate::url::with_path;
use crate::{ParsedWeather, UpstreamError};

/// The most cities of one request. The API accepts 1,000, but 50 keep the URL below the 2,000
/// characters that any proxy accepts, and a response of current weather below 50 kB.
pub const MAX_LIST_CITIES: usize = 50;

/// The largest plausible distance between a city and the grid cell of a response, in km. The cells of
/// global models are up to 25 km wide, and the API may choose a neighbour on land.
const MAX_CELL_KM: f64 = 150.0;

/// The API counts up to ten variables over up to two weeks as one call.
const CALL_VARIABLES: f64 = 10.0;
const CALL_DAYS: f64 = 14.0;

/// URL of the current weather at each of `cities`, of which there are at most [`MAX_LIST_CITIES`].
#[must_use]
pub fn current_list_url(base: &Url, cities: &[&City]) -> Url {
    forecast_url(base, cities, "current")
}

/// URL of the hours of the last `past_days` days and of today at each of `cities`. `past_days` is capped
/// at [`MAX_PAST_DAYS`].
#[must_use]
pub fn history_list_url(base: &Url, cities: &[&City], past_days: u8) -> Url {
    let mut url = forecast_url(base, cities, "hourly");
    url.query_pairs_mut()
        .append_pair("past_days", &past_days.min(MAX_PAST_DAYS).to_string())
        .append_pair("forecast_days", "1");
    url
}

/// The calls that the API counts for the history of one city; a request for current weather counts as
/// one for each city. By open-meteo.com/en/pricing ("How is one API call defined?"), and the
/// maintainer's answer in issue 1295 of open-meteo/open-meteo: the number of a single location, at
/// least one, times the number of locations.
#[must_use]
pub fn history_calls(past_days: u8) -> f64 {
    let days = f64::from(past_days.min(MAX_PAST_DAYS)) + 1.0;
    let variables = VARIABLES.len() as f64 / CALL_VARIABLES;
    (variables * (days / CALL_DAYS).max(1.0)).max(1.0)
}

fn forecast_url(base: &Url, cities: &[&City], block: &str) -> Url {
    let variables: Vec<_> = VARIABLES.iter().map(|spec| spec.names[0]).collect();
    let list = |degrees: fn(&City) -> f64| {
        let all = cities.iter().map(|city| degrees(city).to_string());
        all.collect::<Vec<_>>().join(",")
    };
    let mut url = with_path(base, "/v1/forecast");
    url.query_pairs_mut()
        .append_pair("latitude", &list(|city| city.latitude))
        .append_pair("longitude", &list(|city| city.longitude))
        .append_pair(block, &variables.join(","))
        .append_pair("temperature_unit", "celsius")
        .append_pair("wind_speed_unit", "ms")
        .append_pair("precipitation_unit", "mm")
        .append_pair("timeformat", "iso8601")
        .append_pair("timezone", "UTC");
    url
}

/// Parses the current weather of `cities`, those of the request in its order. Each result is as of
/// [`parse_current`](super::parse_current).
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request, is not JSON or has another number of cities.
pub fn parse_current_list(
    body: &[u8],
    cities: &[&City],
) -> Result<Vec<Result<ParsedWeather, UpstreamError>>, UpstreamError> {
    parse_list(body, cities, current_of)
}

/// Parses the hours of `cities` up to `until`, as [`parse_current_list`]. Each result is as of
/// [`parse_history`](super::parse_history).
///
/// # Errors
/// As [`parse_current_list`].
pub fn parse_history_list(
    body: &[u8],
    cities: &[&City],
    until: Timestamp,
) -> Result<Vec<Result<Vec<ParsedWeather>, UpstreamError>>, UpstreamError> {
    parse_list(body, cities, |response| hours_of(response, until))
}

fn parse_list<T>(
    body: &[u8],
    cities: &[&City],
    parse: impl Fn(&Map<String, Value>) -> Result<T, UpstreamError>,
) -> Result<Vec<Result<T, UpstreamError>>, UpstreamError> {
    // One city has no list around it.
    let elements = match serde_json::from_slice(body)? {
        Value::Array(elements) => elements,
        Value::Object(response) => vec![Value::Object(accepted(response)?)],
        _ => return Err(wrong_type("(root)", "a list or an object")),
    };
    if elements.len() != cities.len() {
        return Err(UpstreamError::WrongCount {
            expected: cities.len(),
            found: elements.len(),
        });
    }
    let results = elements.into_iter().zip(cities).map(|(element, city)| {
        let Value::Object(response) = element else {
            return Err(wrong_type("(element)", "an object"));
        };
        let response = accepted(response)?;
        check_place(&response, city)?;
        parse(&response)
    });
    Ok(results.collect())
}

/// Rejects a response of another place than the city, if it states its place.
fn check_place(response: &Map<String, Value>, city: &City) -> Result<(), UpstreamError> {
    let degrees = |name: &str| response.get(name).and_then(Value::as_f64);
    let (Some(latitude), Some(longitude)) = (degrees("latitude"), degrees("longitude")) else {
        return Ok(());
    };
    let found = (latitude, longitude);
    let km = distance_km(found, (city.latitude, city.longitude));
    match km <= MAX_CELL_KM {
        true => Ok(()),
        false => Err(UpstreamError::WrongPlace {
            city: city.id,
            latitude,
            longitude,
        }),
    }
}
