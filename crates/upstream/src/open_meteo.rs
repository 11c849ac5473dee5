//! Open-Meteo: request URLs and parsers of the current weather and of past hours.
//!
//! Terms: *current* is the model's value for the last quarter of an hour; *hourly* is one value per
//! hour, past and future.
//!
//! Guarantees: requests ask for our units, and the parsers check the units stated in the response.
//! Responses of older API versions state no units; the parsers then accept a value only if the API's
//! default unit is ours, and omit a wind speed (the default is km/h). They omit null values, and accept
//! field names from before 2023, such as `windspeed_10m`.

use chrono::NaiveDateTime;
use moodvane_model::{City, Readings, Timestamp, Variable};
use serde_json::{Map, Value};
use url::Url;

use crate::UpstreamError;
use crate::response::{
    as_list, as_number, display_value, invalid_value, parse_object, rejection, timestamp,
    wrong_type,
};
use crate::url::with_path;

/// The maximum number of past days in a request for hours.
pub const MAX_PAST_DAYS: u8 = 92;

const HOUR_S: f64 = 3600.0;
const DAY_S: i64 = 86_400;

/// The API's names and unit of a variable.
struct VariableSpec {
    variable: Variable,
    /// The name in requests, then the names in responses of older versions.
    names: &'static [&'static str],
    unit: &'static str,
    /// Whether `unit` is the API's default, which applies where the response states no unit.
    unit_is_default: bool,
}

const VARIABLES: [VariableSpec; 6] = [
    VariableSpec {
        variable: Variable::Temperature,
        names: &["temperature_2m", "temperature"],
        unit: "°C",
        unit_is_default: true,
    },
    VariableSpec {
        variable: Variable::Humidity,
        names: &["relative_humidity_2m", "relativehumidity_2m"],
        unit: "%",
        unit_is_default: true,
    },
    VariableSpec {
        variable: Variable::Precipitation,
        names: &["precipitation"],
        unit: "mm",
        unit_is_default: true,
    },
    VariableSpec {
        variable: Variable::Wind,
        names: &["wind_speed_10m", "windspeed_10m", "windspeed"],
        unit: "m/s",
        unit_is_default: false,
    },
    VariableSpec {
        variable: Variable::Cloud,
        names: &["cloud_cover", "cloudcover"],
        unit: "%",
        unit_is_default: true,
    },
    VariableSpec {
        variable: Variable::Pressure,
        names: &["surface_pressure"],
        unit: "hPa",
        unit_is_default: true,
    },
];

/// URL of the current weather at a city.
#[must_use]
pub fn current_url(base: &Url, city: &City) -> Url {
    forecast_url(base, city, "current")
}

/// URL of the hours of the last `past_days` days and of today at a city. `past_days` is capped at
/// [`MAX_PAST_DAYS`].
#[must_use]
pub fn history_url(base: &Url, city: &City, past_days: u8) -> Url {
    let mut url = forecast_url(base, city, "hourly");
    url.query_pairs_mut()
        .append_pair("past_days", &past_days.min(MAX_PAST_DAYS).to_string())
        .append_pair("forecast_days", "1");
    url
}

fn forecast_url(base: &Url, city: &City, block: &str) -> Url {
    let variables: Vec<_> = VARIABLES.iter().map(|spec| spec.names[0]).collect();
    let mut url = with_path(base, "/v1/forecast");
    url.query_pairs_mut()
        .append_pair("latitude", &city.latitude.to_string())
        .append_pair("longitude", &city.longitude.to_string())
        .append_pair(block, &variables.join(","))
        .append_pair("temperature_unit", "celsius")
        .append_pair("wind_speed_unit", "ms")
        .append_pair("precipitation_unit", "mm")
        .append_pair("timeformat", "iso8601")
        .append_pair("timezone", "UTC");
    url
}

/// Parses the current weather: time of the data and readings. The API gives precipitation as the sum
/// over the preceding `interval`; the result is in mm/h.
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request or does not match the documentation.
pub fn parse_current(body: &[u8]) -> Result<(Timestamp, Readings), UpstreamError> {
    let response = parse_response(body)?;
    let block = ["current", "current_weather"]
        .into_iter()
        .find(|name| response.contains_key(*name))
        .ok_or_else(|| UpstreamError::MissingField("current".to_owned()))?;
    let block = Block::from_response(&response, block)?;
    let at = block.timestamp(block.required("time")?, block.path("time"))?;
    let readings = block.readings(|path, value| match value {
        Value::Null => Ok(None),
        value => as_number(path, value).map(Some),
    })?;
    let readings = readings.ok_or_else(|| block.missing(Variable::Temperature))?;
    Ok((at, readings))
}

/// Parses the hours up to and including `until`; later ones are forecasts. Skips an hour without a
/// temperature. Precipitation is the sum of the preceding hour, which equals mm/h.
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request or does not match the documentation.
pub fn parse_history(
    body: &[u8],
    until: Timestamp,
) -> Result<Vec<(Timestamp, Readings)>, UpstreamError> {
    let response = parse_response(body)?;
    let block = Block::from_response(&response, "hourly")?;
    let times = as_list(&block.path("time"), Some(block.required("time")?))?;
    let mut hours = Vec::with_capacity(times.len());
    for (i, time) in times.iter().enumerate() {
        let at = block.timestamp(time, format!("hourly.time[{i}]"))?;
        if at > until {
            continue;
        }
        let readings =
            block.readings(|path, values| hourly_value(path, values, (i, times.len())))?;
        hours.extend(readings.map(|readings| (at, readings)));
    }
    Ok(hours)
}

