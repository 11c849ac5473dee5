//! Apixu API 1: request URL and parser of the current weather.
//!
//! Apixu has shut down. [`crate::weatherstack`] is its successor, and other servers still offer an API
//! of this shape.
//!
//! Guarantees: where the response states a value in two units, the parser reads the one that is or is
//! closer to ours. It omits precipitation, because the response states a sum over an undocumented
//! period (above 0 under a clear sky), which cannot be converted to mm/h. Pressure is at sea level.
//! From a response with a forecast the parser reads the current weather.

use moodvane_model::{City, Variable};
use url::Url;

use crate::response::{FieldSpec, Fields, parse_object, rejection_with_code};
use crate::url::{with_path, with_query};
use crate::{ParsedWeather, UpstreamError};

const FIELDS: [FieldSpec; 5] = [
    FieldSpec::unconverted(Variable::Temperature, "temp_c"),
    FieldSpec::unconverted(Variable::Humidity, "humidity"),
    FieldSpec::wind_km_h("wind_kph"),
    FieldSpec::unconverted(Variable::Cloud, "cloud"),
    FieldSpec::unconverted(Variable::Pressure, "pressure_mb"),
];

/// URL of the current weather at a city.
#[must_use]
pub fn current_url(base: &Url, city: &City, key: &str) -> Url {
    let place = format!("{},{}", city.latitude, city.longitude);
    with_query(
        with_path(base, "/v1/current.json"),
        [("key", key), ("q", &place)],
    )
}

/// Parses the current weather: time of the last update and readings.
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request or does not match the documentation.
pub fn parse_current(body: &[u8]) -> Result<ParsedWeather, UpstreamError> {
    let response = parse_object(body)?;
    if let Some(error) = response.get("error") {
        return Err(rejection_with_code(error.get("code"), error.get("message")));
    }
    let current = Fields::section(&response, "current")?;
    let at = current.epoch("last_updated_epoch")?;
    Ok(current.readings(&FIELDS)?.observed_at(at))
}
