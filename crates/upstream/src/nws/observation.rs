//! One observation of a station, and lists of them.

use chrono::DateTime;
use moodvane_model::{Readings, Timestamp, Variable};
use serde_json::{Map, Value};

use crate::UpstreamError;
use crate::nws::sky::cover_percent;
use crate::response::{
    Fields, as_list, display_value, parse_object, readings, with_value, wrong_type,
};

/// Prefixes of unit codes: the service has renamed them over time.
const UNIT_PREFIXES: [&str; 3] = ["wmoUnit:", "unit:", "nwsUnit:"];
/// Flags of values to ignore: rejected, questioned, and marked bad by a person.
/// Source: MADIS quality control, whose flags the service passes through.
const BAD_FLAGS: [&str; 3] = ["X", "Q", "B"];

type Convert = fn(f64) -> f64;

struct Quantity {
    variable: Variable,
    field: &'static str,
    /// The accepted units, for an error message.
    expected: &'static str,
    /// The accepted units, each with the conversion to ours.
    units: &'static [(&'static str, Convert)],
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

/// Time of observation and readings, or the reason why the observation is unusable.
pub type ParsedObservation = Result<(Timestamp, Readings), UpstreamError>;

/// Parses a station's latest observation: time of observation and readings.
///
/// # Errors
/// [`UpstreamError`] if the response does not match the documentation or has no usable temperature.
pub fn parse_latest(body: &[u8]) -> Result<(Timestamp, Readings), UpstreamError> {
    observation(&parse_object(body)?, "properties")
}

/// Parses a list of observations, each independently of the others.
///
/// # Errors
/// [`UpstreamError`] if the response is not a list.
pub fn parse_observations(body: &[u8]) -> Result<Vec<ParsedObservation>, UpstreamError> {
    let response = parse_object(body)?;
    let features = as_list("features", response.get("features"))?;
    let parse = |(i, feature): (usize, &Value)| match feature {
        Value::Object(feature) => observation(feature, &format!("features[{i}].properties")),
        _ => Err(wrong_type(&format!("features[{i}]"), "an object")),
    };
    Ok(features.iter().enumerate().map(parse).collect())
}

fn observation(
    feature: &Map<String, Value>,
    path: &str,
) -> Result<(Timestamp, Readings), UpstreamError> {
    let properties = match feature.get("properties") {
        Some(Value::Object(properties)) => Fields::new(path, properties),
        Some(_) => return Err(wrong_type(path, "an object")),
        None => return Err(UpstreamError::MissingField(path.to_owned())),
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
    let observed_at = properties.time("timestamp", "2018-01-01T02:15:00+00:00", |text| {
        Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis())
    })?;
    let cloud = properties.find("cloudLayers")?.and_then(cover_percent);
    let path = properties.path("cloudLayers");
    Ok((
        observed_at,
        with_value(readings(values)?, Variable::Cloud, &path, cloud)?,
    ))
}

/// The value of a quantity in our unit.
fn value(properties: &Fields<'_>, quantity: &Quantity) -> Result<f64, UpstreamError> {
    let subfield = |name: &str| format!("{}.{name}", quantity.field);
    let field = properties.path(quantity.field);
    let no_value = |why: String| UpstreamError::NoValue {
        field: field.clone(),
        why,
    };
    if properties.find(quantity.field)?.is_none() && quantity.variable == Variable::Temperature {
        return Err(UpstreamError::MissingField(field));
    }
    let value = properties.find(&subfield("value"))?;
    let value = value.ok_or_else(|| no_value("null".to_owned()))?;
    let flag = properties
        .find(&subfield("qualityControl"))?
        .and_then(Value::as_str);
    if let Some(flag) = flag
        && BAD_FLAGS.contains(&flag.trim_start_matches("qc:"))
    {
        return Err(no_value(format!(
            "quality flag {}",
            display_value(&flag.into())
        )));
    }
    let code = properties.required(&subfield("unitCode"))?;
    let convert = unit(code, quantity).ok_or_else(|| UpstreamError::WrongUnit {
        field: properties.path(&subfield("unitCode")),
        expected: quantity.expected,
        found: display_value(code),
    })?;
    // Some responses contain numbers as strings.
    let number = value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok());
    let number =
        number.ok_or_else(|| wrong_type(&properties.path(&subfield("value")), "a number"))?;
    Ok(convert(number))
}

fn unit(code: &Value, quantity: &Quantity) -> Option<Convert> {
    let code = code.as_str()?;
    let short = UNIT_PREFIXES
        .iter()
        .find_map(|prefix| code.strip_prefix(prefix))?;
    let known = quantity.units.iter().find(|(name, _)| *name == short);
    known.map(|(_, convert)| *convert)
}
