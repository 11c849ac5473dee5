//! Weatherbit API 2.0: request URL and parser of the current weather.
//!
//! Guarantees: the request asks for metric units; the response does not state its units. Forecast
//! responses have nearly the same shape; the parser recognises them by the missing time of
//! observation. That time comes from `ob_time`, in whole minutes; `ts` is the same time with fractions
//! of a second. Precipitation is a rate in mm/h, snow as water equivalent. Pressure is at station
//! level.
//!
//! The free plan allows 50 requests a day.

use chrono::NaiveDateTime;
use moodvane_model::{City, Variable};
use serde_json::{Map, Value};
use url::Url;

use crate::response::{FieldSpec, Fields, as_list, parse_object, rejection_with_code, wrong_type};
use crate::url::{with_path, with_query};
use crate::{ParsedWeather, UpstreamError};

const FIELDS: [FieldSpec; 6] = [
    FieldSpec::unconverted(Variable::Temperature, "temp"),
    FieldSpec::unconverted(Variable::Humidity, "rh"),
    FieldSpec::unconverted(Variable::Precipitation, "precip"),
    FieldSpec::unconverted(Variable::Wind, "wind_spd"),
    FieldSpec::unconverted(Variable::Cloud, "clouds"),
    FieldSpec::unconverted(Variable::Pressure, "pres"),
];

/// URL of the current weather at a city.
#[must_use]
pub fn current_url(base: &Url, city: &City, key: &str) -> Url {
    with_query(
        with_path(base, "/v2.0/current"),
        [
            ("lat", &city.latitude.to_string()),
            ("lon", &city.longitude.to_string()),
            ("units", "M"),
            ("key", key),
        ],
    )
}

/// Parses the current weather: time of observation in UTC and readings.
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request or does not match the documentation.
pub fn parse_current(body: &[u8]) -> Result<ParsedWeather, UpstreamError> {
    let response = parse_object(body)?;
    if let Some(error) = rejection_in(&response) {
        return Err(error);
    }
    let data = as_list("data", response.get("data"))?;
    let first = data.first();
    let first = first.ok_or_else(|| UpstreamError::MissingField("data[0]".to_owned()))?;
    let Value::Object(first) = first else {
        return Err(wrong_type("data[0]", "an object"));
    };
    let fields = Fields::new("data[0]", first);
    let at = fields.time("ob_time", "2018-01-01 02:15", |text| {
        let utc = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok()?;
        Some(utc.and_utc().timestamp_millis())
    })?;
    Ok(fields.readings(&FIELDS)?.observed_at(at))
}

/// Rejections are `{"error": …}`, or in newer versions `{"status_code": …, "status_message": …}`.
fn rejection_in(response: &Map<String, Value>) -> Option<UpstreamError> {
    if let Some(error) = response.get("error") {
        return Some(rejection_with_code(None, Some(error)));
    }
    let code = response.get("status_code")?;
    Some(rejection_with_code(
        Some(code),
        response.get("status_message"),
    ))
}
