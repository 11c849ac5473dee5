//! OpenWeatherMap API 2.5: request URL and parser of the current weather.
//!
//! Guarantees: the request asks for metric units. The response does not state its units, but the
//! parser detects and rejects a temperature in kelvin, the API's default, because the ranges of
//! plausible temperatures in kelvin and °C do not overlap. Precipitation is the sum of rain and snow in
//! mm/h. The API omits the amounts in dry weather, so the parser returns 0 where the response names a
//! dry condition. Pressure is at ground level if present, else at sea level.
//!
//! The documentation limits requests to one per location and 10 minutes.

use moodvane_model::{City, Readings, Timestamp, Variable};
use serde_json::{Map, Value};
use url::Url;

use crate::UpstreamError;
use crate::response::{FieldSpec, Fields, parse_object, rejection_with_code, with_value};
use crate::url::{with_path, with_query};

/// Plausible temperatures in kelvin: the bounds of °C, converted.
const KELVIN_RANGE: std::ops::RangeInclusive<f64> = 173.15..=343.15;

const FIELDS: [FieldSpec; 4] = [
    FieldSpec::unconverted(Variable::Temperature, "main.temp"),
    FieldSpec::unconverted(Variable::Humidity, "main.humidity"),
    FieldSpec::unconverted(Variable::Wind, "wind.speed"),
    FieldSpec::unconverted(Variable::Cloud, "clouds.all"),
];

/// URL of the current weather at a city.
#[must_use]
pub fn current_url(base: &Url, city: &City, key: &str) -> Url {
    with_query(
        with_path(base, "/data/2.5/weather"),
        [
            ("lat", &city.latitude.to_string()),
            ("lon", &city.longitude.to_string()),
            ("units", "metric"),
            ("appid", key),
        ],
    )
}

/// Parses the current weather: time of the data and readings.
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request or does not match the documentation.
pub fn parse_current(body: &[u8]) -> Result<(Timestamp, Readings), UpstreamError> {
    let response = parse_object(body)?;
    if let Some(error) = rejection_in(&response) {
        return Err(error);
    }
    let fields = Fields::new("", &response);
    if fields
        .number("main.temp")?
        .is_some_and(|t| KELVIN_RANGE.contains(&t))
    {
        return Err(UpstreamError::WrongUnit {
            field: "main.temp".to_owned(),
            expected: "°C",
            found: "K".to_owned(),
        });
    }
    let readings = fields.readings(&FIELDS)?;
    let precipitation = precipitation_mm_h(&fields)?;
    let readings = with_value(
        readings,
        Variable::Precipitation,
        "rain and snow",
        precipitation,
    )?;
    let (path, pressure) = match fields.number("main.grnd_level")? {
        Some(pressure) => ("main.grnd_level", Some(pressure)),
        None => ("main.pressure", fields.number("main.pressure")?),
    };
    let readings = with_value(readings, Variable::Pressure, path, pressure)?;
    Ok((fields.epoch("dt")?, readings))
}

/// The code is a number or a string, and is missing in some responses.
fn rejection_in(response: &Map<String, Value>) -> Option<UpstreamError> {
    let code = response.get("cod")?;
    let is_ok = code.as_i64() == Some(200) || code.as_str() == Some("200");
    (!is_ok).then(|| rejection_with_code(Some(code), response.get("message")))
}

/// Rain and snow in mm/h, if known.
fn precipitation_mm_h(fields: &Fields<'_>) -> Result<Option<f64>, UpstreamError> {
    let mut sum = None;
    for kind in ["rain", "snow"] {
        let one_hour = fields.number(&format!("{kind}.1h"))?;
        // Older versions of the API give the sum of three hours.
        let three_hours = fields.number(&format!("{kind}.3h"))?;
        if let Some(amount) = one_hour.or(three_hours.map(|mm| mm / 3.0)) {
            sum = Some(sum.unwrap_or(0.0) + amount);
        }
    }
    match sum {
        None => Ok(is_dry(fields)?.then_some(0.0)),
        sum => Ok(sum),
    }
}

/// Whether the response names a condition without precipitation. Ids 200 to 699 are thunderstorm,
/// drizzle, rain and snow.
fn is_dry(fields: &Fields<'_>) -> Result<bool, UpstreamError> {
    let Some(Value::Array(conditions)) = fields.find("weather")? else {
        return Ok(false);
    };
    let dry = |condition: &Value| condition["id"].as_i64().is_some_and(|id| id >= 700);
    Ok(!conditions.is_empty() && conditions.iter().all(dry))
}
