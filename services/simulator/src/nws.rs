//! Weather in the format of api.weather.gov: a point, its stations, and their observations.
//!
//! Each city has two stations: one in it, with observations, and a distant one that no client should
//! use. The first city's is KSIM, that of the next ones KSIM1, KSIM2 and so on. Requests without a User-Agent are rejected, as by the real service.

use std::collections::HashMap;

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::USER_AGENT;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use moodvane_model::{HourSlot, Timestamp};
use moodvane_world::Weather;
use serde_json::{Value, json};

use crate::feed::timestamp;
use crate::journal::WeatherKind;
use crate::keyed::{current, percent};
use crate::open_meteo::{find_place, rounded, temperature};
use crate::state::{Place, SharedWorld};

const STATION: &str = "KSIM";
const FAR_STATION: &str = "KFAR";
const HOUR_MS: i64 = 3_600_000;
/// Limit of observations in a response.
const MAX_OBSERVATIONS: usize = 500;
/// Retention of observations.
const RETENTION_HOURS: i64 = 7 * 24;

pub(crate) fn routes() -> Router<SharedWorld> {
    Router::new()
        .route("/points/{place}", get(point))
        .route("/gridpoints/{office}/{grid}/stations", get(stations))
        .route(
            "/stations/{id}/observations/latest",
            get(latest_observation),
        )
        .route("/stations/{id}/observations", get(observations))
        .layer(middleware::from_fn(require_user_agent))
}

async fn require_user_agent(request: Request, next: Next) -> Response {
    if request.headers().contains_key(USER_AGENT) {
        return next.run(request).await;
    }
    reject(StatusCode::FORBIDDEN, "a User-Agent is required")
}

fn reject(status: StatusCode, detail: &str) -> Response {
    (
        status,
        Json(json!({ "title": "Refused", "detail": detail })),
    )
        .into_response()
}

async fn point(State(shared): State<SharedWorld>, Path(place): Path<String>) -> Response {
    let parse = |(lat, lon): (&str, &str)| lat.parse().ok().zip(lon.parse().ok());
    let Some(place) = place.split_once(',').and_then(parse) else {
        return reject(
            StatusCode::BAD_REQUEST,
            "a point must be latitude,longitude",
        );
    };
    let grid = match find_place(&shared, place) {
        Ok(place) => place.index + 1,
        Err(reason) => return reject(StatusCode::NOT_FOUND, &reason),
    };
    let stations = format!("https://api.weather.gov/gridpoints/SIM/{grid},2/stations");
    Json(json!({ "properties": { "observationStations": stations } })).into_response()
}

async fn stations(
    State(shared): State<SharedWorld>,
    Path((_, grid)): Path<(String, String)>,
) -> Response {
    let column = grid.split(',').next().and_then(|x| x.parse().ok());
    let index = column.and_then(|x: usize| x.checked_sub(1));
    let Some(place) = index.and_then(|index| shared.places.get(index)) else {
        return reject(StatusCode::NOT_FOUND, "the grid point has no stations");
    };
    let city = &place.city;
    let station = |id: &str, longitude: f64| {
        json!({
            "geometry": { "type": "Point", "coordinates": [longitude, city.latitude] },
            "properties": { "stationIdentifier": id },
        })
    };
    let stations = [
        station(FAR_STATION, city.longitude + 1.0),
        station(&station_id(place.index), city.longitude + 0.01),
    ];
    Json(json!({ "type": "FeatureCollection", "features": stations })).into_response()
}

fn station_id(index: usize) -> String {
    match index {
        0 => STATION.to_owned(),
        index => format!("{STATION}{index}"),
    }
}

/// The city whose station has observations.
fn find_station<'a>(shared: &'a SharedWorld, id: &str) -> Option<&'a Place> {
    let index = match id.strip_prefix(STATION)? {
        "" => 0,
        digits => digits.parse().ok().filter(|index| *index > 0)?,
    };
    shared.places.get(index)
}

async fn latest_observation(State(shared): State<SharedWorld>, Path(id): Path<String>) -> Response {
    let Some(place) = find_station(&shared, &id) else {
        return reject(StatusCode::NOT_FOUND, "the station has no observations");
    };
    let (at, weather) = current(&shared, place);
    Json(observation(at, &weather)).into_response()
}

/// The hours since `start`, in reverse chronological order.
async fn observations(
    State(shared): State<SharedWorld>,
    Path(id): Path<String>,
    Query(pairs): Query<HashMap<String, String>>,
) -> Response {
    let Some(place) = find_station(&shared, &id) else {
        return reject(StatusCode::NOT_FOUND, "the station has no observations");
    };
    let param = |name: &str| pairs.get(name).map(String::as_str);
    let start = param("start").map(Timestamp::parse_rfc3339).transpose();
    let limit = param("limit").map(str::parse::<usize>).transpose();
    let (Ok(start), Ok(limit)) = (start, limit) else {
        return reject(
            StatusCode::BAD_REQUEST,
            "start must be a time and limit a number",
        );
    };
    let last = HourSlot::containing(shared.clock.now()).start();
    let hours = (0..RETENTION_HOURS).map(|ago| timestamp(last.millis() - ago * HOUR_MS));
    let hours = hours.take_while(|at| start.is_none_or(|start| *at >= start));
    let limit = limit.unwrap_or(MAX_OBSERVATIONS).min(MAX_OBSERVATIONS);
    let hours: Vec<_> = hours
        .take(limit)
        .map(|at| (at, shared.weather(place, at)))
        .collect();
    let served = hours
        .iter()
        .map(|(at, weather)| (*at, temperature(weather)));
    shared.record_weather(place, WeatherKind::Hourly, served);
    shared.counters.history();
    let features: Vec<_> = hours
        .iter()
        .map(|(at, weather)| observation(*at, weather))
        .collect();
    Json(json!({ "type": "FeatureCollection", "features": features })).into_response()
}

fn observation(at: Timestamp, weather: &Weather) -> Value {
    let value = |unit: &str, value: Value| json!({ "unitCode": format!("wmoUnit:{unit}"), "value": value, "qualityControl": "V" });
    let number = |unit: &str, number: f64, parts: f64| value(unit, json!(rounded(number, parts)));
    let rain = weather.precipitation_mm_h;
    json!({
        "type": "Feature",
        "properties": {
            "timestamp": at.to_chrono().to_rfc3339(),
            "temperature": value("degC", json!(temperature(weather))),
            "relativeHumidity": value("percent", json!(percent(weather.humidity_pct))),
            // `null` without precipitation, as by the real service.
            "precipitationLastHour": value("mm", if rain > 0.0 { json!(rounded(rain, 100.0)) } else { Value::Null }),
            "windSpeed": number("km_h-1", weather.wind_m_s * 3.6, 100.0),
            "barometricPressure": number("Pa", weather.pressure_hpa * 100.0, 1.0),
            "cloudLayers": [{ "amount": cloud_amount(weather.cloud_pct) }],
        },
    })
}

/// The code of a cloud cover, by eighths of the sky.
fn cloud_amount(percent: f64) -> &'static str {
    match (percent / 12.5).round() as i64 {
        0 => "CLR",
        1..=2 => "FEW",
        3..=4 => "SCT",
        5..=7 => "BKN",
        _ => "OVC",
    }
}
