//! Weatherstack, current weather: what to ask, and what the answer means.
//!
//! Guarantees: metric units are asked for, and the answer's word for them is checked. The answer gives
//! the time of observation without a date, in UTC; the date is found by the place's own time, which the
//! answer gives with its offset (`localtime_epoch` is no help: it is local time written as an epoch).
//! A refusal comes with status 200 and is told by its content. Precipitation is left out: it is a sum,
//! and the period is not documented, so it cannot become mm/h. Pressure is that at sea level.
//!
//! Its free plan allows 100 requests a month.

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use moodvane_model::{City, Readings, Timestamp, Variable};
use url::Url;

use crate::UpstreamError;
use crate::answer::{Field, Fields, object, refused_with, wrong_type};
use crate::url::{with_path, with_query};

const FIELDS: [Field; 5] = [
    Field::same(Variable::Temperature, "temperature"),
    Field::same(Variable::Humidity, "humidity"),
    Field::wind_km_h("wind_speed"),
    Field::same(Variable::Cloud, "cloudcover"),
    Field::same(Variable::Pressure, "pressure"),
];

/// How far the observation may seem to lie after the answer: both are told to the minute, by clocks of
/// their own. What seems to lie later is of the day before.
const AHEAD: TimeDelta = TimeDelta::hours(1);
const MAX_OFFSET_H: f64 = 24.0;

/// Where to ask for the weather of now at a city.
#[must_use]
pub fn current_url(base: &Url, city: &City, key: &str) -> Url {
    let place = format!("{},{}", city.latitude, city.longitude);
    with_query(
        with_path(base, "/current"),
        [("access_key", key), ("query", &place), ("units", "m")],
    )
}

/// Reads the answer about now: when it was observed, and what it says.
///
/// # Errors
/// [`UpstreamError`] where the answer is not what the API promises or is a refusal.
pub fn parse_current(body: &[u8]) -> Result<(Timestamp, Readings), UpstreamError> {
    let answer = object(body)?;
    if let Some(error) = answer.get("error") {
        return Err(refused_with(error.get("code"), error.get("info")));
    }
    Fields::new("", &answer).must_be("request.unit", "m")?;
    let current = Fields::part(&answer, "current")?;
    let asked_at = asked_at(Fields::part(&answer, "location")?)?;
    let at = current.time("observation_time", "04:55 PM", |text| {
        let time = NaiveTime::parse_from_str(text, "%I:%M %p").ok()?;
        let today = asked_at.date().and_time(time);
        let is_today = today <= asked_at.checked_add_signed(AHEAD)?;
        let at = if is_today {
            today
        } else {
            today.checked_sub_days(chrono::Days::new(1))?
        };
        Some(at.and_utc().timestamp_millis())
    })?;
    Ok((at, current.readings(&FIELDS)?))
}

/// When the answer was given, in UTC.
fn asked_at(location: Fields<'_>) -> Result<NaiveDateTime, UpstreamError> {
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
