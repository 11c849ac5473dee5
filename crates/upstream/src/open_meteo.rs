//! Open-Meteo: request URLs and parsers of the current weather and of past hours.
//!
//! Terms: *current* is the model's value for the last quarter of an hour; *hourly* is one value per
//! hour, past and future; a *list* is one request for several cities, which the API answers in their
//! order.
//!
//! Guarantees: requests ask for our units, and the parsers convert from the units stated in the
//! response. Responses of older API versions state no units; the parsers then accept a value only
//! if the API's default unit is ours, and omit a wind speed (the default is km/h). They omit null
//! values, and accept field names from before 2023, such as `windspeed_10m`.

mod list;

use chrono::NaiveDateTime;
use moodvane_model::{City, Timestamp, Variable};
use serde_json::{Map, Value};
use url::Url;

use crate::omitted::{OmitReason, WeatherBuilder};
use crate::response::{
    as_list, as_number, display_value, invalid_value, parse_object, read_side_value, rejection,
    timestamp, wrong_type,
};
use crate::units::{Convert, conversion};
use crate::{ParsedWeather, UpstreamError};

pub use self::list::{
    MAX_LIST_CITIES, current_list_url, history_calls, history_list_url, parse_current_list,
    parse_history_list,
};

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
    current_list_url(base, &[city])
}

/// URL of the hours of the last `past_days` days and of today at a city. `past_days` is capped at
/// [`MAX_PAST_DAYS`].
#[must_use]
pub fn history_url(base: &Url, city: &City, past_days: u8) -> Url {
    history_list_url(base, &[city], past_days)
}

/// Parses the current weather: time of the data and readings. The API gives precipitation as the sum
/// over the preceding `interval`; the result is in mm/h.
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request or does not match the documentation.
pub fn parse_current(body: &[u8]) -> Result<ParsedWeather, UpstreamError> {
    current_of(&accepted(parse_object(body)?)?)
}

fn current_of(response: &Map<String, Value>) -> Result<ParsedWeather, UpstreamError> {
    let block = ["current", "current_weather"]
        .into_iter()
        .find(|name| response.contains_key(*name))
        .ok_or_else(|| UpstreamError::MissingField("current".to_owned()))?;
    let block = Block::from_response(response, block)?;
    let at = block.timestamp(block.required("time")?, block.path("time"))?;
    let readings = block.readings(|path, value| Ok((path, value)))?;
    let readings = readings.ok_or_else(|| block.missing(Variable::Temperature))?;
    Ok(readings.observed_at(at))
}

/// Parses the hours up to and including `until`; later ones are forecasts. Skips an hour without a
/// temperature. Precipitation is the sum of the preceding hour, which equals mm/h.
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request or does not match the documentation.
pub fn parse_history(body: &[u8], until: Timestamp) -> Result<Vec<ParsedWeather>, UpstreamError> {
    hours_of(&accepted(parse_object(body)?)?, until)
}

fn hours_of(
    response: &Map<String, Value>,
    until: Timestamp,
) -> Result<Vec<ParsedWeather>, UpstreamError> {
    let block = Block::from_response(response, "hourly")?;
    let times = as_list(&block.path("time"), Some(block.required("time")?))?;
    let mut hours = Vec::with_capacity(times.len());
    for (i, time) in times.iter().enumerate() {
        let at = block.timestamp(time, format!("hourly.time[{i}]"))?;
        if at > until {
            continue;
        }
        let readings =
            block.readings(|path, values| hourly_value(&path, values, (i, times.len())))?;
        hours.extend(readings.map(|readings| readings.observed_at(at)));
    }
    Ok(hours)
}

