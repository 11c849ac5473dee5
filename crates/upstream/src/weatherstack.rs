//! Weatherstack: request URL and parser of the current weather.
//!
//! Guarantees: the request asks for metric units, and the parser checks the unit system stated in the
//! response. The response gives the time of observation in UTC without a date; the parser takes the
//! date from the local time and UTC offset in the response (`localtime_epoch` is unusable: it is local
//! time encoded as an epoch). Rejections have status 200, so the parser recognises them by content. It
//! omits precipitation, because the response states a sum over an undocumented period, which cannot be
//! converted to mm/h. Pressure is at sea level.
//!
//! The free plan allows 100 requests a month.

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use moodvane_model::{City, Variable};
use url::Url;

use crate::response::{FieldSpec, Fields, parse_object, rejection_with_code, wrong_type};
use crate::url::{with_path, with_query};
use crate::{ParsedWeather, UpstreamError};

const FIELDS: [FieldSpec; 5] = [
    FieldSpec::unconverted(Variable::Temperature, "temperature"),
    FieldSpec::unconverted(Variable::Humidity, "humidity"),
    FieldSpec::wind_km_h("wind_speed"),
    FieldSpec::unconverted(Variable::Cloud, "cloudcover"),
    FieldSpec::unconverted(Variable::Pressure, "pressure"),
];

/// How far the time of observation may lie after the time of the response. Both have a resolution of
/// one minute and come from different clocks. A later observation is from the day before.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::hours(1);
const MAX_OFFSET_H: f64 = 24.0;

/// URL of the current weather at a city.
#[must_use]
pub fn current_url(base: &Url, city: &City, key: &str) -> Url {
    let place = format!("{},{}", city.latitude, city.longitude);
    with_query(
        with_path(base, "/current"),
        [("access_key", key), ("query", &place), ("units", "m")],
    )
}

/// Parses the current weather: time of observation and readings.
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request or does not match the documentation.
pub fn parse_current(body: &[u8]) -> Result<ParsedWeather, UpstreamError> {
    let response = parse_object(body)?;
    if let Some(error) = response.get("error") {
        return Err(rejection_with_code(error.get("code"), error.get("info")));
    }
    Fields::new("", &response).expect_unit("request.unit", "m")?;
    let current = Fields::section(&response, "current")?;
    let responded_at = responded_at(Fields::section(&response, "location")?)?;
    let at = current.time("observation_time", "04:55 PM", |text| {
        let time = NaiveTime::parse_from_str(text, "%I:%M %p").ok()?;
        let today = responded_at.date().and_time(time);
        let is_today = today <= responded_at.checked_add_signed(MAX_CLOCK_SKEW)?;
        let at = if is_today {
            today
        } else {
            today.checked_sub_days(chrono::Days::new(1))?
        };
        Some(at.and_utc().timestamp_millis())
    })?;
    Ok(current.readings(&FIELDS)?.observed_at(at))
}

/// The time of the response, in UTC.
fn responded_at(location: Fields<'_>) -> Result<NaiveDateTime, UpstreamError> {
    let offset = location.text("utc_offset")?.parse().ok();
    let offset = offset
        .filter(|hours: &f64| hours.abs() <= MAX_OFFSET_H)
        .ok_or_else(|| wrong_type("location.utc_offset", "a text of hours, such as \"-4.0\""))?;
    let offset = TimeDelta::seconds((offset * 3600.0).round() as i64);
    let at = location.time("localtime", "2018-01-01 02:15", |text| {
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok()?;
        let utc = local.checked_sub_signed(offset)?;
        Some(utc.and_utc().timestamp_millis())
    })?;
    Ok(at.to_chrono().naive_utc())
}