fn parse_response(body: &[u8]) -> Result<Map<String, Value>, UpstreamError> {
    let response = parse_object(body)?;
    if response.get("error").and_then(Value::as_bool) == Some(true) {
        let reason = response.get("reason").and_then(Value::as_str);
        let reason = reason.unwrap_or("no reason given");
        return Err(rejection(reason));
    }
    Ok(response)
}

/// An object of the response with its values, and their units if stated.
struct Block<'a> {
    name: &'a str,
    values: &'a Map<String, Value>,
    units: Option<&'a Map<String, Value>>,
    utc_offset_ms: i64,
}

impl<'a> Block<'a> {
    fn from_response(
        response: &'a Map<String, Value>,
        name: &'a str,
    ) -> Result<Self, UpstreamError> {
        let object = |name: &str| match response.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(wrong_type(name, "an object")),
        };
        let utc_offset_s = match response.get("utc_offset_seconds") {
            None => 0,
            Some(offset) => offset
                .as_i64()
                .filter(|s| (-DAY_S..=DAY_S).contains(s))
                .ok_or_else(|| wrong_type("utc_offset_seconds", "seconds within a day"))?,
        };
        let block = Self {
            name,
            values: object(name)?.ok_or_else(|| UpstreamError::MissingField(name.to_owned()))?,
            units: object(&format!("{name}_units"))?,
            utc_offset_ms: utc_offset_s * 1000,
        };
        block.check_unit("time", "iso8601")?;
        Ok(block)
    }

    fn path(&self, field: &str) -> String {
        format!("{}.{field}", self.name)
    }

    fn required(&self, field: &str) -> Result<&'a Value, UpstreamError> {
        self.values
            .get(field)
            .ok_or_else(|| UpstreamError::MissingField(self.path(field)))
    }

    fn missing(&self, variable: Variable) -> UpstreamError {
        let name = VARIABLES[variable.index()].names[0];
        UpstreamError::MissingField(self.path(name))
    }

    /// Whether the response states the unit. Fails if it differs from `expected`.
    fn check_unit(&self, field: &str, expected: &'static str) -> Result<bool, UpstreamError> {
        let Some(found) = self.units.and_then(|units| units.get(field)) else {
            return Ok(false);
        };
        if found.as_str() == Some(expected) {
            return Ok(true);
        }
        Err(UpstreamError::WrongUnit {
            field: self.path(field),
            expected,
            found: display_value(found),
        })
    }

    /// Parses a time without an offset; it is local to the response's `utc_offset_seconds`.
    fn timestamp(&self, time: &Value, path: String) -> Result<Timestamp, UpstreamError> {
        let text = time.as_str().unwrap_or_default();
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"));
        let utc = local.map(|local| local.and_utc().timestamp_millis() - self.utc_offset_ms);
        let utc = utc.map_err(|_| UpstreamError::InvalidTime {
            field: path.clone(),
            found: display_value(time),
            example: "2018-01-01T02:15",
        })?;
        timestamp(&path, utc)
    }

    /// The readings that `pick` selects; `None` if there is no temperature.
    fn readings(
        &self,
        pick: impl Fn(&str, &Value) -> Result<Option<f64>, UpstreamError>,
    ) -> Result<Option<Readings>, UpstreamError> {
        let [temperature, others @ ..] = &VARIABLES;
        if self.name_of(temperature).is_none() {
            return Err(self.missing(temperature.variable));
        }
        let Some((path, celsius)) = self.value(temperature, &pick)? else {
            return Ok(None);
        };
        let mut readings = Readings::new(celsius).map_err(|e| invalid_value(&path, e))?;
        for spec in others {
            if let Some((path, value)) = self.value(spec, &pick)? {
                readings = readings
                    .with(spec.variable, Some(value))
                    .map_err(|e| invalid_value(&path, e))?;
            }
        }
        Ok(Some(readings))
    }

    /// The first of a variable's names that occurs in the response.
    fn name_of(&self, spec: &VariableSpec) -> Option<&'static str> {
        let is_present = |name: &&str| self.values.contains_key(*name);
        spec.names.iter().copied().find(is_present)
    }

    /// A variable's path and value in our unit, if present and its unit is known.
    fn value(
        &self,
        spec: &VariableSpec,
        pick: &impl Fn(&str, &Value) -> Result<Option<f64>, UpstreamError>,
    ) -> Result<Option<(String, f64)>, UpstreamError> {
        let Some(name) = self.name_of(spec) else {
            return Ok(None);
        };
        let is_stated = self.check_unit(name, spec.unit)?;
        let path = self.path(name);
        let Some(value) = pick(&path, self.required(name)?)? else {
            return Ok(None);
        };
        if !is_stated && !spec.unit_is_default {
            return Ok(None);
        }
        Ok(Some((path, self.to_our_unit(spec, value)?)))
    }

    /// Converts a value to our unit. The hourly sum of precipitation already is the rate.
    fn to_our_unit(&self, spec: &VariableSpec, value: f64) -> Result<f64, UpstreamError> {
        if spec.variable != Variable::Precipitation || self.name == "hourly" {
            return Ok(value);
        }
        let interval = as_number(&self.path("interval"), self.required("interval")?)?;
        if (1.0..=DAY_S as f64).contains(&interval) {
            Ok(value * HOUR_S / interval)
        } else {
            let path = self.path("interval");
            Err(wrong_type(&path, "seconds, at least 1 and at most a day"))
        }
    }
}

/// The value at index `i` of a list of length `len`.
fn hourly_value(
    path: &str,
    values: &Value,
    (i, len): (usize, usize),
) -> Result<Option<f64>, UpstreamError> {
    let values = as_list(path, Some(values))?;
    if values.len() != len {
        return Err(wrong_type(path, "as long as hourly.time"));
    }
    match &values[i] {
        Value::Null => Ok(None),
        value => as_number(&format!("{path}[{i}]"), value).map(Some),
    }
}
