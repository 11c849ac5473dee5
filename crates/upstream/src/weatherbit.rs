//! Weatherbit, current weather of API 2.0: what to ask, and what the answer means.
//!
//! Guarantees: metric units are asked for; the answer does not state its own. An answer about hours or
//! days to come looks much the same and is told by its lacking the time of observation. That time is
//! taken to the minute, as `ob_time` has it: `ts` is the same with fractions of seconds. Precipitation
//! is a rate in mm/h with snow as water; pressure is that of the place, not of the sea.
//!
//! Its free plan allows 50 requests a day.

use chrono::NaiveDateTime;
use moodvane_model::{City, Readings, Timestamp, Variable};
use serde_json::{Map, Value};
use url::Url;

use crate::UpstreamError;
use crate::answer::{Field, Fields, list, object, refused_with, wrong_type};
use crate::url::{with_path, with_query};

const FIELDS: [Field; 6] = [
    Field::same(Variable::Temperature, "temp"),
    Field::same(Variable::Humidity, "rh"),
    Field::same(Variable::Precipitation, "precip"),
    Field::same(Variable::Wind, "wind_spd"),
    Field::same(Variable::Cloud, "clouds"),
    Field::same(Variable::Pressure, "pres"),
];

/// Where to ask for the weather of now at a city.
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

/// Reads the answer about now: when it was observed, in UTC, and what it says.
///
/// # Errors
/// [`UpstreamError`] where the answer is not what the API promises or is a refusal.
pub fn parse_current(body: &[u8]) -> Result<(Timestamp, Readings), UpstreamError> {
    let answer = object(body)?;
    if let Some(refusal) = refusal(&answer) {
        return Err(refusal);
    }
    let data = list("data", answer.get("data"))?;
    let first = data.first();
    let first = first.ok_or_else(|| UpstreamError::Missing("data[0]".to_owned()))?;
    let Value::Object(first) = first else {
        return Err(wrong_type("data[0]", "an object"));
    };
    let fields = Fields::new("data[0]", first);
    let at = fields.time("ob_time", "2018-01-01 02:15", |text| {
        let utc = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok()?;
        Some(utc.and_utc().timestamp_millis())
    })?;
    Ok((at, fields.readings(&FIELDS)?))
}

/// `{"error": …}`, or in a newer form `{"status_code": …, "status_message": …}`.
fn refusal(answer: &Map<String, Value>) -> Option<UpstreamError> {
    if let Some(error) = answer.get("error") {
        return Some(refused_with(None, Some(error)));
    }
    let code = answer.get("status_code")?;
    Some(refused_with(Some(code), answer.get("status_message")))
}
