//! Open-Meteo: what to ask, and what the answer means.
//!
//! Terms: *current* is the answer about now, a model's value for the last quarter of an hour;
//! *hourly* is a value per hour, past and to come.
//!
//! Guarantees: the units are asked for and, where the answer states them, checked. Where it does not,
//! as in the API's older form, a value is taken only if the API's default unit is ours; a wind speed
//! without a unit is left out (its default is km/h). A value for which the model has nothing (`null`)
//! is left out. Names of before 2023, such as `windspeed_10m`, are read too.

use chrono::NaiveDateTime;
use moodvane_model::{City, Readings, Timestamp, Variable};
use serde_json::{Map, Value};
use url::Url;

use crate::UpstreamError;
use crate::answer::{impossible, list, moment, number, object, refused, shown, wrong_type};
use crate::url::with_path;

/// The most past days for which hours can be asked.
pub const MAX_PAST_DAYS: u8 = 92;

const HOUR_S: f64 = 3600.0;
const DAY_S: i64 = 86_400;

/// A variable in the API's words.
struct Named {
    variable: Variable,
    /// The name asked for, then those of the API's older forms.
    names: &'static [&'static str],
    unit: &'static str,
    /// Whether the API's default unit, which holds where none is stated, is `unit`.
    unit_is_default: bool,
}

const NAMED: [Named; 6] = [
    Named {
        variable: Variable::Temperature,
        names: &["temperature_2m", "temperature"],
        unit: "°C",
        unit_is_default: true,
    },
    Named {
        variable: Variable::Humidity,
        names: &["relative_humidity_2m", "relativehumidity_2m"],
        unit: "%",
        unit_is_default: true,
    },
    Named {
        variable: Variable::Precipitation,
        names: &["precipitation"],
        unit: "mm",
        unit_is_default: true,
    },
    Named {
        variable: Variable::Wind,
        names: &["wind_speed_10m", "windspeed_10m", "windspeed"],
        unit: "m/s",
        unit_is_default: false,
    },
    Named {
        variable: Variable::Cloud,
        names: &["cloud_cover", "cloudcover"],
        unit: "%",
        unit_is_default: true,
    },
    Named {
        variable: Variable::Pressure,
        names: &["surface_pressure"],
        unit: "hPa",
        unit_is_default: true,
    },
];

/// Where to ask for the weather of now at a city.
#[must_use]
pub fn current_url(base: &Url, city: &City) -> Url {
    forecast_url(base, city, "current")
}

/// Where to ask for the hours of the last `past_days` days, and of today up to its end, at a city.
/// Past days beyond [`MAX_PAST_DAYS`] are not asked for.
#[must_use]
pub fn history_url(base: &Url, city: &City, past_days: u8) -> Url {
    let mut url = forecast_url(base, city, "hourly");
    url.query_pairs_mut()
        .append_pair("past_days", &past_days.min(MAX_PAST_DAYS).to_string())
        .append_pair("forecast_days", "1");
    url
}

fn forecast_url(base: &Url, city: &City, what: &str) -> Url {
    let variables: Vec<_> = NAMED.iter().map(|named| named.names[0]).collect();
    let mut url = with_path(base, "/v1/forecast");
    url.query_pairs_mut()
        .append_pair("latitude", &city.latitude.to_string())
        .append_pair("longitude", &city.longitude.to_string())
        .append_pair(what, &variables.join(","))
        .append_pair("temperature_unit", "celsius")
        .append_pair("wind_speed_unit", "ms")
        .append_pair("precipitation_unit", "mm")
        .append_pair("timeformat", "iso8601")
        .append_pair("timezone", "UTC");
    url
}

/// Reads the answer about now: when it holds for, and what it says. Precipitation, which the API
/// gives as a sum over the preceding `interval`, comes out in mm/h.
///
/// # Errors
/// [`UpstreamError`] where the answer is not what the API promises or is a refusal.
pub fn parse_current(body: &[u8]) -> Result<(Timestamp, Readings), UpstreamError> {
    let answer = answer(body)?;
    let block = ["current", "current_weather"]
        .into_iter()
        .find(|name| answer.contains_key(*name))
        .ok_or_else(|| UpstreamError::Missing("current".to_owned()))?;
    let block = Block::of(&answer, block)?;
    let at = block.moment(block.required("time")?, block.path("time"))?;
    let readings = block.readings(|path, value| match value {
        Value::Null => Ok(None),
        value => number(path, value).map(Some),
    })?;
    let readings = readings.ok_or_else(|| block.missing(Variable::Temperature))?;
    Ok((at, readings))
}

/// Reads the hours up to and including `until`: later ones are forecasts. An hour without a
/// temperature is left out. Precipitation is the sum of the preceding hour, so it is in mm/h as it is.
///
/// # Errors
/// [`UpstreamError`] where the answer is not what the API promises or is a refusal.
pub fn parse_history(
    body: &[u8],
    until: Timestamp,
) -> Result<Vec<(Timestamp, Readings)>, UpstreamError> {
    let answer = answer(body)?;
    let block = Block::of(&answer, "hourly")?;
    let times = list(&block.path("time"), Some(block.required("time")?))?;
    let mut hours = Vec::with_capacity(times.len());
    for (i, time) in times.iter().enumerate() {
        let at = block.moment(time, format!("hourly.time[{i}]"))?;
        if at > until {
            continue;
        }
        let readings = block.readings(|path, values| hour(path, values, (i, times.len())))?;
        hours.extend(readings.map(|readings| (at, readings)));
    }
    Ok(hours)
}

