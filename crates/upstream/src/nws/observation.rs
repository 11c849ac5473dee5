//! One observation of a station, and lists of them.

use chrono::DateTime;
use moodvane_model::{Readings, Timestamp, Variable};
use serde_json::{Map, Value};

use crate::UpstreamError;
use crate::answer::{Fields, list, object, readings, shown, with, wrong_type};
use crate::nws::sky::cover_percent;

/// What the unit codes begin with: they were renamed.
const UNIT_PREFIXES: [&str; 3] = ["wmoUnit:", "unit:", "nwsUnit:"];
/// The flags of values that count for nothing: rejected, questioned, and found bad by a person.
/// Source: MADIS quality control, whose flags the service passes on.
const BAD_FLAGS: [&str; 3] = ["X", "Q", "B"];

type ToOurs = fn(f64) -> f64;

struct Quantity {
    variable: Variable,
    field: &'static str,
    /// The unit that is ours, for an error.
    expected: &'static str,
    /// The units in which it may come.
    units: &'static [(&'static str, ToOurs)],
}

const QUANTITIES: [Quantity; 5] = [
    Quantity {
        variable: Variable::Temperature,
        field: "temperature",
        expected: "degC, degF or K",
        units: &[
            ("degC", |v| v),
            ("degF", |v| (v - 32.0) * 5.0 / 9.0),
            ("K", |v| v - 273.15),
        ],
    },
    Quantity {
        variable: Variable::Humidity,
        field: "relativeHumidity",
        expected: "percent",
        units: &[("percent", |v| v)],
    },
    Quantity {
        variable: Variable::Precipitation,
        field: "precipitationLastHour",
        expected: "mm or m",
        units: &[("mm", |v| v), ("m", |v| v * 1000.0)],
    },
    Quantity {
        variable: Variable::Wind,
        field: "windSpeed",
        expected: "m_s-1 or km_h-1",
        units: &[("m_s-1", |v| v), ("km_h-1", |v| v / 3.6)],
    },
    Quantity {
        variable: Variable::Pressure,
        field: "barometricPressure",
        expected: "Pa or hPa",
        units: &[("Pa", |v| v / 100.0), ("hPa", |v| v)],
    },
];

/// Reads a station's latest observation: when it was made, and what it says.
///
/// # Errors
/// [`UpstreamError`] where the answer is not what the API promises, or has no temperature that counts.
pub fn parse_latest(body: &[u8]) -> Result<(Timestamp, Readings), UpstreamError> {
    observation(&object(body)?, "properties")
}

/// Reads a list of observations, each by itself: one that is of no use does not cost the others.
///
/// # Errors
/// [`UpstreamError`] where the answer is not a list.
#[allow(
    clippy::type_complexity,
    reason = "a result in a list in a result is what it is"
)]
pub fn parse_list(
    body: &[u8],
) -> Result<Vec<Result<(Timestamp, Readings), UpstreamError>>, UpstreamError> {
    let answer = object(body)?;
    let features = list("features", answer.get("features"))?;
    let read = |(i, feature): (usize, &Value)| match feature {
        Value::Object(feature) => observation(feature, &format!("features[{i}].properties")),
        _ => Err(wrong_type(&format!("features[{i}]"), "an object")),
    };
    Ok(features.iter().enumerate().map(read).collect())
}

fn observation(
    feature: &Map<String, Value>,
    at: &str,
) -> Result<(Timestamp, Readings), UpstreamError> {
    let properties = match feature.get("properties") {
        Some(Value::Object(properties)) => Fields::new(at, properties),
        Some(_) => return Err(wrong_type(at, "an object")),
        None => return Err(UpstreamError::Missing(at.to_owned())),
    };
    let mut values = Vec::with_capacity(QUANTITIES.len());
    for quantity in &QUANTITIES {
        let value = match value(&properties, quantity) {
            Err(UpstreamError::NoValue { .. }) if quantity.variable != Variable::Temperature => {
                None
            }
            other => Some(other?),
        };
        values.push((quantity.variable, properties.path(quantity.field), value));
    }
    let made_at = properties.time("timestamp", "2018-01-01T02:15:00+00:00", |text| {
        Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis())
    })?;
    let cloud = properties.find("cloudLayers")?.and_then(cover_percent);
    let path = properties.path("cloudLayers");
    Ok((
        made_at,
        with(readings(values)?, Variable::Cloud, &path, cloud)?,
    ))
}

/// A value in our unit.
fn value(properties: &Fields<'_>, quantity: &Quantity) -> Result<f64, UpstreamError> {
    let part = |name: &str| format!("{}.{name}", quantity.field);
    let field = properties.path(quantity.field);
    let no_value = |why: String| UpstreamError::NoValue {
        field: field.clone(),
        why,
    };
    if properties.find(quantity.field)?.is_none() && quantity.variable == Variable::Temperature {
        return Err(UpstreamError::Missing(field));
    }
    let value = properties.find(&part("value"))?;
    let value = value.ok_or_else(|| no_value("null".to_owned()))?;
    let flag = properties
        .find(&part("qualityControl"))?
        .and_then(Value::as_str);
    if let Some(flag) = flag
        && BAD_FLAGS.contains(&flag.trim_start_matches("qc:"))
    {
        return Err(no_value(format!("quality flag {}", shown(&flag.into()))));
    }
    let code = properties.required(&part("unitCode"))?;
    let to_ours = unit(code, quantity).ok_or_else(|| UpstreamError::WrongUnit {
        field: properties.path(&part("unitCode")),
        expected: quantity.expected,
        found: shown(code),
    })?;
    // The service has sent numbers as texts at times.
    let number = value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok());
    let number = number.ok_or_else(|| wrong_type(&properties.path(&part("value")), "a number"))?;
    Ok(to_ours(number))
}

fn unit(code: &Value, quantity: &Quantity) -> Option<ToOurs> {
    let code = code.as_str()?;
    let short = UNIT_PREFIXES
        .iter()
        .find_map(|prefix| code.strip_prefix(prefix))?;
    let known = quantity.units.iter().find(|(name, _)| *name == short);
    known.map(|(_, to_ours)| *to_ours)
}
