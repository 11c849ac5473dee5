//! `GET /v1/forecast` in the format of Open-Meteo.
//!
//! The simulator rejects what it does not support (another location, variable, unit or zone) in the
//! real service's format: status 400 and `{"error":true,"reason":…}`.

mod request;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use moodvane_model::{HourSlot, Timestamp};
use moodvane_world::Weather;
use serde_json::{Map, Value, json};

use self::request::{Request, RequestedVariable};
use crate::feed::timestamp;
use crate::journal::WeatherKind;
use crate::state::{Place, SharedWorld};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Maximum distance of a request's location from a city, in degrees.
const MAX_DISTANCE_DEGREES: f64 = 0.5;

/// The reason in the response to a rejected request.
pub(crate) type RejectReason = String;

/// The temperature in °C, rounded as in responses.
pub(crate) fn temperature(weather: &Weather) -> f64 {
    rounded(weather.temperature_c, 10.0)
}

/// The pressure at the surface in hPa; every city is about 10 m above sea level.
pub(crate) fn surface_pressure(weather: &Weather) -> f64 {
    rounded(weather.pressure_hpa - 1.2, 10.0)
}

/// Rounds to multiples of 1 / `parts`; never -0.
pub(crate) fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts + 0.0
}

/// Handles `GET /v1/forecast`.
pub(crate) async fn forecast(
    State(shared): State<SharedWorld>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    let result = query
        .map_err(|rejection| rejection.body_text())
        .and_then(|Query(pairs)| Request::parse(&pairs))
        .and_then(|request| build_response(&shared, &request));
    match result {
        Ok(body) => Json(body).into_response(),
        Err(reason) => {
            let body = json!({"error": true, "reason": reason});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    }
}

/// The city at a location, the nearest of several.
pub(crate) fn find_place(
    shared: &SharedWorld,
    location: (f64, f64),
) -> Result<&Place, RejectReason> {
    let distance = |place: &Place| {
        let latitude = (location.0 - place.city.latitude).abs();
        latitude.max((location.1 - place.city.longitude).abs())
    };
    let nearest = shared
        .places
        .iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .ok_or("The simulator has no city")?;
    if distance(nearest) <= MAX_DISTANCE_DEGREES {
        return Ok(nearest);
    }
    let others = match shared.places.len() {
        1 => "only".to_owned(),
        cities => format!("and of {} other cities only", cities - 1),
    };
    Err(format!(
        "The simulator has the weather of latitude {} and longitude {} {others}",
        nearest.city.latitude, nearest.city.longitude
    ))
}

/// The response: an object for one location, a list for several.
fn build_response(shared: &SharedWorld, request: &Request) -> Result<Value, RejectReason> {
    let locations = request.places.iter();
    // Rejects before any weather is recorded as served.
    let found: Vec<((f64, f64), &Place)> = locations
        .map(|location| Ok((*location, find_place(shared, *location)?)))
        .collect::<Result<_, RejectReason>>()?;
    let now = shared.clock.now();
    let mut all: Vec<Value> = found
        .into_iter()
        .map(|place| build_element(shared, request, place, now))
        .collect();
    for (id, element) in all.iter_mut().enumerate().skip(1) {
        element["location_id"] = json!(id);
    }
    match all.len() {
        1 => Ok(all.remove(0)),
        _ => Ok(Value::Array(all)),
    }
}

fn build_element(
    shared: &SharedWorld,
    request: &Request,
    ((latitude, longitude), place): ((f64, f64), &Place),
    now: Timestamp,
) -> Value {
    let mut body = json!({
        "latitude": rounded(latitude, 100.0),
        "longitude": rounded(longitude, 100.0),
        "generationtime_ms": 0.05,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 10.0,
    });
    if !request.current.is_empty() {
        let (units, current) = current(shared, request, place, now);
        body["current_units"] = units;
        body["current"] = current;
    }
    if !request.hourly.is_empty() {
        let (units, hourly) = hourly(shared, request, place, now);
        body["hourly_units"] = units;
        body["hourly"] = hourly;
    }
    body
}

fn current(
    shared: &SharedWorld,
    request: &Request,
    place: &Place,
    now: Timestamp,
) -> (Value, Value) {
    let interval_s = shared.config.interval_s;
    let at = shared.current_slot(place, now);
    let weather = shared.weather(place, at);
    if request
        .current
        .iter()
        .any(|(_, v)| *v == RequestedVariable::Temperature)
    {
        shared.record_weather(place, WeatherKind::Current, [(at, temperature(&weather))]);
    }
    shared.counters.current();
    let mut units = Map::new();
    let mut values = Map::new();
    units.insert("time".into(), json!("iso8601"));
    units.insert("interval".into(), json!("seconds"));
    values.insert("time".into(), json!(format_minute(at)));
    values.insert("interval".into(), json!(interval_s));
    let hours = f64::from(interval_s) / 3_600.0;
    for (name, variable) in &request.current {
        units.insert((*name).into(), json!(variable.unit(request)));
        values.insert((*name).into(), variable.value(&weather, hours, request));
    }
    (Value::Object(units), Value::Object(values))
}

fn hourly(
    shared: &SharedWorld,
    request: &Request,
    place: &Place,
    now: Timestamp,
) -> (Value, Value) {
    let today = now.millis() - now.millis() % DAY_MS;
    let first = today - i64::from(request.past_days) * DAY_MS;
    let hours = 24 * i64::from(request.past_days + request.forecast_days);
    let times: Vec<Timestamp> = (0..hours).map(|h| timestamp(first + h * HOUR_MS)).collect();
    // Near the bounds of the calendar several times become one; the set removes duplicates.
    let times: BTreeSet<HourSlot> = times.into_iter().map(HourSlot::containing).collect();
    let samples: Vec<(Timestamp, Weather)> = times
        .into_iter()
        .map(|hour| (hour.start(), shared.weather(place, hour.start())))
        .collect();
    if request
        .hourly
        .iter()
        .any(|(_, v)| *v == RequestedVariable::Temperature)
    {
        let past = samples.iter().filter(|(at, _)| *at <= now);
        let values = past.map(|(at, weather)| (*at, temperature(weather)));
        shared.record_weather(place, WeatherKind::Hourly, values);
    }
    shared.counters.history();
    let mut units = Map::new();
    let mut values = Map::new();
    units.insert("time".into(), json!("iso8601"));
    let minutes: Vec<String> = samples.iter().map(|(at, _)| format_minute(*at)).collect();
    values.insert("time".into(), json!(minutes));
    for (name, variable) in &request.hourly {
        let column: Vec<Value> = samples
            .iter()
            .map(|(_, weather)| variable.value(weather, 1.0, request))
            .collect();
        units.insert((*name).into(), json!(variable.unit(request)));
        values.insert((*name).into(), Value::Array(column));
    }
    (Value::Object(units), Value::Object(values))
}

/// Formats a time like Open-Meteo: to the minute and without an offset.
fn format_minute(at: Timestamp) -> String {
    at.to_chrono().format("%Y-%m-%dT%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_values_without_negative_zero() {
        for (value, parts, served) in [
            (13.26, 10.0, "13.3"),
            (-0.04, 10.0, "0.0"),
            (0.005, 100.0, "0.01"),
            (1013.25, 10.0, "1013.3"),
        ] {
            assert_eq!(json!(rounded(value, parts)).to_string(), served);
        }
    }
}
