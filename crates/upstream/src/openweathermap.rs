//! OpenWeatherMap, current weather of API 2.5: what to ask, and what the answer means.
//!
//! Guarantees: metric units are asked for. The answer does not state its units, but a temperature in
//! kelvin, which the API gives unless it is told otherwise, can be told from one in °C: no place on
//! earth has both numbers. It is refused. Precipitation is rain and snow together, in mm/h; where the
//! answer names the weather and nothing falls, it is 0, as the API then leaves the amounts out.
//! Pressure is that at the ground where it is given, else that at sea level.
//!
//! Its documentation asks for no more than one request per location each 10 minutes.

use moodvane_model::{City, Readings, Timestamp, Variable};
use serde_json::{Map, Value};
use url::Url;

use crate::UpstreamError;
use crate::answer::{Field, Fields, object, refused_with, with};
use crate::url::{with_path, with_query};

/// The lowest temperature in kelvin that may be one, and the highest: the bounds of °C, moved.
const KELVIN: std::ops::RangeInclusive<f64> = 173.15..=343.15;

const FIELDS: [Field; 4] = [
    Field::same(Variable::Temperature, "main.temp"),
    Field::same(Variable::Humidity, "main.humidity"),
    Field::same(Variable::Wind, "wind.speed"),
    Field::same(Variable::Cloud, "clouds.all"),
];

/// Where to ask for the weather of now at a city.
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

/// Reads the answer about now: when it holds for, and what it says.
///
/// # Errors
/// [`UpstreamError`] where the answer is not what the API promises or is a refusal.
pub fn parse_current(body: &[u8]) -> Result<(Timestamp, Readings), UpstreamError> {
    let answer = object(body)?;
    if let Some(refusal) = refusal(&answer) {
        return Err(refusal);
    }
    let fields = Fields::new("", &answer);
    if fields
        .number("main.temp")?
        .is_some_and(|t| KELVIN.contains(&t))
    {
        return Err(UpstreamError::WrongUnit {
            field: "main.temp".to_owned(),
            expected: "°C",
            found: "K".to_owned(),
        });
    }
    let readings = fields.readings(&FIELDS)?;
    let falling = precipitation_mm_h(&fields)?;
    let readings = with(readings, Variable::Precipitation, "rain and snow", falling)?;
    let (path, pressure) = match fields.number("main.grnd_level")? {
        Some(pressure) => ("main.grnd_level", Some(pressure)),
        None => ("main.pressure", fields.number("main.pressure")?),
    };
    let readings = with(readings, Variable::Pressure, path, pressure)?;
    Ok((fields.epoch("dt")?, readings))
}

/// The code is a number here and a text there, and left out at times.
fn refusal(answer: &Map<String, Value>) -> Option<UpstreamError> {
    let code = answer.get("cod")?;
    let is_good = code.as_i64() == Some(200) || code.as_str() == Some("200");
    (!is_good).then(|| refused_with(Some(code), answer.get("message")))
}

/// Rain and snow in mm/h, where they are known.
fn precipitation_mm_h(fields: &Fields<'_>) -> Result<Option<f64>, UpstreamError> {
    let mut sum = None;
    for what in ["rain", "snow"] {
        let of_hour = fields.number(&format!("{what}.1h"))?;
        // An older form of the API gives the sum of three hours.
        let of_three = fields.number(&format!("{what}.3h"))?;
        if let Some(amount) = of_hour.or(of_three.map(|mm| mm / 3.0)) {
            sum = Some(sum.unwrap_or(0.0) + amount);
        }
    }
    match sum {
        None => Ok(is_dry(fields)?.then_some(0.0)),
        sum => Ok(sum),
    }
}

/// Whether the weather is named and nothing falls. Ids of 200 to 699 are thunderstorm, drizzle, rain
/// and snow.
fn is_dry(fields: &Fields<'_>) -> Result<bool, UpstreamError> {
    let Some(Value::Array(conditions)) = fields.find("weather")? else {
        return Ok(false);
    };
    let dry = |condition: &Value| condition["id"].as_i64().is_some_and(|id| id >= 700);
    Ok(!conditions.is_empty() && conditions.iter().all(dry))
}
