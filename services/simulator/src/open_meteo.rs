//! `GET /v1/forecast` in the shape of Open-Meteo.
//!
//! What the simulator does not know (another place, variable, unit or zone) it refuses, as the real
//! service refuses what it does not know: status 400 and `{"error":true,"reason":…}`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use moodvane_model::{HourSlot, Timestamp};
use serde_json::{Map, Value, json};

use crate::feed::moment;
use crate::journal::Kind;
use crate::state::Shared;
use crate::weather::Weather;

const MAX_PAST_DAYS: u32 = 92;
const MAX_FORECAST_DAYS: u32 = 16;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How far from the city a place may lie and still be the city's, in degrees.
const NEAR_DEGREES: f64 = 0.5;
/// Parameters that change nothing here.
const IGNORED: [&str; 4] = ["elevation", "models", "cell_selection", "apikey"];

/// A request that is refused, with the reason.
pub(crate) type Refused = String;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Temperature,
    Humidity,
    Precipitation,
    Wind,
    Cloud,
    PressureAtSea,
    PressureAtSurface,
}

impl Asked {
    const ALL: [(&'static str, Self); 7] = [
        ("temperature_2m", Self::Temperature),
        ("relative_humidity_2m", Self::Humidity),
        ("precipitation", Self::Precipitation),
        ("wind_speed_10m", Self::Wind),
        ("cloud_cover", Self::Cloud),
        ("pressure_msl", Self::PressureAtSea),
        ("surface_pressure", Self::PressureAtSurface),
    ];

    fn parse(name: &str) -> Result<(&'static str, Self), Refused> {
        let known = Self::ALL.into_iter().find(|(known, _)| *known == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            format!("Cannot initialize a weather variable from invalid String value {name}; it must be one of {names}")
        })
    }

