//! OpenWeatherMap API 2.5: request URL and parser of the current weather.
//!
//! Guarantees: the request asks for metric units. The response does not state its units, but the
//! parser detects and rejects a temperature in kelvin, the API's default, because the ranges of
//! plausible temperatures in kelvin and °C do not overlap. Precipitation is the sum of rain and snow in
//! mm/h. The API omits the amounts in dry weather, so the parser returns 0 where the response names a
//! dry condition. Pressure is at ground level if present, else at sea level.
//!
//! The documentation limits requests to one per location and 10 minutes.

use moodvane_model::{City, Variable};
use serde_json::{Map, Value};
use url::Url;

use crate::omitted::{OmitReason, WeatherBuilder};
use crate::response::{
    FieldSpec, Fields, display_value, parse_object, read_side_value, rejection_with_code,
};
use crate::url::{with_path, with_query};
use crate::{ParsedWeather, UpstreamError};

/// Plausible temperatures in kelvin: the bounds of °C, converted.
const KELVIN_RANGE: std::ops::RangeInclusive<f64> = 183.15..=343.15;

const FIELDS: [FieldSpec; 4] = [
    FieldSpec::unconverted(Variable::Temperature, "main.temp"),
    FieldSpec::unconverted(Variable::Humidity, "main.humidity"),
    FieldSpec::unconverted(Variable::Wind, "wind.speed"),
    FieldSpec::unconverted(Variable::Cloud, "clouds.all"),
];

const GROUND_PRESSURE: FieldSpec = FieldSpec::unconverted(Variable::Pressure, "main.grnd_level");
const SEA_PRESSURE: FieldSpec = FieldSpec::unconverted(Variable::Pressure, "main.pressure");

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
pub fn parse_current(body: &[u8]) -> Result<ParsedWeather, UpstreamError> {
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
    let mut readings = fields.readings(&FIELDS)?;
    add_precipitation(&mut readings, &fields);
    let is_stated = |path| fields.stated(path).is_some_and(|value| !value.is_null());
    let pressure = match is_stated(GROUND_PRESSURE.path) {
        true => &GROUND_PRESSURE,
        false => &SEA_PRESSURE,
    };
    fields.add_to(&mut readings, pressure);
    Ok(readings.observed_at(fields.epoch("dt")?))
}

/// The code is a number or a string, and is missing in some responses.
fn rejection_in(response: &Map<String, Value>) -> Option<UpstreamError> {
    let code = response.get("cod")?;
    let is_ok = code.as_i64() == Some(200) || code.as_str() == Some("200");
    (!is_ok).then(|| rejection_with_code(Some(code), response.get("message")))
}

/// Adds the sum of rain and snow, if known. One unusable amount leaves the sum unknown.
fn add_precipitation(readings: &mut WeatherBuilder, fields: &Fields<'_>) {
    let mut sum = None;
    for kind in ["rain", "snow"] {
        // Older versions of the API give the sum of three hours.
        for (span, hours) in [("1h", 1.0), ("3h", 3.0)] {
            let path = format!("{kind}.{span}");
            let stated = fields.stated(&path).filter(|value| !value.is_null());
            let Some(stated) = stated else {
                continue;
            };
            match read_side_value(Variable::Precipitation, stated) {
                Ok(amount) => {
                    sum = Some(sum.unwrap_or(0.0) + amount.convert(|mm| mm / hours));
                    break;
                }
                Err(OmitReason::Missing) => {}
                Err(reason) => {
                    let text = display_value(stated);
                    readings.add(Variable::Precipitation, Err(reason), path, text);
                    return;
                }
            }
        }
    }
    if let Some(amount) = sum.or_else(|| is_dry(fields).then_some(0.0)) {
        readings.add(Variable::Precipitation, Ok(amount), "rain and snow", amount);
    }
}

/// Whether the response names a condition without precipitation. Ids 200 to 699 are thunderstorm,
/// drizzle, rain and snow.
fn is_dry(fields: &Fields<'_>) -> bool {
    let Some(Value::Array(conditions)) = fields.stated("weather") else {
        return false;
    };
    let dry = |condition: &Value| condition["id"].as_i64().is_some_and(|id| id >= 700);
    !conditions.is_empty() && conditions.iter().all(dry)
}
