//! Apixu, current weather of API 1: what to ask, and what the answer means.
//!
//! Apixu itself is gone; [`crate::weatherstack`] is its successor, and there are servers that go on
//! with its shape.
//!
//! Guarantees: of the values that the answer gives in two units each, those in ours or nearer to ours
//! are read. Precipitation is left out: it is a sum, and the period is not documented (it is above 0
//! under a clear sky), so it cannot become mm/h. Pressure is that at sea level. An answer with a
//! forecast holds the weather of now too, which is then what is read.

use moodvane_model::{City, Readings, Timestamp, Variable};
use url::Url;

use crate::UpstreamError;
use crate::answer::{Field, Fields, object, refused_with};
use crate::url::{with_path, with_query};

const FIELDS: [Field; 5] = [
    Field::same(Variable::Temperature, "temp_c"),
    Field::same(Variable::Humidity, "humidity"),
    Field::wind_km_h("wind_kph"),
    Field::same(Variable::Cloud, "cloud"),
    Field::same(Variable::Pressure, "pressure_mb"),
];

/// Where to ask for the weather of now at a city.
#[must_use]
pub fn current_url(base: &Url, city: &City, key: &str) -> Url {
    let place = format!("{},{}", city.latitude, city.longitude);
    with_query(
        with_path(base, "/v1/current.json"),
        [("key", key), ("q", &place)],
    )
}

/// Reads the answer about now: when it was last updated, and what it says.
///
/// # Errors
/// [`UpstreamError`] where the answer is not what the API promises or is a refusal.
pub fn parse_current(body: &[u8]) -> Result<(Timestamp, Readings), UpstreamError> {
    let answer = object(body)?;
    if let Some(error) = answer.get("error") {
        return Err(refused_with(error.get("code"), error.get("message")));
    }
    let current = Fields::part(&answer, "current")?;
    let at = current.epoch("last_updated_epoch")?;
    Ok((at, current.readings(&FIELDS)?))
}
