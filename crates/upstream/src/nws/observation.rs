//! One observation of a station, and lists of them.

use chrono::DateTime;
use moodvane_model::Variable;
use serde_json::{Map, Value};

use crate::nws::sky::cover_percent;
use crate::omitted::{OmitReason, WeatherBuilder};
use crate::response::{
    Fields, as_list, display_value, invalid_value, parse_object, read_side_value, wrong_type,
};
use crate::units::conversion;
use crate::{ParsedWeather, UpstreamError};

/// Flags of values to ignore: rejected, questioned, and marked bad by a person.
/// Source: MADIS quality control, whose flags the service passes through.
const BAD_FLAGS: [&str; 3] = ["X", "Q", "B"];
/// The units that temperatures are accepted in, for an error message.
const TEMPERATURE_UNITS: &str = "degC, degF or K";

/// The side values, each with its field. The cloud cover comes from the cloud layers.
const SIDE_VALUES: [(Variable, &str); 4] = [
    (Variable::Humidity, "relativeHumidity"),
    (Variable::Precipitation, "precipitationLastHour"),
    (Variable::Wind, "windSpeed"),
    (Variable::Pressure, "barometricPressure"),
];
const TEMPERATURE: &str = "temperature";

/// Time of observation and readings, or the reason why the observation is unusable.
pub type ParsedObservation = Result<ParsedWeather, UpstreamError>;

/// Parses a station's latest observation: time of observation and readings.
///
/// # Errors
/// [`UpstreamError`] if the response does not match the documentation or has no usable temperature.
pub fn parse_latest(body: &[u8]) -> ParsedObservation {
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

fn observation(feature: &Map<String, Value>, path: &str) -> ParsedObservation {
    let properties = match feature.get("properties") {
        Some(Value::Object(properties)) => Fields::new(path, properties),
        Some(_) => return Err(wrong_type(path, "an object")),
        None => return Err(UpstreamError::MissingField(path.to_owned())),
    };
    let field = properties.path(TEMPERATURE);
    let readings = WeatherBuilder::new(celsius(&properties)?);
    let mut readings = readings.map_err(|e| invalid_value(&field, e))?;
    let observed_at = properties.time("timestamp", "2018-01-01T02:15:00+00:00", |text| {
        Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis())
    })?;
    for (variable, field) in SIDE_VALUES {
        if properties.find(field)?.is_none() {
            continue;
        }
        let (value, stated) = measured(&properties, variable, field);
        readings.add(
            variable,
            value,
            properties.path(field),
            display_value(stated),
        );
    }
    if let Some(layers) = properties.find("cloudLayers")?
        && layers.as_array().is_none_or(|layers| !layers.is_empty())
    {
        let cover = cover_percent(layers).ok_or(OmitReason::NotANumber);
        let path = properties.path("cloudLayers");
        readings.add(Variable::Cloud, cover, path, display_value(layers));
    }
    Ok(readings.observed_at(observed_at))
}

/// The value of a quantity in our unit, and as stated.
fn measured<'v>(
    properties: &Fields<'v>,
    variable: Variable,
    field: &str,
) -> (Result<f64, OmitReason>, &'v Value) {
    let subfield = |name: &str| properties.stated(&format!("{field}.{name}"));
    let stated = subfield("value").unwrap_or(&Value::Null);
    let flag = subfield("qualityControl").and_then(Value::as_str);
    let is_bad = flag.is_some_and(|flag| BAD_FLAGS.contains(&flag.trim_start_matches("qc:")));
    let value = read_side_value(variable, stated).and_then(|raw| {
        if is_bad {
            return Err(OmitReason::Quality);
        }
        let code = subfield("unitCode").and_then(Value::as_str);
        // A code without its prefix could be of another vocabulary.
        let code = code.filter(|code| code.contains(':'));
        let convert = code.and_then(|code| conversion(variable, code));
        Ok(raw.convert(convert.ok_or(OmitReason::Unit)?))
    });
    (value, stated)
}

/// The temperature in °C, which an observation must have.
fn celsius(properties: &Fields<'_>) -> Result<f64, UpstreamError> {
    let path = |name: &str| properties.path(&format!("{TEMPERATURE}.{name}"));
    if properties.find(TEMPERATURE)?.is_none() {
        return Err(UpstreamError::MissingField(properties.path(TEMPERATURE)));
    }
    let (value, stated) = measured(properties, Variable::Temperature, TEMPERATURE);
    value.map_err(|reason| match reason {
        OmitReason::Unit => UpstreamError::WrongUnit {
            field: path("unitCode"),
            expected: TEMPERATURE_UNITS,
            found: properties
                .stated(&format!("{TEMPERATURE}.unitCode"))
                .map_or("nothing".to_owned(), display_value),
        },
        OmitReason::Missing | OmitReason::Quality => UpstreamError::NoValue {
            field: properties.path(TEMPERATURE),
            why: format!("{}, {reason}", display_value(stated)),
        },
        OmitReason::NotANumber | OmitReason::Impossible => wrong_type(&path("value"), "a number"),
    })
}