fn answer(body: &[u8]) -> Result<Map<String, Value>, UpstreamError> {
    let answer = object(body)?;
    if answer.get("error").and_then(Value::as_bool) == Some(true) {
        let reason = answer.get("reason").and_then(Value::as_str);
        let reason = reason.unwrap_or("without a reason");
        return Err(refused(reason));
    }
    Ok(answer)
}

/// A part of the answer: its values, and their units where they are stated.
struct Block<'a> {
    name: &'a str,
    values: &'a Map<String, Value>,
    units: Option<&'a Map<String, Value>>,
    utc_offset_ms: i64,
}

impl<'a> Block<'a> {
    fn of(answer: &'a Map<String, Value>, name: &'a str) -> Result<Self, UpstreamError> {
        let object = |name: &str| match answer.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(wrong_type(name, "an object")),
        };
        let utc_offset_s = match answer.get("utc_offset_seconds") {
            None => 0,
            Some(offset) => offset
                .as_i64()
                .filter(|s| (-DAY_S..=DAY_S).contains(s))
                .ok_or_else(|| wrong_type("utc_offset_seconds", "seconds within a day"))?,
        };
        let block = Self {
            name,
            values: object(name)?.ok_or_else(|| UpstreamError::Missing(name.to_owned()))?,
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
            .ok_or_else(|| UpstreamError::Missing(self.path(field)))
    }

    fn missing(&self, variable: Variable) -> UpstreamError {
        let name = NAMED[variable.index()].names[0];
        UpstreamError::Missing(self.path(name))
    }

    /// Whether the unit is stated, and then is the one asked for.
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
            found: shown(found),
        })
    }

    /// A time without an offset is local to the answer's `utc_offset_seconds`.
    fn moment(&self, time: &Value, path: String) -> Result<Timestamp, UpstreamError> {
        let text = time.as_str().unwrap_or_default();
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"));
        let utc = local.map(|local| local.and_utc().timestamp_millis() - self.utc_offset_ms);
        let utc = utc.map_err(|_| UpstreamError::Time {
            field: path.clone(),
            found: shown(time),
            example: "2018-01-01T02:15",
        })?;
        moment(&path, utc)
    }

    /// What `pick` finds under each variable's name; nothing where it finds no temperature.
    fn readings(
        &self,
        pick: impl Fn(&str, &Value) -> Result<Option<f64>, UpstreamError>,
    ) -> Result<Option<Readings>, UpstreamError> {
        let [temperature, others @ ..] = &NAMED;
        if self.name_of(temperature).is_none() {
            return Err(self.missing(temperature.variable));
        }
        let Some((path, celsius)) = self.value(temperature, &pick)? else {
            return Ok(None);
        };
        let mut readings = Readings::new(celsius).map_err(|e| impossible(&path, e))?;
        for named in others {
            if let Some((path, value)) = self.value(named, &pick)? {
                readings = readings
                    .with(named.variable, Some(value))
                    .map_err(|e| impossible(&path, e))?;
            }
        }
        Ok(Some(readings))
    }

    /// The first of a variable's names that the answer has.
    fn name_of(&self, named: &Named) -> Option<&'static str> {
        let is_there = |name: &&str| self.values.contains_key(*name);
        named.names.iter().copied().find(is_there)
    }

    /// A variable's path and its value in our unit, where there is one whose unit is certain.
    fn value(
        &self,
        named: &Named,
        pick: &impl Fn(&str, &Value) -> Result<Option<f64>, UpstreamError>,
    ) -> Result<Option<(String, f64)>, UpstreamError> {
        let Some(name) = self.name_of(named) else {
            return Ok(None);
        };
        let is_stated = self.check_unit(name, named.unit)?;
        let path = self.path(name);
        let Some(value) = pick(&path, self.required(name)?)? else {
            return Ok(None);
        };
        if !is_stated && !named.unit_is_default {
            return Ok(None);
        }
        Ok(Some((path, self.in_ours(named, value)?)))
    }

    /// A value in the variable's own unit. Of an hour, a sum over it is the rate already.
    fn in_ours(&self, named: &Named, value: f64) -> Result<f64, UpstreamError> {
        if named.variable != Variable::Precipitation || self.name == "hourly" {
            return Ok(value);
        }
        let interval = number(&self.path("interval"), self.required("interval")?)?;
        if (1.0..=DAY_S as f64).contains(&interval) {
            Ok(value * HOUR_S / interval)
        } else {
            let path = self.path("interval");
            Err(wrong_type(&path, "seconds, at least 1 and at most a day"))
        }
    }
}

/// The value of hour `i` of `len`.
fn hour(
    path: &str,
    values: &Value,
    (i, len): (usize, usize),
) -> Result<Option<f64>, UpstreamError> {
    let values = list(path, Some(values))?;
    if values.len() != len {
        return Err(wrong_type(path, "as long as hourly.time"));
    }
    match &values[i] {
        Value::Null => Ok(None),
        value => number(&format!("{path}[{i}]"), value).map(Some),
    }
}