/// The response, unless it rejects the request.
fn accepted(response: Map<String, Value>) -> Result<Map<String, Value>, UpstreamError> {
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
        block.check_time_unit()?;
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

    /// The stated unit of a field.
    fn stated_unit(&self, field: &str) -> Option<&'a Value> {
        self.units?.get(field)
    }

    fn wrong_unit(&self, field: &str, expected: &'static str, found: &Value) -> UpstreamError {
        UpstreamError::WrongUnit {
            field: self.path(field),
            expected,
            found: display_value(found),
        }
    }

    fn check_time_unit(&self) -> Result<(), UpstreamError> {
        match self.stated_unit("time") {
            Some(found) if found.as_str() != Some("iso8601") => {
                Err(self.wrong_unit("time", "iso8601", found))
            }
            _ => Ok(()),
        }
    }

    /// The conversion from the unit of a variable; `None` if the unit is not known.
    fn conversion(&self, name: &str, spec: &VariableSpec) -> Option<Convert> {
        match self.stated_unit(name) {
            Some(stated) => conversion(spec.variable, stated.as_str()?),
            None => spec.unit_is_default.then_some(|value| value),
        }
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
        pick: impl Fn(String, &'a Value) -> Result<(String, &'a Value), UpstreamError>,
    ) -> Result<Option<WeatherBuilder>, UpstreamError> {
        let [temperature, others @ ..] = &VARIABLES;
        let Some(name) = self.name_of(temperature) else {
            return Err(self.missing(temperature.variable));
        };
        let (path, stated) = pick(self.path(name), self.required(name)?)?;
        if stated.is_null() {
            return Ok(None);
        }
        let celsius = as_number(&path, stated)?;
        let Some(convert) = self.conversion(name, temperature) else {
            let found = self.stated_unit(name).unwrap_or(&Value::Null);
            return Err(self.wrong_unit(name, temperature.unit, found));
        };
        let readings = WeatherBuilder::new(convert(celsius));
        let mut readings = readings.map_err(|e| invalid_value(&path, e))?;
        for spec in others {
            self.add_to(&mut readings, spec, &pick);
        }
        Ok(Some(readings))
    }

    /// Adds a side value, if the response has it. A wind speed without a stated unit is left out.
    fn add_to(
        &self,
        readings: &mut WeatherBuilder,
        spec: &VariableSpec,
        pick: &impl Fn(String, &'a Value) -> Result<(String, &'a Value), UpstreamError>,
    ) {
        let Some(name) = self.name_of(spec) else {
            return;
        };
        let values = &self.values[name];
        let Ok((path, stated)) = pick(self.path(name), values) else {
            let (reason, text) = (Err(OmitReason::NotANumber), display_value(values));
            readings.add(spec.variable, reason, self.path(name), text);
            return;
        };
        let value = read_side_value(spec.variable, stated).and_then(|raw| {
            let convert = self.conversion(name, spec).ok_or(OmitReason::Unit)?;
            let per_hour = self.per_hour(spec.variable).ok_or(OmitReason::Unit)?;
            Ok(raw.convert(|value| convert(value) * per_hour))
        });
        readings.add(spec.variable, value, path, display_value(stated));
    }

    /// The first of a variable's names that occurs in the response.
    fn name_of(&self, spec: &VariableSpec) -> Option<&'static str> {
        let is_present = |name: &&str| self.values.contains_key(*name);
        spec.names.iter().copied().find(is_present)
    }

    /// The factor from a sum over the block's interval to a rate per hour; `None` if the interval
    /// is not known. The hourly sum of precipitation already is the rate.
    fn per_hour(&self, variable: Variable) -> Option<f64> {
        if variable != Variable::Precipitation || self.name == "hourly" {
            return Some(1.0);
        }
        let interval = self.values.get("interval")?.as_f64()?;
        (1.0..=DAY_S as f64)
            .contains(&interval)
            .then(|| HOUR_S / interval)
    }
}

/// The value at index `i` of a list of length `len`.
fn hourly_value<'v>(
    path: &str,
    values: &'v Value,
    (i, len): (usize, usize),
) -> Result<(String, &'v Value), UpstreamError> {
    let values = as_list(path, Some(values))?;
    if values.len() != len {
        return Err(wrong_type(path, "as long as hourly.time"));
    }
    Ok((format!("{path}[{i}]"), &values[i]))
}