    fn unit(self, request: &Request) -> &'static str {
        match self {
            Self::Temperature => "°C",
            Self::Humidity | Self::Cloud => "%",
            Self::Precipitation => "mm",
            Self::Wind => request.wind.name(),
            Self::PressureAtSea | Self::PressureAtSurface => "hPa",
        }
    }

    /// The value as it is served. `hours` is how long precipitation was gathered for.
    fn value(self, weather: &Weather, hours: f64, request: &Request) -> Value {
        match self {
            Self::Temperature => json!(temperature(weather)),
            Self::Humidity => json!(weather.humidity_pct.round() as i64),
            Self::Precipitation => json!(rounded(weather.precipitation_mm_h * hours, 100.0)),
            Self::Wind => json!(rounded(weather.wind_m_s * request.wind.per_m_s(), 10.0)),
            Self::Cloud => json!(weather.cloud_pct.round() as i64),
            Self::PressureAtSea => json!(rounded(weather.pressure_hpa, 10.0)),
            Self::PressureAtSurface => json!(surface_pressure(weather)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WindUnit {
    KilometresPerHour,
    MetresPerSecond,
}

impl WindUnit {
    fn name(self) -> &'static str {
        match self {
            Self::KilometresPerHour => "km/h",
            Self::MetresPerSecond => "m/s",
        }
    }

    fn per_m_s(self) -> f64 {
        match self {
            Self::KilometresPerHour => 3.6,
            Self::MetresPerSecond => 1.0,
        }
    }
}

#[derive(Debug, PartialEq)]
struct Request {
    latitude: f64,
    longitude: f64,
    current: Vec<(&'static str, Asked)>,
    hourly: Vec<(&'static str, Asked)>,
    past_days: u32,
    forecast_days: u32,
    wind: WindUnit,
}

impl Request {
    fn parse(pairs: &[(String, String)]) -> Result<Self, Refused> {
        let (mut latitude, mut longitude) = (None, None);
        let mut request = Self {
            latitude: 0.0,
            longitude: 0.0,
            current: Vec::new(),
            hourly: Vec::new(),
            past_days: 0,
            forecast_days: 7,
            wind: WindUnit::KilometresPerHour,
        };
        for (name, value) in pairs {
            match name.as_str() {
                "latitude" => latitude = Some(degrees(name, value, 90.0)?),
                "longitude" => longitude = Some(degrees(name, value, 180.0)?),
                "current" => add_variables(&mut request.current, value)?,
                "hourly" => add_variables(&mut request.hourly, value)?,
                "past_days" => request.past_days = days(name, value, MAX_PAST_DAYS)?,
                "forecast_days" => request.forecast_days = days(name, value, MAX_FORECAST_DAYS)?,
                "wind_speed_unit" => request.wind = wind_unit(value)?,
                "temperature_unit" => only(name, value, &["celsius"])?,
                "precipitation_unit" => only(name, value, &["mm"])?,
                "timeformat" => only(name, value, &["iso8601"])?,
                "timezone" => only(name, value, &["UTC", "GMT"])?,
                ignored if IGNORED.contains(&ignored) => {}
                _ => return Err(format!("Parameter '{name}' is not known to the simulator")),
            }
        }
        request.latitude = latitude.ok_or("Parameter 'latitude' is required")?;
        request.longitude = longitude.ok_or("Parameter 'longitude' is required")?;
        Ok(request)
    }
}

fn degrees(name: &str, value: &str, limit: f64) -> Result<f64, Refused> {
    value
        .parse()
        .ok()
        .filter(|degrees: &f64| degrees.abs() <= limit)
        .ok_or_else(|| {
            format!("Parameter '{name}' must be in range of -{limit} to {limit}°. Given: {value}.")
        })
}

fn days(name: &str, value: &str, limit: u32) -> Result<u32, Refused> {
    value
        .parse()
        .ok()
        .filter(|days| *days <= limit)
        .ok_or_else(|| {
            format!("Parameter '{name}' is out of allowed range from 0 to {limit}. Given: {value}.")
        })
}

fn wind_unit(value: &str) -> Result<WindUnit, Refused> {
    only("wind_speed_unit", value, &["kmh", "ms"])?;
    Ok(if value == "ms" {
        WindUnit::MetresPerSecond
    } else {
        WindUnit::KilometresPerHour
    })
}

fn only(name: &str, value: &str, known: &[&str]) -> Result<(), Refused> {
    if known.contains(&value) {
        return Ok(());
    }
    let known = known.join(" or ");
    Err(format!(
        "Parameter '{name}' must be {known}. Given: {value}."
    ))
}

fn add_variables(all: &mut Vec<(&'static str, Asked)>, names: &str) -> Result<(), Refused> {
    for name in names.split(',').filter(|name| !name.is_empty()) {
        let variable = Asked::parse(name)?;
        if !all.contains(&variable) {
            all.push(variable);
        }
    }
    Ok(())
}

/// The temperature as it is served, in °C.
pub(crate) fn temperature(weather: &Weather) -> f64 {
    rounded(weather.temperature_c, 10.0)
}

/// The pressure about 10 m above the sea, wherever the city lies, in hPa.
pub(crate) fn surface_pressure(weather: &Weather) -> f64 {
    rounded(weather.pressure_hpa - 1.2, 10.0)
}

/// To a fraction of `parts` of one; never -0.
pub(crate) fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts + 0.0
}

/// Answers `GET /v1/forecast`.
pub(crate) async fn forecast(
    State(shared): State<Shared>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    let answer = query
        .map_err(|rejection| rejection.body_text())
        .and_then(|Query(pairs)| Request::parse(&pairs))
        .and_then(|request| answer(&shared, &request));
    match answer {
        Ok(body) => Json(body).into_response(),
        Err(reason) => {
            let body = json!({"error": true, "reason": reason});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    }
}

/// Refuses a place that is not the city's.
pub(crate) fn must_be_near(shared: &Shared, place: (f64, f64)) -> Result<(), Refused> {
    let city = &shared.config.city;
    let away = (place.0 - city.latitude)
        .abs()
        .max((place.1 - city.longitude).abs());
    if away <= NEAR_DEGREES {
        return Ok(());
    }
    Err(format!(
        "The simulator knows the weather of latitude {} and longitude {} only",
        city.latitude, city.longitude
    ))
}

fn answer(shared: &Shared, request: &Request) -> Result<Value, Refused> {
    must_be_near(shared, (request.latitude, request.longitude))?;
    let now = shared.clock.now();
    let mut body = json!({
        "latitude": rounded(request.latitude, 100.0),
        "longitude": rounded(request.longitude, 100.0),
        "generationtime_ms": 0.05,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 10.0,
    });
    if !request.current.is_empty() {
        let (units, current) = current(shared, request, now);
        body["current_units"] = units;
        body["current"] = current;
    }
    if !request.hourly.is_empty() {
        let (units, hourly) = hourly(shared, request, now);
        body["hourly_units"] = units;
        body["hourly"] = hourly;
    }
    Ok(body)
}

fn current(shared: &Shared, request: &Request, now: Timestamp) -> (Value, Value) {
    let interval_s = shared.config.interval_s;
    let at = shared.current_slot(now);
    let weather = shared.climate.at(at);
    if request
        .current
        .iter()
        .any(|(_, v)| *v == Asked::Temperature)
    {
        shared.record_weather(Kind::Current, [(at, temperature(&weather))]);
    }
    shared.counters.current();
    let mut units = Map::new();
    let mut values = Map::new();
    units.insert("time".into(), json!("iso8601"));
    units.insert("interval".into(), json!("seconds"));
    values.insert("time".into(), json!(minute(at)));
    values.insert("interval".into(), json!(interval_s));
    let hours = f64::from(interval_s) / 3_600.0;
    for (name, variable) in &request.current {
        units.insert((*name).into(), json!(variable.unit(request)));
        values.insert((*name).into(), variable.value(&weather, hours, request));
    }
    (Value::Object(units), Value::Object(values))
}

fn hourly(shared: &Shared, request: &Request, now: Timestamp) -> (Value, Value) {
    let today = now.millis() - now.millis() % DAY_MS;
    let first = today - i64::from(request.past_days) * DAY_MS;
    let hours = 24 * i64::from(request.past_days + request.forecast_days);
    let times: Vec<Timestamp> = (0..hours).map(|h| moment(first + h * HOUR_MS)).collect();
    // Near the bounds of time several moments would become one.
    let times: BTreeSet<HourSlot> = times.into_iter().map(HourSlot::containing).collect();
    let weathers: Vec<(Timestamp, Weather)> = times
        .into_iter()
        .map(|hour| (hour.start(), shared.climate.at(hour.start())))
        .collect();
    if request.hourly.iter().any(|(_, v)| *v == Asked::Temperature) {
        let past = weathers.iter().filter(|(at, _)| *at <= now);
        let values = past.map(|(at, weather)| (*at, temperature(weather)));
        shared.record_weather(Kind::Hourly, values);
    }
    shared.counters.history();
    let mut units = Map::new();
    let mut values = Map::new();
    units.insert("time".into(), json!("iso8601"));
    let minutes: Vec<String> = weathers.iter().map(|(at, _)| minute(*at)).collect();
    values.insert("time".into(), json!(minutes));
    for (name, variable) in &request.hourly {
        let column: Vec<Value> = weathers
            .iter()
            .map(|(_, weather)| variable.value(weather, 1.0, request))
            .collect();
        units.insert((*name).into(), json!(variable.unit(request)));
        values.insert((*name).into(), Value::Array(column));
    }
    (Value::Object(units), Value::Object(values))
}

/// Open-Meteo's way to write a time: to the minute and without an offset.
fn minute(at: Timestamp) -> String {
    at.to_chrono().format("%Y-%m-%dT%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    #[test]
    fn bad_parameters_are_refused_with_a_reason() {
        let place = "latitude=40.7&longitude=-74";
        for (query, part) in [
            ("longitude=-74", "latitude"),
            ("latitude=40.7", "longitude"),
            ("latitude=91&longitude=0", "latitude"),
            ("latitude=NaN&longitude=0", "latitude"),
            ("latitude=40.7,41&longitude=0", "latitude"),
            (&format!("{place}&current=warmth"), "warmth"),
            (&format!("{place}&past_days=93"), "past_days"),
            (&format!("{place}&past_days=-1"), "past_days"),
            (&format!("{place}&forecast_days=17"), "forecast_days"),
            (&format!("{place}&temperature_unit=fahrenheit"), "celsius"),
            (&format!("{place}&wind_speed_unit=knots"), "kmh or ms"),
            (&format!("{place}&precipitation_unit=inch"), "mm"),
            (&format!("{place}&timeformat=unixtime"), "iso8601"),
            (&format!("{place}&timezone=Europe/Berlin"), "UTC or GMT"),
            (&format!("{place}&past_day=1"), "past_day"),
        ] {
            let reason = Request::parse(&pairs(query)).unwrap_err();
            assert!(reason.contains(part), "{query}: {reason}");
        }
    }

    #[test]
    fn a_variable_that_is_asked_for_twice_is_served_once() {
        let query = "latitude=1&longitude=2&current=temperature_2m,temperature_2m&current=cloud_cover,temperature_2m";
        let request = Request::parse(&pairs(query)).unwrap();
        let names: Vec<_> = request.current.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["temperature_2m", "cloud_cover"]);
    }

    #[test]
    fn values_are_rounded_as_they_are_served() {
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
