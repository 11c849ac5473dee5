//! Current weather in the formats of the providers that require a key: OpenWeatherMap, Weatherbit,
//! Apixu and Weatherstack.
//!
//! Every key is valid except [`EXPIRED`], which is rejected in each provider's own format. So are
//! requests that the simulator does not support: other locations, and units other than metric.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::Offset;
use moodvane_model::{City, Timestamp};
use moodvane_world::Weather;
use serde_json::{Value, json};

use crate::journal::WeatherKind;
use crate::open_meteo::{RejectReason, find_place, rounded, surface_pressure, temperature};
use crate::state::{Place, SharedWorld};

/// The rejected key.
const EXPIRED: &str = "expired";

type QueryParams = HashMap<String, String>;

/// Requests and responses of one provider.
#[derive(Clone, Copy)]
struct Api {
    path: &'static str,
    key: &'static str,
    location: Location,
    /// The units parameter and its value for metric units, if the provider has one.
    units: Option<(&'static str, &'static str)>,
    encode: fn(&City, Timestamp, Timestamp, &Weather) -> Value,
    reject: fn(StatusCode, &str) -> Response,
}

#[derive(Clone, Copy)]
enum Location {
    /// Two parameters, `lat` and `lon`.
    Separate,
    /// One parameter, the numbers separated by a comma.
    Combined(&'static str),
}

const APIS: [Api; 4] = [
    Api {
        path: "/data/2.5/weather",
        key: "appid",
        location: Location::Separate,
        units: Some(("units", "metric")),
        encode: openweathermap,
        reject: |status, reason| {
            let body = json!({ "cod": status.as_u16(), "message": reason });
            (status, Json(body)).into_response()
        },
    },
    Api {
        path: "/v2.0/current",
        key: "key",
        location: Location::Separate,
        units: Some(("units", "M")),
        encode: weatherbit,
        reject: |status, reason| (status, Json(json!({ "error": reason }))).into_response(),
    },
    Api {
        path: "/v1/current.json",
        key: "key",
        location: Location::Combined("q"),
        units: None,
        encode: apixu,
        reject: |status, reason| {
            let body = json!({ "error": { "code": 2006, "message": reason } });
            (status, Json(body)).into_response()
        },
    },
    Api {
        path: "/current",
        key: "access_key",
        location: Location::Combined("query"),
        units: Some(("units", "m")),
        encode: weatherstack,
        // Weatherstack reports errors with status 200.
        reject: |_, reason| {
            let error = json!({ "code": 101, "type": "refused", "info": reason });
            Json(json!({ "success": false, "error": error })).into_response()
        },
    },
];

/// The routes of all providers.
pub(crate) fn routes() -> Router<SharedWorld> {
    APIS.into_iter().fold(Router::new(), |router, api| {
        let handler = move |State(shared): State<SharedWorld>, Query(pairs): Query<QueryParams>| async move {
            api.respond(&shared, &pairs)
        };
        router.route(api.path, get(handler))
    })
}

/// The current weather of a place and its time, recorded as served.
pub(crate) fn current(shared: &SharedWorld, place: &Place) -> (Timestamp, Weather) {
    let at = shared.current_slot(place, shared.clock.now());
    let weather = shared.weather(place, at);
    shared.record_weather(place, WeatherKind::Current, [(at, temperature(&weather))]);
    shared.counters.current();
    (at, weather)
}

impl Api {
    fn respond(&self, shared: &SharedWorld, pairs: &QueryParams) -> Response {
        let param = |name: &str| pairs.get(name).map_or("", String::as_str);
        if matches!(param(self.key), "" | EXPIRED) {
            return (self.reject)(StatusCode::UNAUTHORIZED, "Invalid API key");
        }
        if let Some((name, metric)) = self.units
            && param(name) != metric
        {
            let reason = format!("the simulator supports {name}={metric} only");
            return (self.reject)(StatusCode::BAD_REQUEST, &reason);
        }
        let location = self.location.parse(pairs);
        let place = match location.and_then(|location| find_place(shared, location)) {
            Ok(place) => place,
            Err(reason) => return (self.reject)(StatusCode::BAD_REQUEST, &reason),
        };
        let (at, weather) = current(shared, place);
        Json((self.encode)(&place.city, shared.clock.now(), at, &weather)).into_response()
    }
}

impl Location {
    fn parse(self, pairs: &QueryParams) -> Result<(f64, f64), RejectReason> {
        let param = |name: &str| pairs.get(name).map(String::as_str);
        let texts = match self {
            Self::Separate => param("lat").zip(param("lon")),
            Self::Combined(name) => param(name).and_then(|text| text.split_once(',')),
        };
        texts
            .and_then(|(lat, lon)| lat.parse().ok().zip(lon.parse().ok()))
            .ok_or_else(|| "the location must be latitude and longitude".to_owned())
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.millis() / 1000
}

fn precipitation(weather: &Weather) -> f64 {
    rounded(weather.precipitation_mm_h, 100.0)
}

fn wind_km_h(weather: &Weather) -> f64 {
    rounded(weather.wind_m_s * 3.6, 10.0)
}

/// A whole percentage.
pub(crate) fn percent(share: f64) -> i64 {
    share.round() as i64
}

fn openweathermap(city: &City, _: Timestamp, at: Timestamp, weather: &Weather) -> Value {
    let (precipitation_mm, celsius) = (precipitation(weather), temperature(weather));
    let (kind, id) = match precipitation_mm > 0.0 {
        false => ("", 800),
        true if celsius < 0.0 => ("snow", 600),
        true => ("rain", 500),
    };
    let mut answer = json!({
        "coord": { "lon": city.longitude, "lat": city.latitude },
        "weather": [{ "id": id }],
        "base": "stations",
        "main": {
            "temp": celsius,
            "humidity": percent(weather.humidity_pct),
            "pressure": rounded(weather.pressure_hpa, 10.0),
            "grnd_level": surface_pressure(weather),
        },
        "wind": { "speed": rounded(weather.wind_m_s, 10.0) },
        "clouds": { "all": percent(weather.cloud_pct) },
        "dt": seconds(at),
        "name": city.name,
        "cod": 200,
    });
    if !kind.is_empty() {
        answer[kind] = json!({ "1h": precipitation_mm });
    }
    answer
}

fn weatherbit(city: &City, _: Timestamp, at: Timestamp, weather: &Weather) -> Value {
    let observation = json!({
        "city_name": city.name,
        "lat": city.latitude,
        "lon": city.longitude,
        "ob_time": at.to_chrono().format("%Y-%m-%d %H:%M").to_string(),
        "ts": seconds(at),
        "temp": temperature(weather),
        "rh": percent(weather.humidity_pct),
        "precip": precipitation(weather),
        "wind_spd": rounded(weather.wind_m_s, 10.0),
        "clouds": percent(weather.cloud_pct),
        "pres": surface_pressure(weather),
        "slp": rounded(weather.pressure_hpa, 10.0),
    });
    json!({ "data": [observation], "count": 1 })
}

fn apixu(city: &City, now: Timestamp, at: Timestamp, weather: &Weather) -> Value {
    json!({
        "location": {
            "name": city.name,
            "lat": city.latitude,
            "lon": city.longitude,
            "localtime_epoch": seconds(now),
        },
        "current": {
            "last_updated_epoch": seconds(at),
            "temp_c": temperature(weather),
            "humidity": percent(weather.humidity_pct),
            "precip_mm": precipitation(weather),
            "wind_kph": wind_km_h(weather),
            "cloud": percent(weather.cloud_pct),
            "pressure_mb": rounded(weather.pressure_hpa, 10.0),
        },
    })
}

/// The real service returns whole degrees. The simulator returns tenths, because the truth has one value
/// per time.
fn weatherstack(city: &City, now: Timestamp, at: Timestamp, weather: &Weather) -> Value {
    let local = now.to_chrono().with_timezone(&city.zone);
    let offset_s = local.offset().fix().local_minus_utc();
    json!({
        "request": { "type": "LatLon", "language": "en", "unit": "m" },
        "location": {
            "name": city.name,
            "localtime": local.format("%Y-%m-%d %H:%M").to_string(),
            "localtime_epoch": seconds(now) + i64::from(offset_s),
            "utc_offset": format!("{:?}", f64::from(offset_s) / 3600.0),
        },
        "current": {
            "observation_time": at.to_chrono().format("%I:%M %p").to_string(),
            "temperature": temperature(weather),
            "humidity": percent(weather.humidity_pct),
            "precip": precipitation(weather),
            "wind_speed": wind_km_h(weather),
            "cloudcover": percent(weather.cloud_pct),
            "pressure": rounded(weather.pressure_hpa, 10.0),
        },
    })
}
